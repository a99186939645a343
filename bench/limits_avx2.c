/* SPDX-License-Identifier: BSD-2-Clause */
/* limits_avx2.c: the measuring loops in AVX2 with FMA. */
#if !defined(__AVX2__) || !defined(__FMA__)
#error "limits_avx2.c needs -mavx2 -mfma"
#endif
#include <immintrin.h>

typedef __m256 vec;
#define V_REGISTER "x"
#define S_REGISTER "x"
/* Latency 4 or 5 x 2 ports is at most 10; with two factors 12 fit the 16 registers. */
enum { CHAINS = 12 };

static inline vec v_zero(void)
{
    return _mm256_setzero_ps();
}
static inline vec v_set1(float value)
{
    return _mm256_set1_ps(value);
}
static inline vec v_div(vec a, vec b)
{
    return _mm256_div_ps(a, b);
}
static inline vec v_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}
static inline vec v_load(const char *p)
{
    return _mm256_load_ps((const float *)(const void *)p);
}
/* By asm: the intrinsic for one lane drags moves along that keep the upper lanes. */
static inline float s_fma(float a)
{
    __asm__ volatile("vfmadd213ss %0, %0, %0" : "+x"(a));
    return a;
}

#include "limits_body.h"

const struct limits_isa limits_avx2 = {"avx2", 8, peak, CHAINS, latency, divide, read_all, probe};
