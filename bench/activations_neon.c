/* SPDX-License-Identifier: BSD-2-Clause */
/* activations_neon.c: the yardsticks of NEON (AArch64). */
#ifndef __ARM_NEON
#error "activations_neon.c is for AArch64"
#endif
#include <arm_neon.h>
#include <sleef.h>

typedef float32x4_t vec;
enum { LANES = 4 };
#define HAS_SLEEF
#define MVEC_TANH "_ZGVnN4v_tanhf"
#define MVEC_EXP "_ZGVnN4v_expf"

static inline vec v_load(const float *p)
{
    return vld1q_f32(p);
}
static inline void v_store(float *p, vec a)
{
    vst1q_f32(p, a);
}
static inline vec v_set1(float a)
{
    return vdupq_n_f32(a);
}
static inline vec v_fma(vec a, vec b, vec c)
{
    return vfmaq_f32(c, a, b);
}
static inline vec v_div(vec a, vec b)
{
    return vdivq_f32(a, b);
}
static inline vec v_min(vec a, vec b)
{
    return vminq_f32(a, b);
}
static inline vec v_max(vec a, vec b)
{
    return vmaxq_f32(a, b);
}
static inline vec v_neg(vec a)
{
    return vnegq_f32(a);
}
static inline vec sleef_tanh_u10(vec a)
{
    return Sleef_tanhf4_u10(a);
}
static inline vec sleef_tanh_u35(vec a)
{
    return Sleef_tanhf4_u35(a);
}
static inline vec sleef_exp_u10(vec a)
{
    return Sleef_expf4_u10(a);
}

#include "activations_body.h"

const struct activations_isa activations_neon = {
    "neon",
    {{sleef_sigmoid_u10_over, sleef_tanh_u10_over},
     {NULL, sleef_tanh_u35_over},
     {mvec_sigmoid_over, mvec_tanh_over},
     {NULL, NULL},
     {rational_sigmoid_over, rational_tanh_over}},
    mvec_open};
