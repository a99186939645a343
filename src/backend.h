/* SPDX-License-Identifier: BSD-2-Clause */
/* backend.h: what a back end is: its kernels, their parameters, and the packed format they read. */
#ifndef GRU_BACKEND_H
#define GRU_BACKEND_H

#include <stddef.h>
#include <stdint.h>

#include "gru.h"

/* The tiers of enum gru_tier, by which kernels with activations are indexed. */
enum { GRU_TIERS = 4 };

/* The vectors of one float per unit that a group of units has in a packed matrix: r, z, n at most. */
enum { GRU_MAX_GATES = 3 };

/* Floats of a cache line. */
enum { GRU_LINE = GRU_ALIGNMENT / sizeof(float) };

/* Floats of weights that one core's second-level cache is taken to hold, 1 MiB, and its first-level cache beside all
 * else, 28 KiB; and of a large first-level cache in all, 48 KiB. */
enum { GRU_CACHED_WEIGHTS = 262144, GRU_NEAR_WEIGHTS = 7168, GRU_LARGE_CACHE = 12288 };

/* CPU features, as bits of the word that gru_cpu_bits() returns. */
enum gru_cpu_bit {
    GRU_CPU_AVX2 = 1 << 0,
    GRU_CPU_FMA = 1 << 1,
    GRU_CPU_AVX512F = 1 << 2,
    GRU_CPU_AVX512BW = 1 << 3,
    GRU_CPU_AVX512DQ = 1 << 4,
    GRU_CPU_AVX512VL = 1 << 5,
    GRU_CPU_NEON = 1 << 6,
    GRU_CPU_LARGE_CACHE = 1 << 7, /* a first-level cache of GRU_LARGE_CACHE floats or more */
    GRU_CPU_KNOWN = 1 << 30       /* the word has been filled in */
};

/* Whether every other step walks through a matrix backward, and why it gains: what was read last is then read first,
 * while some cache still has it. Otherwise each step finds just those weights gone that it needs next. */
enum gru_turns {
    GRU_TURNS_NEVER,
    GRU_TURNS_NEAR, /* the first-level cache holds a part */
    GRU_TURNS_FAR,  /* the second-level one does, or both */
};

/*
 * A packed matrix of `units` outputs by `length` inputs, for one to three gates that share their inputs.
 *
 * Units are taken in groups of as many as the back end has lanes. Within a group the inputs are outermost, so
 * that a product streams through memory once and in order:
 *
 *     weights: [group][k][gate][lane]        bias: [group][gate][lane]
 *
 * Groups follow each other at once, or after a gap (gru_product.group_stride).
 *
 * The last group may have fewer units. Where that costs little, they are padded with zeros to a whole group, and count
 * as one here (packed_units in shape.c). Else the group's weights are as narrow as it is ([k][gate][units % lanes]), so
 * that the matrix costs no more than its numbers. Kernels read them by whole vectors all the same: the lanes past the
 * last unit hold other units' weights, whose results nobody reads. So `weights` is followed by a vector's width of
 * zeros. Matrices over h are alike in this, and padded where the one over x is. `bias` is padded with zeros to whole
 * groups.
 */
struct gru_product {
    const float *weights;
    const float *bias;
    size_t units;
    size_t length;
    size_t gates;
    size_t group_stride; /* floats from a group to the next: its weights, and sometimes a gap */
    enum gru_turns turns;
    int far; /* whether the weights, or they and those used beside them, fill the second-level cache */
};

/* What all steps of one direction of a layer have in common. */
struct gru_cell {
    enum gru_reset reset;
    enum gru_update update;
    enum gru_gates gates;
    float hard_alpha, hard_beta;
    int clips; /* whether there is a clip */
    float clip;
    size_t units;
    size_t groups;
    size_t ax_gates;                  /* of the input's chains */
    const struct gru_product *beside; /* over x, where small_steps.h makes its chains beside those over h, in
                                       * sequences of one row; else NULL */
    struct gru_product recurrent;     /* over h: r, z, n; or r, z or r (reset before); or z, n (no reset) */
    struct gru_product apart;         /* over h: z, where recurrent is r alone; else it has no gates */
    struct gru_product candidate;     /* over s, reset before only: n */
    size_t h_row;                     /* stride of rows of h, h_next, s and z */
    size_t ax_row;
    size_t x_row;
};

/* Chains over x of rows to come, that steps of one row make beside their own as far as they get: those of `rows` rows
 * of clean x, tile after tile of as many rows as the back end has for that (gru_backend.ahead_rows), group after group.
 * No narrow group, and no tile of fewer rows. */
struct gru_ahead {
    const struct gru_product *input;
    const float *x;
    size_t x_row;
    float *ax; /* as in gru_step */
    size_t ax_row;
    size_t rows, tile; /* how many rows there are, and how many a tile has */
    size_t group, row; /* where the next tile is: all groups before are done, and of this one so many rows */
    size_t k;          /* how many inputs that tile has behind it */
};

/*
 * One step of rows 0 .. rows - 1 over a range of groups: what the kernels step, candidate, steps and ties read and
 * write. All rows of h, s, z, ax and h_next have room for whole groups. The rows of y and gate_out are the caller's:
 * row i begins at y + y_offset[i] + y_shift, and exactly `units` elements of it may be touched.
 */
struct gru_step {
    const struct gru_cell *cell;
    size_t rows;
    float *h;       /* the states before the step, cleaned */
    float *h_next;  /* the states after it */
    float *s;       /* r * h, reset before only */
    float *z;       /* reset before only: z, or sums where its matrix stands apart, from half to half of the step */
    float *ax;      /* the input's chains: [row][group][gate][lane] */
    const float *x; /* NULL; or the one row's clean x, whose chains cell->beside makes, and ax isn't read */
    struct gru_ahead *ahead; /* chains over x to come that steps of one row make; NULL: none */
    float *y;                /* NULL: not wanted */
    const ptrdiff_t *y_offset;
    ptrdiff_t y_shift, y_step;      /* the step's place, and how far the next one is */
    int y_add;                      /* add to what y holds */
    int backward;                   /* walks backward through the matrices that turn */
    float *gate_out[GRU_MAX_GATES]; /* indexed by GRU_R, GRU_Z, GRU_N; NULL: not wanted */
    const ptrdiff_t *gate_offset;
    ptrdiff_t gate_shift, gate_step;
};

/* Whether a step gives its new states and nothing else, which is all that small_steps.h knows. */
static inline int gru_step_is_bare(const struct gru_step *s)
{
    return !s->y_add && !s->gate_out[GRU_R] && !s->gate_out[GRU_Z] && !s->gate_out[GRU_N];
}

/* On to the next step, first half: the new state becomes the old one. */
static inline __attribute__((always_inline)) void gru_step_turn(struct gru_step *s)
{
    float *h = s->h;
    s->h = s->h_next;
    s->h_next = h;
    s->backward = !s->backward;
}

/* Second half. It isn't called after the last step: a stride that leads nowhere may be of any size. */
static inline __attribute__((always_inline)) void gru_step_move(struct gru_step *s)
{
    s->ax += s->rows * s->cell->ax_row;
    s->y_shift += s->y_step;
    s->gate_shift += s->gate_step;
}

/* What all lone steps of a layer have in common, a run of one step of one row: its matrices, and where in the workspace
 * there is room for what, in bytes. */
struct gru_lone {
    void (*run)(const struct gru_lone *lone, char *workspace,
                const gru_io *io); /* the kernel `lone`, or what stands before it */
    const struct gru_cell *cell;
    const struct gru_product *input;
    enum gru_turns turns;       /* through both matrices, of which the cell's candidate isn't one */
    int grouped;                /* whether each of three or four groups goes by itself (small_lone.h) */
    size_t x;                   /* cleaned, in whole vectors */
    size_t ax, s, z, h, h_next; /* as in gru_step */
    size_t needs;               /* bytes of workspace; SIZE_MAX: the layer has no such steps */
};

/* A lone step, as its gate blocks see it, of the layer's cell or of what small.h takes of that. In a small layer none
 * of it is ever stored. */
static inline __attribute__((always_inline)) struct gru_step
gru_lone_step(const struct gru_lone *lone, const struct gru_cell *cell, char *workspace, float *y)
{
    static const ptrdiff_t nowhere = 0;
    return (struct gru_step){
        .cell = cell,
        .rows = 1,
        .h = (float *)(workspace + lone->h),
        .h_next = (float *)(workspace + lone->h_next),
        .s = (float *)(workspace + lone->s),
        .z = (float *)(workspace + lone->z),
        .ax = (float *)(workspace + lone->ax),
        .y = y,
        .y_offset = &nowhere,
    };
}

/* out = activation(clip(ax + ah)) over rows of `units`: the end of a gru_gate. A NULL ax or ah is a sum that isn't
 * there. */
struct gru_gate_rows {
    size_t rows;
    size_t units;
    enum gru_activation activation;
    float hard_alpha, hard_beta;
    float clip;
    const float *ax, *ah;
    size_t a_row;
    float *out;
    ptrdiff_t out_row;
};

struct gru_backend {
    const char *name;
    uint32_t needs;                       /* every one of these CPU bits */
    uint32_t sleef_needs;                 /* the same for GRU_TIER_SLEEF */
    size_t lanes;                         /* units in a group */
    size_t ahead_rows[GRU_MAX_GATES + 1]; /* of a tile of gru_ahead, whose W has so many gates; 0: there are none */
#define GRU_KERNEL(name, parameters) void(*name) parameters;
#define GRU_TIERED_KERNEL(name, parameters) void(*name[GRU_TIERS]) parameters;
#include "kernels/kernels.def"
#undef GRU_KERNEL
#undef GRU_TIERED_KERNEL
};

/* The CPU's features, found at the first call and remembered. */
uint32_t gru_cpu_bits(void);

/* Floats of weights that this CPU's first-level cache holds beside all else, for which there are 4 KiB. */
size_t gru_first_cache(void);

/* The back end of a layer whose description leaves the choice: as gru_backend_find(NULL), but where the best one has
 * lanes that no unit needs, the next that has enough. Its instructions have shorter latencies: up to 8 units, AVX2
 * takes 0.83 of a lone step's time with AVX-512, and 0.87 to 0.95 of that of a sequence's steps. */
enum gru_status gru_backend_for(const gru_backend **backend, size_t units, gru_error *error);

/* GRU_OK if the back end can compute this tier on this CPU. */
enum gru_status gru_backend_check_tier(const gru_backend *backend, enum gru_tier tier, gru_error *error);

#endif
