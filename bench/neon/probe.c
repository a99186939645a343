/* SPDX-License-Identifier: BSD-2-Clause */
/* probe.c: NEON's kernels, one loop a function, so that bench/neon/run can find each of them; compiled by it alone. */
#include "../../arch/neon/vec.h"

#include "../../src/kernels/row.h"

#define TIER fast
#include "../../src/kernels/tier.h"
#define TIER faster
#include "../../src/kernels/tier.h"
#define TIER accurate
#include "../../src/kernels/tier.h"

/* The array functions, whose loops over whole vectors are what counts. */
#define ARRAY(function, which, tier)                                         \
    void probe_##function##_##tier(size_t count, const float *x, float *y);  \
    void probe_##function##_##tier(size_t count, const float *x, float *y)   \
    {                                                                        \
        array_all_##tier(which, count, x, y);                                \
    }
ARRAY(sigmoid, ARRAY_SIGMOID, fast)
ARRAY(sigmoid, ARRAY_SIGMOID, faster)
ARRAY(sigmoid, ARRAY_SIGMOID, accurate)
ARRAY(tanh, ARRAY_TANH, fast)
ARRAY(tanh, ARRAY_TANH, faster)
ARRAY(tanh, ARRAY_TANH, accurate)

/* The gate block of one row, ABREAST groups at a time: no clip, nothing shown. The chains are in memory. */
static const struct gru_cell cell_of_all = {
    .reset = GRU_RESET_AFTER, .update = GRU_UPDATE_KEEP, .gates = GRU_GATES_SIGMOID};
#define GATE_BLOCK(tier)                                                                                       \
    void probe_gate_block_##tier(struct gru_step *s, size_t units, const float *ax, const float *ah);          \
    void probe_gate_block_##tier(struct gru_step *s, size_t units, const float *ax, const float *ah)           \
    {                                                                                                          \
        const struct gru_step step = {.cell = &cell_of_all, .rows = 1, .h = s->h, .h_next = s->h_next};        \
        for (size_t unit = 0; unit + ABREAST * LANES <= units; unit += ABREAST * LANES) {                      \
            const struct block b = {.unit = unit, .unit_step = LANES, .ax = ax + 3 * unit,                     \
                                    .ah = ah + 3 * unit, .ax_step = 3 * LANES, .ah_step = 3 * LANES};          \
            cell_after_##tier(ABREAST, &step, &b);                                                             \
        }                                                                                                      \
    }
GATE_BLOCK(fast)
GATE_BLOCK(faster)
GATE_BLOCK(accurate)

/* The tiles of 1 to 4 rows, each with as many groups as tile_groups gives it. */
#define TILE(gates, groups, rows)                                            \
    void probe_tile_##gates##_##groups##_##rows(const struct tile *t);       \
    void probe_tile_##gates##_##groups##_##rows(const struct tile *t)        \
    {                                                                        \
        tile_body(gates, groups, rows, LANES, 0, t, t->x, t->start, t->out); \
    }
TILE(3, 4, 1)
TILE(3, 4, 2)
TILE(3, 2, 3)
TILE(3, 2, 4)
TILE(2, 4, 1)
TILE(2, 4, 2)
TILE(2, 4, 3)
TILE(2, 3, 4)
TILE(1, 4, 1)
TILE(1, 4, 2)
TILE(1, 4, 3)
TILE(1, 4, 4)

/* The chains of one row over the input and over the state, side by side. */
#define PAIR(input, recurrent, groups)                                                                     \
    void probe_pair_##input##_##recurrent##_##groups(const struct chains *a, const struct chains *b);      \
    void probe_pair_##input##_##recurrent##_##groups(const struct chains *a, const struct chains *b)       \
    {                                                                                                      \
        chains_both(input, recurrent, groups, LANES, a, b);                                                \
    }
PAIR(3, 3, 4)
PAIR(3, 2, 4)
PAIR(2, 2, 4)
