/* SPDX-License-Identifier: BSD-2-Clause */
/* vec.h: the vocabulary of kernels for NEON on AArch64: 4 lanes. arch/scalar/vec.h says what each word means. */
#ifndef GRU_VEC_H
#define GRU_VEC_H

#include <arm_neon.h>
#include <sleef.h>
#include <stddef.h>
#include <stdint.h>

typedef float32x4_t vec;
typedef int32x4_t ivec;
typedef uint32x4_t mask; /* all bits of a lane set, or none */

/* 32 registers: 24 accumulators, four rows of four inputs each, whose lanes fmla takes one by one, and some weights. */
enum { LANES = 4, TILE_ACCUMULATORS = 24, TILE_ROWS = 4, TILE_STEP = 4 };

static inline vec v_load(const float *p) { return vld1q_f32(p); }
static inline void v_store(float *p, vec a) { vst1q_f32(p, a); }

static inline vec v_load_part(const float *p, size_t n)
{
    vec a = vld1q_lane_f32(p, vdupq_n_f32(0), 0);
    if (n > 1)
        a = vld1q_lane_f32(p + 1, a, 1);
    if (n > 2)
        a = vld1q_lane_f32(p + 2, a, 2);
    return n > 3 ? vld1q_f32(p) : a;
}

static inline void v_store_part(float *p, vec a, size_t n)
{
    vst1q_lane_f32(p, a, 0);
    if (n > 1)
        vst1q_lane_f32(p + 1, a, 1);
    if (n > 2)
        vst1q_lane_f32(p + 2, a, 2);
    if (n > 3)
        vst1q_lane_f32(p + 3, a, 3);
}

static inline vec v_set1(float a) { return vdupq_n_f32(a); }
static inline vec v_add(vec a, vec b) { return vaddq_f32(a, b); }
static inline vec v_sub(vec a, vec b) { return vsubq_f32(a, b); }
static inline vec v_mul(vec a, vec b) { return vmulq_f32(a, b); }
static inline vec v_div(vec a, vec b) { return vdivq_f32(a, b); }
static inline vec v_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
static inline vec v_fnma(vec a, vec b, vec c) { return vfmsq_f32(c, a, b); }

typedef vec inputs;
static inline inputs v_inputs(const float *p) { return vld1q_f32(p); }
static inline inputs v_inputs_one(const float *p) { return vdupq_n_f32(*p); }
#define v_input(x, i) vdupq_laneq_f32(x, i)

static inline mask v_lt(vec a, vec b) { return vcltq_f32(a, b); }
static inline vec v_select(mask m, vec a, vec b) { return vbslq_f32(m, a, b); }
static inline vec v_keep(mask m, vec a) { return vreinterpretq_f32_u32(vandq_u32(m, vreinterpretq_u32_f32(a))); }

static inline ivec v_bits(vec a) { return vreinterpretq_s32_f32(a); }
static inline vec v_float(ivec a) { return vreinterpretq_f32_s32(a); }
static inline ivec i_set1(int32_t a) { return vdupq_n_s32(a); }
static inline ivec i_and(ivec a, ivec b) { return vandq_s32(a, b); }
static inline ivec i_or(ivec a, ivec b) { return vorrq_s32(a, b); }
static inline ivec i_xor(ivec a, ivec b) { return veorq_s32(a, b); }
static inline ivec i_add(ivec a, ivec b) { return vaddq_s32(a, b); }
static inline ivec i_sub(ivec a, ivec b) { return vsubq_s32(a, b); }
static inline ivec i_shl(ivec a, int n) { return vshlq_s32(a, vdupq_n_s32(n)); }
static inline mask i_gt(ivec a, ivec b) { return vcgtq_s32(a, b); }

static inline vec v_sleef_exp(vec a) { return Sleef_finz_expf4_u10advsimd(a); }
static inline vec v_sleef_tanh(vec a) { return Sleef_finz_tanhf4_u10advsimd(a); }

#endif
