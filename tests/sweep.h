/* SPDX-License-Identifier: BSD-2-Clause */
/* sweep.h: the figures of a sweep of the activations, and the table of them. */
#ifndef GRU_SWEEP_H
#define GRU_SWEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SWEEP_SIGMOID, SWEEP_TANH, SWEEP_FUNCTIONS };

/* The worst of something, and the input that gives it. */
struct witness {
    double value;
    float at;
};

/* What was found in a block of inputs, or in all. */
struct figures {
    uint64_t hash;
    struct witness absolute, ulp, small; /* small: ULPs of a sigmoid below 2^-20 */
    struct witness back;                 /* the largest step back ... */
    uint64_t backs;                      /* ... of so many */
    uint64_t broken, unequal;            /* rules broken; results that differ between back ends */
    float broken_at, unequal_at;
    const char *unequal_name;
    bool any; /* whether any input was a number; the results of the first and the last that were */
    float first, last, first_at;
};

void figures_step_back(struct figures *f, float size, float at);

/* Blocks in the order of their bit patterns: half of them positive, then half of them negative. */
struct figures figures_join(const struct figures *blocks, size_t count);

uint64_t figures_hash(const uint64_t *words, size_t count);

struct row {
    int function;
    size_t tier;
    uint64_t stride;
    const char *function_name, *tier_name;
    const struct figures *figures;
};

/* Prints a row, or, given a table, whether it is there and like this. Says what the tier promises and the figures don't
 * keep. 1 if anything was wrong. */
int row_report(const struct row *row, const char *table);

#endif
