/* SPDX-License-Identifier: BSD-2-Clause */
/* plan.h: how a run cuts its steps into blocks, and where each of its arrays lies in the workspace. */
#ifndef GRU_PLAN_H
#define GRU_PLAN_H

#include <stddef.h>

#include "gru.h"

struct gru_layer;

/*
 * The input's chains of a whole block of steps are one product ahead of time, so that W is read once a block. A block
 * is as many steps as make about this many rows: enough to keep the FMA units busy, few enough that workspace is
 * bounded and the rows stay in a cache.
 */
enum { GRU_BLOCK_ROWS = 128 };

/* No run is cut into more slices than this, whatever the pool offers. */
enum { GRU_MAX_SLICES = 256 };

/* How many threads at most make the inputs of steps that another one takes. */
enum { GRU_MOST_FEEDERS = 2 };

/* What any step takes beside its multiply-adds, waiting for chains and activations, in multiply-adds. */
enum { GRU_SHORT_STEP = 2048 };

/* The arrays of some of the rows, which one thread takes through all steps. Offsets, here and below, are in bytes from
 * the workspace's first aligned byte. */
struct gru_places {
    size_t x;    /* cleaned rows of x, the layer's x_row apart */
    size_t ax;   /* the input's chains, ax_row apart */
    size_t h[2]; /* states before and after a step, taking turns, h_row apart */
    size_t s;    /* reset before only */
    size_t z;
};

struct gru_plan {
    size_t block_steps;
    size_t order;    /* size_t [rows]: rows by falling length */
    size_t lengths;  /* size_t [rows], in that order */
    size_t x_offset; /* ptrdiff_t [rows] each: where a row's step 0 stands in x, y and the gates */
    size_t y_offset;
    size_t gate_offset;
    size_t rows_at;         /* where all rows' arrays are */
    struct gru_places rows; /* of all rows together */
    size_t apart;           /* how far behind these, from x_offset on, the other direction has its own; 0: it hasn't */
    size_t shared;          /* state of gru_phases_run or gru_wave_run */
    size_t bytes;
};

/* What of a run goes side by side in the threads of a pool. */
struct gru_cut {
    size_t directions;
    size_t slices; /* of the units of each direction */
    size_t parts;  /* of its rows; slices or parts is 1 */
    size_t feeders; /* each makes a part of coming steps' inputs, in a run that is cut into nothing else */
    size_t chunk;   /* how many steps these are, if there are feeders */
};

/* Gives a new layer the strides of its runs, the most rows with which no size in here overflows, and the places
 * of a lone step. */
void gru_plan_layer(struct gru_layer *layer);

/* The steps of a block. */
size_t gru_plan_block_steps(size_t steps, size_t rows);

/* Rows that a block has room for: the most of any run of no more steps and no more rows, so that a workspace is enough
 * for all of those. */
size_t gru_plan_block_rows(size_t steps, size_t rows);

/* How a run is cut for a pool; NULL is one thread. */
struct gru_cut gru_plan_cut(const struct gru_layer *layer, const gru_pool *pool, size_t steps, size_t rows);

static inline int gru_is_cut(struct gru_cut cut)
{
    return cut.directions > 1 || cut.slices > 1 || cut.parts > 1 || cut.feeders;
}

/* The steps of a chunk, where each chunk of a run of one row in one thread makes the chains over x of the next one
 * (kernels/ahead.h); 0: the run's don't. A block's arrays have room for two chunks, but not those of a part of more
 * rows that has come down to one. */
size_t gru_plan_ahead(const struct gru_layer *layer, size_t steps);

/* The multiply-adds of a run whose rows have so many steps together. */
size_t gru_plan_work(const struct gru_layer *layer, size_t steps);

/* How many steps a thread takes before it hands over to another one, if a step takes so many multiply-adds: so many
 * that handing over costs little, so few that the first ones and the last, which have none beside them, are a small
 * part of all. */
size_t gru_plan_chunk(size_t steps, size_t work);

/* Where rows first .. first + count - 1 have their arrays if they are part `part`; those of the first direction, if
 * each has its own. */
struct gru_places gru_plan_part(const struct gru_plan *plan, const struct gru_layer *layer, size_t part, size_t first,
                                size_t count);

/* The plan for so many steps and rows, which gru_layer.max_rows bounds. */
void gru_plan_make(struct gru_plan *plan, const struct gru_layer *layer, size_t steps, size_t rows);

#endif
