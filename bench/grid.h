/* SPDX-License-Identifier: BSD-2-Clause */
/* grid.h: the cells that options ask for. */
#ifndef BENCH_GRID_H
#define BENCH_GRID_H

#include "cell.h"
#include "options.h"

/* The axes. An empty list means that path's default. */
struct grid {
    struct word_list paths;
    struct size_list hidden;
    struct size_list input; /* 0 stands for I = H */
    struct size_list batch;
    size_t steps; /* 0: the path's own */
    struct word_list resets;
    struct word_list gates;
    struct word_list directions;
    struct word_list backends;
    struct size_list threads;
    struct size_list layers; /* of a stack, all alike */
    struct word_list weights;
    struct word_list tiers;
    bool cold;
    size_t pause;
    bool quick;
};

enum { GRID_OPTIONS = 15 };

/* The options that fill a grid. */
void grid_options(struct grid *grid, struct option options[GRID_OPTIONS]);

/* The cells, in the axes' order; to be freed. A back end that isn't there fails with those that are. */
struct cell_spec *grid_cells(const struct grid *grid, const struct library *library, size_t *count);

#endif
