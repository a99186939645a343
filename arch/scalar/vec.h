/* SPDX-License-Identifier: BSD-2-Clause */
/* vec.h: the vocabulary of kernels in plain C, one lane. It defines what each word means on every other back end. */
#ifndef GRU_VEC_H
#define GRU_VEC_H

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef float vec;    /* LANES floats */
typedef uint32_t ivec; /* LANES 32-bit integers */
typedef uint32_t places; /* a vector of table indices, ready for v_lookup */
typedef int mask;     /* a truth value per lane */

/* How many accumulators a tile may keep in registers, here the gates of one unit of one row; how many of its rows, and
 * k at a time. ABREAST: how many vectors go through an activation side by side; TANHS_ABREAST: the same of tanh alone
 * over arrays, where there are registers for more. ROW_CHAINS: the most chains of one row that go together, beyond
 * which there would be more streams of weights and nothing faster; ROW_STEP: how many k at a time these take;
 * FOUR_CHAINS: with so many chains or more, four inputs come by one load. AHEAD_SUMS: how many sums a tile of ahead.h
 * has at most; 0: there are no such tiles, since loads or FMAs leave nothing idle. */
enum {
    LANES = 1, TILE_ACCUMULATORS = 3, TILE_ROWS = 1, TILE_STEP = 1, ABREAST = 1, TANHS_ABREAST = 1, ROW_CHAINS = 3,
    ROW_STEP = 1, FOUR_CHAINS = 4, AHEAD_SUMS = 0
};

/* Whole vectors from and to any address; and their first n lanes, 1 <= n <= LANES, touching no byte beyond
 * them (lanes not loaded are +0). */
static inline vec v_load(const float *p) { return *p; }
static inline void v_store(float *p, vec a) { *p = a; }
/* not covered: with one lane, whatever is left is a whole vector */
static inline vec v_load_part(const float *p, size_t n) { return (void)n, *p; }
static inline void v_store_part(float *p, vec a, size_t n) { (void)n, *p = a; } /* not covered: the same */

/* The last word of every kernel: what the CPU wants done before code that isn't vectorised goes on (x86: the upper
 * halves of the registers cleared, or each old instruction after it waits for them). */
static inline void v_end(void) {}

/* Each of these is one rounding, to nearest even. */
static inline vec v_set1(float a) { return a; }
static inline vec v_add(vec a, vec b) { return a + b; }
static inline vec v_sub(vec a, vec b) { return a - b; }
static inline vec v_mul(vec a, vec b) { return a * b; }
static inline vec v_div(vec a, vec b) { return a / b; }
static inline vec v_fma(vec a, vec b, vec c) { return fmaf(a, b, c); }   /* a b + c */
static inline vec v_fma_in_place(vec a, vec b, vec c) { return v_fma(a, b, c); } /* in the register that c has */
static inline vec v_fnma(vec a, vec b, vec c) { return fmaf(-a, b, c); } /* c - a b */

/* a < b, false if either is NaN (and silent then); a where m, else b. */
static inline mask v_lt(vec a, vec b) { return isless(a, b); }
static inline vec v_select(mask m, vec a, vec b) { return m ? a : b; }

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

/* Clamps by a constant c that is no zero: a NaN in x stays, whatever the ISA's own min and max do. */
static inline vec v_at_most(vec c, vec x) { return c < x ? c : x; }
static inline vec v_at_least(vec c, vec x) { return c > x ? c : x; }
/* x < c ? +0 : y */
static inline vec v_zero_below(vec x, vec c, vec y) { return x < c ? 0.0f : y; }

static inline ivec i_shr(ivec a, int n) { return a >> n; }
static inline ivec i_shl(ivec a, int n) { return a << n; }
static inline ivec i_set1(uint32_t a) { return a; }

static inline vec v_abs(vec a) { return v_float(v_bits(a) & 0x7fffffffu); }
/* |a|, but at least c, by integer compare: no float operation sees a subnormal. */
static inline vec v_abs_at_least(vec a, vec c)
{
    ivec b = v_bits(a) & 0x7fffffffu;
    return v_float(b > v_bits(c) ? b : v_bits(c));
}
/* min(|a|, top), but +0 where |a| < low, by the bits: nothing floating sees a subnormal. NaN stays. */
static inline vec v_clamp_abs(vec a, uint32_t low, vec top)
{
    ivec b = v_bits(a) & 0x7fffffffu;
    return b >= low ? v_at_most(top, v_float(b)) : 0.0f;
}
/* a >= 0, with the sign of s. */
static inline vec v_with_sign(vec a, vec s) { return v_float(v_bits(a) | (v_bits(s) & 0x80000000u)); }
/* The same, but +0 where |s| < low, by the bits. */
static inline vec v_with_sign_from(vec a, vec s, uint32_t low)
{
    return (v_bits(s) & 0x7fffffffu) >= low ? v_with_sign(a, s) : 0.0f;
}
/* a, negated where s has its sign bit set. */
static inline vec v_xor_sign(vec a, vec s) { return v_float(v_bits(a) ^ (v_bits(s) & 0x80000000u)); }
/* sign bit of s ? a : b */
static inline vec v_if_sign(vec s, vec a, vec b) { return v_bits(s) >> 31 ? a : b; }
/* +0 where |a| < 2^-62, by the bits. */
static inline vec v_clean(vec a)
{
    return v_float((v_bits(a) & 0x7fffffffu) >= 0x20800000u ? v_bits(a) : 0);
}
/* Whether all lanes have the same bits. */
static inline int v_same(vec a, vec b) { return v_bits(a) == v_bits(b); }

/* Element (i mod 8) of a table of eight. */
static inline places v_index(ivec i) { return i & 7; }
static inline vec v_lookup(const float t[8], places i) { return t[i]; }

/* SLEEF's deterministic functions: the same bits in each width, given FMA. Its header declares those of one lane only
 * to files compiled for a CPU with FMA, which this one isn't: gru_backend.sleef_needs says when they may be called. */
float Sleef_finz_expf1_u10purecfma(float a);
float Sleef_finz_tanhf1_u10purecfma(float a);
static inline vec v_sleef_exp(vec a) { return Sleef_finz_expf1_u10purecfma(a); }
static inline vec v_sleef_tanh(vec a) { return Sleef_finz_tanhf1_u10purecfma(a); }

#endif
