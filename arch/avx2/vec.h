/* SPDX-License-Identifier: BSD-2-Clause */
/* vec.h: the vocabulary of kernels for AVX2 with FMA: 8 lanes. arch/scalar/vec.h says what each word means. */
#ifndef GRU_VEC_H
#define GRU_VEC_H

#include <immintrin.h>
#include <sleef.h>
#include <stddef.h>
#include <stdint.h>

typedef __m256 vec;
typedef __m256i ivec;
typedef __m256i places;
typedef __m256 mask; /* all bits of a lane set, or none */

/* 16 registers: 12 accumulators leave room for three weights and a broadcast input. */
enum {
    LANES = 8, TILE_ACCUMULATORS = 12, TILE_ROWS = 8, TILE_STEP = 4, ABREAST = 4, TANHS_ABREAST = 4, ROW_CHAINS = 12,
    ROW_STEP = 2, FOUR_CHAINS = 8, AHEAD_SUMS = 0
};

static inline __m256i v_first(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

static inline vec v_load(const float *p) { return _mm256_loadu_ps(p); }
static inline void v_store(float *p, vec a) { _mm256_storeu_ps(p, a); }
static inline vec v_load_part(const float *p, size_t n) { return _mm256_maskload_ps(p, v_first(n)); }
static inline void v_store_part(float *p, vec a, size_t n) { _mm256_maskstore_ps(p, v_first(n), a); }

/* Compilers do this by themselves, but not below -O2. */
static inline void v_end(void) { _mm256_zeroupper(); }

static inline vec v_set1(float a) { return _mm256_set1_ps(a); }
static inline vec v_add(vec a, vec b) { return _mm256_add_ps(a, b); }
static inline vec v_sub(vec a, vec b) { return _mm256_sub_ps(a, b); }
static inline vec v_mul(vec a, vec b) { return _mm256_mul_ps(a, b); }
static inline vec v_div(vec a, vec b) { return _mm256_div_ps(a, b); }
static inline vec v_fma(vec a, vec b, vec c) { return _mm256_fmadd_ps(a, b, c); }
static inline vec v_fnma(vec a, vec b, vec c) { return _mm256_fnmadd_ps(a, b, c); }

/* By asm, since gcc takes any of an FMA's three forms: where a tile fills all 16 registers, the wrong one moves an
 * accumulator through memory for each k, or loads weights again for each row, which took 16 % of a product's time. */
static inline vec v_fma_in_place(vec a, vec b, vec c)
{
    __asm__("vfmadd231ps %2, %1, %0" : "+x"(c) : "x"(a), "x"(b));
    return c;
}

typedef const float *inputs;
static inline inputs v_inputs(const float *p) { return p; }
static inline inputs v_inputs_one(const float *p) { return p; }
static inline vec v_input(inputs x, int i) { return _mm256_set1_ps(x[i]); }

/* Four numbers in each part of a vector, and the i-th of them, a constant, in all lanes. */
static inline vec v_four(const float *p) { return _mm256_broadcast_ps((const __m128 *)p); }
static inline vec v_of_four(vec four, int i)
{
    return i == 0   ? _mm256_permute_ps(four, 0x00)
           : i == 1 ? _mm256_permute_ps(four, 0x55)
           : i == 2 ? _mm256_permute_ps(four, 0xaa)
                    : _mm256_permute_ps(four, 0xff);
}

static inline mask v_lt(vec a, vec b) { return _mm256_cmp_ps(a, b, _CMP_LT_OQ); }
static inline vec v_select(mask m, vec a, vec b) { return _mm256_blendv_ps(b, a, m); }

static inline ivec v_bits(vec a) { return _mm256_castps_si256(a); }
static inline vec v_float(ivec a) { return _mm256_castsi256_ps(a); }

/* x86 returns the second operand when either is NaN: that is x here. */
static inline vec v_at_most(vec c, vec x) { return _mm256_min_ps(c, x); }
static inline vec v_at_least(vec c, vec x) { return _mm256_max_ps(c, x); }
static inline vec v_zero_below(vec x, vec c, vec y)
{
    return _mm256_andnot_ps(_mm256_cmp_ps(x, c, _CMP_LT_OQ), y);
}

static inline ivec i_shr(ivec a, int n) { return _mm256_srli_epi32(a, n); }
static inline ivec i_shl(ivec a, int n) { return _mm256_slli_epi32(a, n); }
static inline ivec i_set1(uint32_t a) { return _mm256_set1_epi32((int)a); }

static inline vec v_signbit(vec a) { return _mm256_and_ps(a, _mm256_set1_ps(-0.0f)); }
static inline vec v_abs(vec a) { return _mm256_andnot_ps(_mm256_set1_ps(-0.0f), a); }
static inline vec v_abs_at_least(vec a, vec c) { return v_float(_mm256_max_epi32(v_bits(v_abs(a)), v_bits(c))); }
static inline vec v_clamp_abs(vec a, uint32_t low, vec top)
{
    ivec b = v_bits(v_abs(a));
    return v_at_most(top, v_float(_mm256_and_si256(b, _mm256_cmpgt_epi32(b, i_set1(low - 1)))));
}
static inline vec v_with_sign(vec a, vec s) { return _mm256_or_ps(a, v_signbit(s)); }
static inline vec v_with_sign_from(vec a, vec s, uint32_t low)
{
    ivec big = _mm256_cmpgt_epi32(v_bits(v_abs(s)), i_set1(low - 1));
    return _mm256_and_ps(v_float(big), v_with_sign(a, s));
}
static inline vec v_xor_sign(vec a, vec s) { return _mm256_xor_ps(a, v_signbit(s)); }
static inline vec v_if_sign(vec s, vec a, vec b) { return _mm256_blendv_ps(b, a, s); }
static inline vec v_clean(vec a)
{
    ivec big = _mm256_cmpgt_epi32(v_bits(v_abs(a)), i_set1(0x207fffffu));
    return v_float(_mm256_and_si256(big, v_bits(a)));
}
static inline int v_same(vec a, vec b)
{
    return _mm256_movemask_epi8(_mm256_cmpeq_epi32(v_bits(a), v_bits(b))) == -1;
}

/* vpermps reads the low three bits of each index only. */
static inline places v_index(ivec i) { return i; }
static inline vec v_lookup(const float t[8], places i) { return _mm256_permutevar8x32_ps(_mm256_loadu_ps(t), i); }

static inline vec v_sleef_exp(vec a) { return Sleef_finz_expf8_u10avx2(a); }
static inline vec v_sleef_tanh(vec a) { return Sleef_finz_tanhf8_u10avx2(a); }

#endif
