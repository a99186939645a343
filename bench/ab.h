/* SPDX-License-Identifier: BSD-2-Clause */
/* ab.h: the decision of `grubench ab`, apart from the measuring, so that it can be tested on made-up rounds. */
#ifndef BENCH_AB_H
#define BENCH_AB_H

#include "stats.h"

#include <stddef.h>

enum { AB_CELLS_MAX = 64, AB_ROUNDS_MAX = 400, AB_LOOKS = 10 };

/* After how many rounds the decision is looked at, and the level of each look: 99 % for all of them together, by
 * Bonferroni, so that it holds whenever one stops. */
extern const size_t ab_looks[AB_LOOKS];
#define AB_LEVEL (1.0 - 0.01 / AB_LOOKS)

/* What is known of one cell: the log ratio new to old of each round. */
struct ab_cell {
    double ratio[AB_ROUNDS_MAX];
    double median;
    double low; /* simultaneous bounds of the median, over all cells and looks */
    double high;
};

/*
 * Medians, and their simultaneous bounds at the given level: rounds are resampled for all cells together (cells of one
 * round share its weather), and the level holds for the largest deviation over the cells, each divided by its own
 * spread. One-sided on both sides. Of fewer rounds than the first look has, there are no bounds: they are infinite.
 */
void ab_bounds(struct ab_cell *cells, size_t count, size_t rounds, double level, struct random *random);

enum ab_decision { AB_OPEN, AB_SAME, AB_CHANGED };

/* Changed as soon as one bound lies beyond the margin (a log ratio); the same when every bound lies within it. */
enum ab_decision ab_decide(const struct ab_cell *cells, size_t count, double margin);

#endif
