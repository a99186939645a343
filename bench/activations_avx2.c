/* SPDX-License-Identifier: BSD-2-Clause */
/* activations_avx2.c: the yardsticks of AVX2 with FMA. */
#if !defined(__AVX2__) || !defined(__FMA__)
#error "activations_avx2.c needs -mavx2 -mfma"
#endif
#include <immintrin.h>
#include <sleef.h>

typedef __m256 vec;
enum { LANES = 8 };
#define HAS_SLEEF
#define MVEC_TANH "_ZGVdN8v_tanhf"
#define MVEC_EXP "_ZGVdN8v_expf"

static inline vec v_load(const float *p)
{
    return _mm256_loadu_ps(p);
}
static inline void v_store(float *p, vec a)
{
    _mm256_storeu_ps(p, a);
}
static inline vec v_set1(float a)
{
    return _mm256_set1_ps(a);
}
static inline vec v_fma(vec a, vec b, vec c)
{
    return _mm256_fmadd_ps(a, b, c);
}
static inline vec v_div(vec a, vec b)
{
    return _mm256_div_ps(a, b);
}
static inline vec v_min(vec a, vec b)
{
    return _mm256_min_ps(a, b);
}
static inline vec v_max(vec a, vec b)
{
    return _mm256_max_ps(a, b);
}
static inline vec v_neg(vec a)
{
    return _mm256_xor_ps(a, _mm256_set1_ps(-0.0f));
}
static inline vec sleef_tanh_u10(vec a)
{
    return Sleef_tanhf8_u10avx2(a);
}
static inline vec sleef_tanh_u35(vec a)
{
    return Sleef_tanhf8_u35avx2(a);
}
static inline vec sleef_exp_u10(vec a)
{
    return Sleef_expf8_u10avx2(a);
}

#include "activations_body.h"

const struct activations_isa activations_avx2 = {
    "avx2",
    {{sleef_sigmoid_u10_over, sleef_tanh_u10_over},
     {NULL, sleef_tanh_u35_over},
     {mvec_sigmoid_over, mvec_tanh_over},
     {NULL, NULL},
     {rational_sigmoid_over, rational_tanh_over}},
    mvec_open};
