/* SPDX-License-Identifier: BSD-2-Clause */
/* activations_avx512.c: the yardsticks of AVX-512. */
#ifndef __AVX512F__
#error "activations_avx512.c needs -mavx512f"
#endif
#include <immintrin.h>
#include <sleef.h>

typedef __m512 vec;
enum { LANES = 16 };
#define HAS_SLEEF
#define MVEC_TANH "_ZGVeN16v_tanhf"
#define MVEC_EXP "_ZGVeN16v_expf"

static inline vec v_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
static inline void v_store(float *p, vec a)
{
    _mm512_storeu_ps(p, a);
}
static inline vec v_set1(float a)
{
    return _mm512_set1_ps(a);
}
static inline vec v_fma(vec a, vec b, vec c)
{
    return _mm512_fmadd_ps(a, b, c);
}
static inline vec v_div(vec a, vec b)
{
    return _mm512_div_ps(a, b);
}
static inline vec v_min(vec a, vec b)
{
    return _mm512_min_ps(a, b);
}
static inline vec v_max(vec a, vec b)
{
    return _mm512_max_ps(a, b);
}
static inline vec v_neg(vec a)
{
    return _mm512_sub_ps(_mm512_set1_ps(-0.0f), a);
}
static inline vec sleef_tanh_u10(vec a)
{
    return Sleef_tanhf16_u10avx512f(a);
}
static inline vec sleef_tanh_u35(vec a)
{
    return Sleef_tanhf16_u35avx512f(a);
}
static inline vec sleef_exp_u10(vec a)
{
    return Sleef_expf16_u10avx512f(a);
}

#include "activations_body.h"

const struct activations_isa activations_avx512 = {
    "avx512",
    {{sleef_sigmoid_u10_over, sleef_tanh_u10_over},
     {NULL, sleef_tanh_u35_over},
     {mvec_sigmoid_over, mvec_tanh_over},
     {NULL, NULL},
     {rational_sigmoid_over, rational_tanh_over}},
    mvec_open};
