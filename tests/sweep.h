/* SPDX-License-Identifier: BSD-2-Clause */
/* sweep.h: what a sweep of the activations measures, chunk by chunk, and the table that its figures make. */
#ifndef GRU_SWEEP_H
#define GRU_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { SWEEP_SIGMOID, SWEEP_TANH, SWEEP_FUNCTIONS };

enum { SWEEP_CHUNK = 4096, SWEEP_HASH_LANES = 8, SWEEP_TIES = 64 };

/* Inputs of one sign, in the order of their bits, and what is shared by all that is measured on them. */
struct chunk {
    size_t count;
    float x[SWEEP_CHUNK];
    double exact[SWEEP_CHUNK];
    float rounded[SWEEP_CHUNK];  /* the exact values as floats */
    double per_ulp[SWEEP_CHUNK]; /* 1 / ulp(exact) */
};

/* The worst of something as double sees it, and the inputs so near to it that only more digits could say which is worse:
 * the first SWEEP_TIES of them, for figures_join. `found` counts all. */
struct worst {
    double value;
    uint64_t found;
    float at[SWEEP_TIES], results[SWEEP_TIES];
};

/* The worst of something, and the input that gives it. */
struct witness {
    double value;
    float at;
};

/* What was found in a block of inputs. */
struct block {
    uint64_t lanes[SWEEP_HASH_LANES];
    struct worst absolute, ulp, small; /* small: ULPs of a sigmoid below 2^-20 */
    struct witness back;               /* the largest step back ... */
    uint64_t backs;                    /* ... of so many */
    uint64_t broken, unequal;          /* rules broken; results that differ between back ends */
    float broken_at, unequal_at;
    const char *unequal_name;
    bool any; /* whether any input was a number; the results of the first and the last that were */
    float first, last, first_at;
};

/* What was found in all. */
struct figures {
    uint64_t hash;
    struct witness absolute, ulp, small, back;
    uint64_t backs, broken, unequal;
    float broken_at, unequal_at;
    const char *unequal_name;
};

static inline uint32_t bits_of(float x)
{
    uint32_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

/* --- sweep_exact.c: the exact values ---------------------------------------------------------------- */

/* An error, absolute and in units of the last place of a float. */
struct error {
    double absolute, ulp;
};

/* Whether this build has MPFR, without which errors aren't measured. */
bool exact_known(void);

/* The exact values of a chunk's inputs, in double: wrong by less than 2^-27 ULP of a float. */
void exact_fill(int function, struct chunk *c);

/* Whether that holds for the i-th of them, by MPFR. */
bool exact_agrees(int function, const struct chunk *c, size_t i);

/* The error of y, from MPFR with 160 bits. */
struct error exact_error(int function, float x, float y);

/* --- sweep_measure.c: one chunk --------------------------------------------------------------------- */

void measure_hash(struct block *b, const struct chunk *c, const float *y);
void measure_rules(struct block *b, int function, const struct chunk *c, const float *y);
void measure_order(struct block *b, const struct chunk *c, const float *y);
void measure_errors(struct block *b, int function, size_t tier, const struct chunk *c, const float *y);

/* --- sweep_table.c: all blocks ---------------------------------------------------------------------- */

void figures_step_back(struct witness *worst, uint64_t *count, float size, float at);

/* Blocks in the order of their bit patterns: half of them positive, then half of them negative. */
void figures_join(struct figures *all, int function, const struct block *blocks, size_t count);

struct row {
    int function;
    size_t tier;
    bool hash_only;
    const char *function_name, *tier_name, *inputs; /* which inputs: the table's third column */
    const struct figures *figures;
};

/* Prints a row, or, given a table, whether it is there and like this. Says what the tier promises and the figures don't
 * keep. 1 if anything was wrong. */
int row_report(const struct row *row, const char *table);

#endif
