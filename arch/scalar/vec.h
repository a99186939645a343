/* SPDX-License-Identifier: BSD-2-Clause */
/* vec.h: the vocabulary of kernels in plain C, one lane. It defines what each word means on every other back end. */
#ifndef GRU_VEC_H
#define GRU_VEC_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef float vec;    /* LANES floats */
typedef int32_t ivec; /* LANES 32-bit integers, which wrap */
typedef int mask;     /* a truth value per lane */

/* How many accumulators a tile may keep in registers: here the gates of one unit of one row. */
enum { LANES = 1, TILE_ACCUMULATORS = 3, TILE_ROWS = 1, TILE_STEP = 1 };

/* Whole vectors from and to any address; and their first n lanes, 1 <= n <= LANES, touching no byte beyond
 * them (lanes not loaded are +0). */
static inline vec v_load(const float *p) { return *p; }
static inline void v_store(float *p, vec a) { *p = a; }
static inline vec v_load_part(const float *p, size_t n) { return (void)n, *p; }
static inline void v_store_part(float *p, vec a, size_t n) { (void)n, *p = a; }

/* Each of these is one rounding, to nearest even. */
static inline vec v_set1(float a) { return a; }
static inline vec v_add(vec a, vec b) { return a + b; }
static inline vec v_sub(vec a, vec b) { return a - b; }
static inline vec v_mul(vec a, vec b) { return a * b; }
static inline vec v_div(vec a, vec b) { return a / b; }
static inline vec v_fma(vec a, vec b, vec c) { return fmaf(a, b, c); }   /* a b + c */
static inline vec v_fnma(vec a, vec b, vec c) { return fmaf(-a, b, c); } /* c - a b */

/* a < b, false if either is NaN (and silent then); a where m, else b; a where m, else +0. */
static inline mask v_lt(vec a, vec b) { return isless(a, b); }
static inline vec v_select(mask m, vec a, vec b) { return m ? a : b; }
static inline vec v_keep(mask m, vec a) { return m ? a : 0.0f; }

/* The bits of a float as an integer, and back. */
static inline ivec v_bits(vec a)
{
    ivec i;
    memcpy(&i, &a, sizeof i);
    return i;
}

static inline vec v_float(ivec a)
{
    vec f;
    memcpy(&f, &a, sizeof f);
    return f;
}

static inline ivec i_set1(int32_t a) { return a; }
static inline ivec i_and(ivec a, ivec b) { return a & b; }
static inline ivec i_or(ivec a, ivec b) { return a | b; }
static inline ivec i_xor(ivec a, ivec b) { return a ^ b; }
static inline ivec i_add(ivec a, ivec b) { return (ivec)((uint32_t)a + (uint32_t)b); }
static inline ivec i_sub(ivec a, ivec b) { return (ivec)((uint32_t)a - (uint32_t)b); }
static inline ivec i_shl(ivec a, int n) { return (ivec)((uint32_t)a << n); }
static inline mask i_gt(ivec a, ivec b) { return a > b; }

/* SLEEF's deterministic functions: the same bits in each width, given FMA. Its header declares those of one lane only to
 * files compiled for a CPU with FMA, which this one isn't: gru_backend.sleef_needs says when they may be called. */
float Sleef_finz_expf1_u10purecfma(float a);
float Sleef_finz_tanhf1_u10purecfma(float a);
static inline vec v_sleef_exp(vec a) { return Sleef_finz_expf1_u10purecfma(a); }
static inline vec v_sleef_tanh(vec a) { return Sleef_finz_tanhf1_u10purecfma(a); }

#endif
