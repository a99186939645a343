/* SPDX-License-Identifier: BSD-2-Clause */
/* limits_neon.c: the measuring loops in NEON (AArch64). */
#ifndef __ARM_NEON
#error "limits_neon.c is for AArch64"
#endif
#include <arm_neon.h>

typedef float32x4_t vec;
#define V_REGISTER "w"
#define S_REGISTER "w"
/* Latency 4 x up to 4 ports. */
enum { CHAINS = 16 };

static inline vec v_zero(void)
{
    return vdupq_n_f32(0.0f);
}
static inline vec v_set1(float value)
{
    return vdupq_n_f32(value);
}
static inline vec v_div(vec a, vec b)
{
    return vdivq_f32(a, b);
}
static inline vec v_fma(vec a, vec b, vec c)
{
    return vfmaq_f32(c, a, b);
}
static inline vec v_load(const char *p)
{
    return vld1q_f32((const float *)(const void *)p);
}
static inline float s_fma(float a)
{
    return __builtin_fmaf(a, a, a);
}

#include "limits_body.h"

const struct limits_isa limits_neon = {"neon", 4, peak, CHAINS, latency, divide, read_all, probe};
