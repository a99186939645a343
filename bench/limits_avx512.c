/* SPDX-License-Identifier: BSD-2-Clause */
/* limits_avx512.c: the measuring loops in AVX-512. */
#ifndef __AVX512F__
#error "limits_avx512.c needs -mavx512f -mfma"
#endif
#include <immintrin.h>

typedef __m512 vec;
#define V_REGISTER "v"
#define S_REGISTER "v"
/* Latency 4 x 2 ports is 8. */
enum { CHAINS = 16 };

static inline vec v_zero(void)
{
    return _mm512_setzero_ps();
}
static inline vec v_set1(float value)
{
    return _mm512_set1_ps(value);
}
static inline vec v_div(vec a, vec b)
{
    return _mm512_div_ps(a, b);
}
static inline vec v_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline vec v_load(const char *p)
{
    return _mm512_load_ps(p);
}
/* By asm: the intrinsic for one lane drags moves along that keep the upper lanes. */
static inline float s_fma(float a)
{
    __asm__ volatile("vfmadd213ss %0, %0, %0" : "+v"(a));
    return a;
}

#include "limits_body.h"

const struct limits_isa limits_avx512 = {"avx512", 16, peak, CHAINS, latency, divide, read_all, probe};
