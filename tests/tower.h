/* SPDX-License-Identifier: BSD-2-Clause */
/* tower.h: stacks of layers as problems, run at once and one layer after the other. */
#ifndef GRU_TOWER_H
#define GRU_TOWER_H

#include "drive.h"

enum { MOST_LAYERS = 4 };

/* A stack as problems, the x of each being the y of the one below, with what each must answer. */
typedef struct tower {
    size_t count;
    problem p[MOST_LAYERS];
    answer want[MOST_LAYERS];
} tower;

/* What of a tower isn't drawn. */
typedef struct tower_shape {
    size_t count, steps, rows;
    size_t least, most; /* units of a layer */
    bool forward;       /* all layers */
    bool alike;         /* all have a reset, and as many inputs as the most units */
} tower_shape;

tower tower_draw(const tower_shape *shape);

/* The io of a run of all layers, all arrays dense and time-major. */
gru_io tower_io(const tower *t, float *y, const gru_pool *pool);

/* A tower's layers, and all that a run of them needs, in a workspace of no byte more than it asks for. */
typedef struct tower_site {
    const tower *tower;
    gru_layer *layers[MOST_LAYERS];
    gru_state states[MOST_LAYERS];
    answer got[MOST_LAYERS];
    gru_io io;
    void *workspace;
    size_t bytes;
} tower_site;

tower_site tower_open(const tower *t, const gru_pool *pool, bool in_place);
enum gru_status tower_call(const tower_site *site, gru_error *error);
void tower_close(tower_site *site);

/* All of these, and checks what all layers answer. */
void tower_run(const tower *t, const gru_pool *pool, bool in_place);

#endif
