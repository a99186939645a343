/* SPDX-License-Identifier: BSD-2-Clause */
/* drive.h: solves a problem with libgru's public functions, in any of the many ways that must give the same bits. */
#ifndef GRU_DRIVE_H
#define GRU_DRIVE_H

#include "check.h"
#include "problem.h"

/* A way to lay the arrays out, to cut the work up and to run it. The zero value is the plainest. */
typedef struct way {
    const gru_backend *backend;
    const gru_pool *pool;
    bool batch_major;      /* x, y and gates: [B][T] instead of [T][B] */
    bool negative;         /* negative strides between steps and rows, of the weights too */
    bool direction_inside; /* states are [B][D][H] instead of [D][B][H] */
    size_t half_gap;       /* floats between the two halves of a concatenated y ... */
    bool halves_swapped;   /* ... of which the forward one comes second */
    size_t gap;            /* floats between rows that belong to nobody ... */
    size_t h0_gap, h_gap;  /* ... and more of them between the states of h0, of h ... */
    size_t reset_gap;      /* ... and those to reset to */
    size_t gate_gap;       /* so also between rows of gates, and between the two directions' halves of these ... */
    bool gates_swapped;    /* ... of which the forward one comes second */
    size_t mask_gap;       /* bytes between those of the mask */
    bool mask_swapped;     /* it is the other way round than x and the others */
    size_t weight_form;    /* 0: dense rows of units; 1: dense rows of inputs; 2: with gaps in both strides */
    bool placed;           /* the layer lies in memory of ours */
    bool repacked;         /* the layer first had other weights */
    bool in_place;         /* h is h0 */
    bool indexed;          /* states stand in a larger pool, in random order */
    bool odd;              /* each array has an alignment of its own, 0 .. 15 floats, and one of two guards */
    size_t offset;         /* if not odd: the distance in floats of each array from a guard page */
    enum guard_side side;  /* ... which is the one before it or the one after it */
    bool no_y, no_last;    /* not wanted */
    bool no_gate[3];       /* r, z, n, by the problem's numbers */
    size_t step_chunk;     /* so many steps a call; 0: all */
    size_t row_chunk;      /* so many rows a call; 0: all */
} way;

/* Random in all of the above but the back end and the pool; y and the last state are wanted. */
way way_random(const problem *p, const gru_backend *backend);

/* Wants all gates or none. */
void way_want_gates(way *w, bool wanted);

/* A way in one line, for messages; valid until the next call. */
const char *way_text(const way *w);

/* Solves the problem. Parts that the way doesn't want are NULL in the answer. Also checks that inputs, gaps and
 * everything round the arrays are left alone. On a failure, which is reported, all parts are NULL. */
answer drive(const problem *p, const way *w);

/* The scalar back end's answer in the plainest way, which all others must equal, and a check that one does. */
answer drive_reference(const problem *p);
void drive_compare(const problem *p, const answer *want, const way *w);

/* The description and the weights of a problem as the API wants them. `views` has room for two. */
gru_desc drive_desc(const problem *p, const way *w);
void drive_weights(const problem *p, const way *w, gru_weights *views);

/* A layer, or NULL after a report. gru_layer_destroy suits it even if it is placed. */
gru_layer *drive_layer(const problem *p, const way *w);

/* Whether this back end can compute this tier on this CPU: SLEEF's wants hardware with FMA. */
bool drive_has_tier(const gru_backend *backend, enum problem_tier tier);

#endif
