/* SPDX-License-Identifier: BSD-2-Clause */
/* vec.h: the vocabulary of kernels for AVX-512 (F, BW, DQ, VL): 16 lanes. arch/scalar/vec.h says what each word means. */
#ifndef GRU_VEC_H
#define GRU_VEC_H

#include <immintrin.h>
#include <sleef.h>
#include <stddef.h>
#include <stdint.h>

typedef __m512 vec;
typedef __m512i ivec;
typedef __mmask16 mask;

/* 32 registers: 24 accumulators leave room for three weights and a broadcast input. */
enum { LANES = 16, TILE_ACCUMULATORS = 24, TILE_ROWS = 8, TILE_STEP = 2 };

static inline vec v_load(const float *p) { return _mm512_loadu_ps(p); }
static inline void v_store(float *p, vec a) { _mm512_storeu_ps(p, a); }
static inline mask v_first(size_t n) { return (mask)((1u << n) - 1); }
static inline vec v_load_part(const float *p, size_t n) { return _mm512_maskz_loadu_ps(v_first(n), p); }
static inline void v_store_part(float *p, vec a, size_t n) { _mm512_mask_storeu_ps(p, v_first(n), a); }

static inline vec v_set1(float a) { return _mm512_set1_ps(a); }
static inline vec v_add(vec a, vec b) { return _mm512_add_ps(a, b); }
static inline vec v_sub(vec a, vec b) { return _mm512_sub_ps(a, b); }
static inline vec v_mul(vec a, vec b) { return _mm512_mul_ps(a, b); }
static inline vec v_div(vec a, vec b) { return _mm512_div_ps(a, b); }
static inline vec v_fma(vec a, vec b, vec c) { return _mm512_fmadd_ps(a, b, c); }
static inline vec v_fnma(vec a, vec b, vec c) { return _mm512_fnmadd_ps(a, b, c); }

typedef const float *inputs;
static inline inputs v_inputs(const float *p) { return p; }
static inline inputs v_inputs_one(const float *p) { return p; }
static inline vec v_input(inputs x, int i) { return _mm512_set1_ps(x[i]); }

static inline mask v_lt(vec a, vec b) { return _mm512_cmp_ps_mask(a, b, _CMP_LT_OQ); }
static inline vec v_select(mask m, vec a, vec b) { return _mm512_mask_blend_ps(m, b, a); }
static inline vec v_keep(mask m, vec a) { return _mm512_maskz_mov_ps(m, a); }

static inline ivec v_bits(vec a) { return _mm512_castps_si512(a); }
static inline vec v_float(ivec a) { return _mm512_castsi512_ps(a); }
static inline ivec i_set1(int32_t a) { return _mm512_set1_epi32(a); }
static inline ivec i_and(ivec a, ivec b) { return _mm512_and_si512(a, b); }
static inline ivec i_or(ivec a, ivec b) { return _mm512_or_si512(a, b); }
static inline ivec i_xor(ivec a, ivec b) { return _mm512_xor_si512(a, b); }
static inline ivec i_add(ivec a, ivec b) { return _mm512_add_epi32(a, b); }
static inline ivec i_sub(ivec a, ivec b) { return _mm512_sub_epi32(a, b); }
static inline ivec i_shl(ivec a, int n) { return _mm512_slli_epi32(a, (unsigned)n); }
static inline mask i_gt(ivec a, ivec b) { return _mm512_cmpgt_epi32_mask(a, b); }

static inline vec v_sleef_exp(vec a) { return Sleef_finz_expf16_u10avx512f(a); }
static inline vec v_sleef_tanh(vec a) { return Sleef_finz_tanhf16_u10avx512f(a); }

#endif
