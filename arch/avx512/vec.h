/* SPDX-License-Identifier: BSD-2-Clause */
/* vec.h: the vocabulary of kernels for AVX-512 (F, BW, DQ, VL): 16 lanes. arch/scalar/vec.h says what each word
 * means. */
#ifndef GRU_VEC_H
#define GRU_VEC_H

#include <immintrin.h>
#include <sleef.h>
#include <stddef.h>
#include <stdint.h>

typedef __m512 vec;
typedef __m512i ivec;
typedef __m512i places;
typedef __mmask16 mask;

/* 32 registers: 24 accumulators leave room for three weights and a broadcast input. */
enum {
    LANES = 16, TILE_ACCUMULATORS = 24, TILE_ROWS = 8, TILE_STEP = 2, ABREAST = 4, TANHS_ABREAST = 8, ROW_CHAINS = 16,
    ROW_STEP = 2, FOUR_CHAINS = 12, AHEAD_SUMS = 18
};

static inline vec v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void v_store(float *p, vec a) { _mm512_storeu_ps(p, a); }
static inline mask v_first(size_t n) { return (mask)((1u << n) - 1); }
static inline vec v_load_part(const float *p, size_t n) { return _mm512_maskz_loadu_ps(v_first(n), p); }
static inline void v_store_part(float *p, vec a, size_t n) { _mm512_mask_storeu_ps(p, v_first(n), a); }

/* Compilers do this by themselves, but not below -O2. */
static inline void v_end(void) { _mm256_zeroupper(); }

static inline vec v_set1(float a) { return _mm512_set1_ps(a); }
static inline vec v_add(vec a, vec b) { return _mm512_add_ps(a, b); }
static inline vec v_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
static inline vec v_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec v_div(vec a, vec b) { return _mm512_div_ps(a, b); }
static inline vec v_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline vec v_fma_in_place(vec a, vec b, vec c) { return v_fma(a, b, c); }
static inline vec v_fnma(vec a, vec b, vec c) { return _mm512_fnmadd_ps(a, b, c); }

typedef const float *inputs;
static inline inputs v_inputs(const float *p) { return p; }
static inline inputs v_inputs_one(const float *p) { return p; }
static inline vec v_input(inputs x, int i) { return _mm512_set1_ps(x[i]); }

/* Four numbers in each part of a vector, and the i-th of them, a constant, in all lanes. */
static inline vec v_four(const float *p) { return _mm512_broadcast_f32x4(_mm_loadu_ps(p)); }
static inline vec v_of_four(vec four, int i)
{
    return i == 0   ? _mm512_permute_ps(four, 0x00)
           : i == 1 ? _mm512_permute_ps(four, 0x55)
           : i == 2 ? _mm512_permute_ps(four, 0xaa)
                    : _mm512_permute_ps(four, 0xff);
}

static inline mask v_lt(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline vec v_select(mask m, vec a, vec b) { return _mm512_mask_blend_ps(m, b, a); }

static inline ivec v_bits(vec a) { return _mm512_castps_si512(a); }
static inline vec v_float(ivec a) { return _mm512_castsi512_ps(a); }

/* x86 returns the second operand when either is NaN: that is x here. */
static inline vec v_at_most(vec c, vec x) { return _mm512_min_ps(c, x); }
static inline vec v_at_least(vec c, vec x) { return _mm512_max_ps(c, x); }
static inline vec v_zero_below(vec x, vec c, vec y)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x, c, _CMP_NLT_UQ), y);
}

static inline ivec i_shr(ivec a, int n) { return _mm512_srli_epi32(a, (unsigned)n); }
static inline ivec i_shl(ivec a, int n) { return _mm512_slli_epi32(a, (unsigned)n); }
static inline ivec i_set1(uint32_t a) { return _mm512_set1_epi32((int)a); }

static inline vec v_abs(vec a) { return v_float(_mm512_and_epi32(v_bits(a), i_set1(0x7fffffffu))); }
static inline vec v_abs_at_least(vec a, vec c) { return v_float(_mm512_max_epi32(v_bits(v_abs(a)), v_bits(c))); }
static inline vec v_clamp_abs(vec a, uint32_t low, vec top)
{
    vec b = v_abs(a);
    return _mm512_maskz_min_ps(_mm512_cmpge_epu32_mask(v_bits(b), i_set1(low)), top, b);
}
/* Truth tables of vpternlog: a | (b & c) and a ^ (b & c). */
static inline vec v_with_sign(vec a, vec s)
{
    return v_float(_mm512_ternarylogic_epi32(v_bits(a), v_bits(s), i_set1(0x80000000u), 0xf8));
}
static inline vec v_with_sign_from(vec a, vec s, uint32_t low)
{
    mask big = _mm512_cmpge_epu32_mask(v_bits(v_abs(s)), i_set1(low));
    return v_float(_mm512_maskz_ternarylogic_epi32(big, v_bits(a), v_bits(s), i_set1(0x80000000u), 0xf8));
}
static inline vec v_xor_sign(vec a, vec s)
{
    return v_float(_mm512_ternarylogic_epi32(v_bits(a), v_bits(s), i_set1(0x80000000u), 0x78));
}
static inline vec v_if_sign(vec s, vec a, vec b) { return _mm512_mask_mov_ps(b, _mm512_movepi32_mask(v_bits(s)), a); }
static inline vec v_clean(vec a)
{
    ivec twice = _mm512_slli_epi32(v_bits(a), 1);
    return _mm512_maskz_mov_ps(_mm512_cmpge_epu32_mask(twice, i_set1(0x41000000u)), a);
}
static inline int v_same(vec a, vec b) { return _mm512_cmpneq_epi32_mask(v_bits(a), v_bits(b)) == 0; }

/* vpermps reads the low four bits of each index: the table of eight stands there twice. */
static inline places v_index(ivec i) { return i; }
static inline vec v_lookup(const float t[8], places i)
{
    return _mm512_permutexvar_ps(i, _mm512_broadcast_f32x8(_mm256_loadu_ps(t)));
}

static inline vec v_sleef_exp(vec a) { return Sleef_finz_expf16_u10avx512f(a); }
static inline vec v_sleef_tanh(vec a) { return Sleef_finz_tanhf16_u10avx512f(a); }

#endif
