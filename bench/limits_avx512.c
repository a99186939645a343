/* SPDX-License-Identifier: BSD-2-Clause */
/* limits_avx512.c: the measuring loops in AVX-512. */
#ifndef __AVX512F__
#error "limits_avx512.c needs -mavx512f -mfma"
#endif
#include "../arch/avx512/vec.h"

#define V_REGISTER "v"
#define S_REGISTER "v"
/* Latency 4 x 2 ports is 8. */
enum { CHAINS = 16 };

/* By asm: the intrinsic for one lane drags moves along that keep the upper lanes. */
static inline float s_fma(float a)
{
    __asm__ volatile("vfmadd213ss %0, %0, %0" : "+v"(a));
    return a;
}

#include "limits_body.h"

const struct limits_isa limits_avx512 = {"avx512", LANES, peak, CHAINS, latency, divide, read_all, feed_all, probe};
