/* SPDX-License-Identifier: BSD-2-Clause */
/* vec.h: the vocabulary of kernels for NEON on AArch64: 4 lanes. arch/scalar/vec.h says what each word means. */
#ifndef GRU_VEC_H
#define GRU_VEC_H

#include <arm_neon.h>
#include <sleef.h>
#include <stddef.h>
#include <stdint.h>

typedef float32x4_t vec;
typedef uint32x4_t ivec;
typedef uint8x16_t places;
typedef uint32x4_t mask; /* all bits of a lane set, or none */

/* 32 registers: 24 accumulators, four rows of four inputs each, whose lanes fmla takes one by one, and some weights.
 * One row's inputs come by fours anyway, so FOUR_CHAINS is more than there are. */
enum {
    LANES = 4, TILE_ACCUMULATORS = 24, TILE_ROWS = 4, TILE_STEP = 4, ABREAST = 4, TANHS_ABREAST = 4, ROW_CHAINS = 24,
    ROW_STEP = 4, FOUR_CHAINS = 25, AHEAD_SUMS = 0
};

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

static inline void v_end(void) {}

static inline vec v_set1(float a) { return vdupq_n_f32(a); }
static inline vec v_add(vec a, vec b) { return vaddq_f32(a, b); }
static inline vec v_sub(vec a, vec b) { return vsubq_f32(a, b); }
static inline vec v_mul(vec a, vec b) { return vmulq_f32(a, b); }
static inline vec v_div(vec a, vec b) { return vdivq_f32(a, b); }
static inline vec v_fma(vec a, vec b, vec c) { return vfmaq_f32(c, a, b); }
static inline vec v_fma_in_place(vec a, vec b, vec c) { return v_fma(a, b, c); }
static inline vec v_fnma(vec a, vec b, vec c) { return vfmsq_f32(c, a, b); }

typedef vec inputs;
static inline inputs v_inputs(const float *p) { return vld1q_f32(p); }
static inline inputs v_inputs_one(const float *p) { return vdupq_n_f32(*p); }
/* A subscript, since clang wants a literal for vdupq_laneq_f32; the code is the same. */
static inline vec v_input(inputs x, int i) { return vdupq_n_f32(x[i]); }
static inline vec v_four(const float *p) { return v_inputs(p); }
static inline vec v_of_four(vec four, int i) { return v_input(four, i); }

static inline mask v_lt(vec a, vec b) { return vcltq_f32(a, b); }
static inline vec v_select(mask m, vec a, vec b) { return vbslq_f32(m, a, b); }

static inline ivec v_bits(vec a) { return vreinterpretq_u32_f32(a); }
static inline vec v_float(ivec a) { return vreinterpretq_f32_u32(a); }

/* fmin and fmax hand a NaN on; c is no zero, so their order of the zeros is never asked. */
static inline vec v_at_most(vec c, vec x) { return vminq_f32(c, x); }
static inline vec v_at_least(vec c, vec x) { return vmaxq_f32(c, x); }
static inline vec v_zero_below(vec x, vec c, vec y) { return v_float(vbicq_u32(v_bits(y), vcltq_f32(x, c))); }

/* Shifts by a vector, which the compilers turn into shifts by a constant: the intrinsics for those would need macros
 * here. */
static inline ivec i_shr(ivec a, int n) { return vshlq_u32(a, vdupq_n_s32(-n)); }
static inline ivec i_shl(ivec a, int n) { return vshlq_u32(a, vdupq_n_s32(n)); }
static inline ivec i_set1(uint32_t a) { return vdupq_n_u32(a); }

static inline vec v_abs(vec a) { return vabsq_f32(a); }
static inline vec v_abs_at_least(vec a, vec c) { return v_float(vmaxq_u32(v_bits(v_abs(a)), v_bits(c))); }
static inline vec v_clamp_abs(vec a, uint32_t low, vec top)
{
    ivec b = v_bits(v_abs(a));
    return v_at_most(top, v_float(vandq_u32(b, vcgeq_u32(b, i_set1(low)))));
}
static inline vec v_with_sign(vec a, vec s) { return vbslq_f32(i_set1(0x80000000u), s, a); }
static inline vec v_with_sign_from(vec a, vec s, uint32_t low)
{
    return v_float(vandq_u32(v_bits(v_with_sign(a, s)), vcgeq_u32(v_bits(v_abs(s)), i_set1(low))));
}
static inline vec v_xor_sign(vec a, vec s)
{
    return v_float(veorq_u32(v_bits(a), vandq_u32(v_bits(s), i_set1(0x80000000u))));
}
static inline vec v_if_sign(vec s, vec a, vec b)
{
    return vbslq_f32(vcltzq_s32(vreinterpretq_s32_f32(s)), a, b);
}
static inline vec v_clean(vec a)
{
    ivec big = vcgeq_u32(v_bits(v_abs(a)), i_set1(0x20800000u));
    return v_float(vandq_u32(big, v_bits(a)));
}
static inline int v_same(vec a, vec b) { return vminvq_u32(vceqq_u32(v_bits(a), v_bits(b))) != 0; }

/* tbl counts bytes: (4 i, 4 i + 1, 4 i + 2, 4 i + 3), made once for all tables. */
static inline places v_index(ivec i)
{
    ivec k = vandq_u32(i, i_set1(7));
    return vreinterpretq_u8_u32(vmlaq_u32(i_set1(0x03020100u), k, i_set1(0x04040404u)));
}
static inline vec v_lookup(const float t[8], places i)
{
    uint8x16x2_t b = { { vreinterpretq_u8_f32(vld1q_f32(t)), vreinterpretq_u8_f32(vld1q_f32(t + 4)) } };
    return vreinterpretq_f32_u8(vqtbl2q_u8(b, i));
}

static inline vec v_sleef_exp(vec a) { return Sleef_finz_expf4_u10advsimd(a); }
static inline vec v_sleef_tanh(vec a) { return Sleef_finz_tanhf4_u10advsimd(a); }

#endif
