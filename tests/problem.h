/* SPDX-License-Identifier: BSD-2-Clause */
/* problem.h: one GRU problem as plain dense arrays, which the oracle, the definition and the library each solve. */
#ifndef GRU_PROBLEM_H
#define GRU_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Nothing here comes from gru.h, so that a wrong enum value or stride there can't hide by being wrong in the same way
 * on both sides; drive.c alone translates. All arrays are dense, row-major floats, and guarded (check.h).
 */

enum { PROBLEM_RESET = 0, PROBLEM_UPDATE = 1, PROBLEM_CANDIDATE = 2 };

enum problem_reset { RESET_PRODUCT, RESET_STATE, RESET_NOTHING }; /* r * (U h + b), U (r * h), none */

enum problem_bias { BIAS_0, BIAS_3_OUTSIDE, BIAS_3_INSIDE, BIAS_4, BIAS_6, PROBLEM_BIASES };

enum problem_way { WAY_FORWARD, WAY_REVERSE, WAY_BOTH, WAY_BOTH_SUM, PROBLEM_WAYS };

enum problem_tier { TIER_4E7, TIER_5E5, TIER_1ULP, TIER_SLEEF_1ULP, PROBLEM_TIERS };

/* What a layer reads as +0: magnitudes below 2^LEAST_EXPONENT. LEAST_BITS is that power of two as a float's bits. */
enum { LEAST_EXPONENT = -62, LEAST_BITS = (127 + LEAST_EXPONENT) << 23 };

/* What is chosen; problem_make draws the rest. */
typedef struct problem_shape {
    size_t input, hidden, steps, rows;
    enum problem_reset reset;
    bool replace; /* h' = (1 - z) h + z n */
    enum problem_bias bias;
    enum problem_way way;
    enum problem_tier tier;
    bool hard;      /* hard sigmoid for the gates */
    bool own_slope; /* ... with a slope and offset of its own, not 0.2 and 0.5 */
    bool clipped;
    bool ragged;
    bool initial;        /* h0 is given */
    bool masked;         /* some rows are reset at some steps ... */
    bool reset_state;    /* ... to a given state */
    bool computed_order; /* reverse outputs in the order in which they are computed */
    bool tiny;           /* sprinkle subnormals and numbers around the border of zero over everything */
} problem_shape;

typedef struct problem {
    problem_shape shape;
    size_t directions, width; /* 1 or 2; of y: H, or 2H side by side */
    float alpha, beta, clip;  /* clip 0: none */
    float *w[2][3];           /* [direction][gate]: H x I */
    float *u[2][3];           /* H x H */
    float *bx[2][3];          /* H, or NULL */
    float *bh[2][3];
    float *x;        /* T x B x I; NaN past a row's length, where nobody may look */
    float *h0;       /* D x B x H, or NULL */
    float *reset_to; /* D x B x H, or NULL */
    size_t *lengths; /* B, or NULL */
    uint8_t *mask;   /* T x B, or NULL */
} problem;

/* What a problem's solution consists of, as floats. */
typedef struct answer {
    float *y;        /* T x B x width */
    float *last;     /* D x B x H */
    float *gates[3]; /* T x B x D x H */
} answer;

problem problem_make(const problem_shape *shape);
answer answer_make(const problem *p);

/* Checks all parts of an answer bit by bit; NULL parts of `got` are left out. */
void answer_check(const problem *p, const answer *want, const answer *got, const char *what);

size_t problem_length(const problem *p, size_t row);

/* Where something stands in the arrays. */
size_t at_x(const problem *p, size_t step, size_t row);
size_t at_y(const problem *p, size_t step, size_t row, size_t direction);
size_t at_state(const problem *p, size_t row, size_t direction);
size_t at_gate(const problem *p, size_t step, size_t row, size_t direction);

/* How many floats the parts of an answer have. */
size_t count_y(const problem *p);
size_t count_last(const problem *p);
size_t count_gate(const problem *p);

/* A problem in one line, for messages; valid until the next call. */
const char *problem_text(const problem *p);

#endif
