/* SPDX-License-Identifier: BSD-2-Clause */
/* limits_avx2.c: the measuring loops in AVX2 with FMA. */
#if !defined(__AVX2__) || !defined(__FMA__)
#error "limits_avx2.c needs -mavx2 -mfma"
#endif
#include "../arch/avx2/vec.h"

#define V_REGISTER "x"
#define S_REGISTER "x"
/* Latency 4 or 5 x 2 ports is at most 10; with two factors 12 fit the 16 registers. */
enum { CHAINS = 12 };

/* By asm: the intrinsic for one lane drags moves along that keep the upper lanes. */
static inline float s_fma(float a)
{
    __asm__ volatile("vfmadd213ss %0, %0, %0" : "+x"(a));
    return a;
}

#include "limits_body.h"

const struct limits_isa limits_avx2 = {"avx2", LANES, peak, CHAINS, latency, divide, read_all, feed_all, probe};
