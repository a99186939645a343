/* SPDX-License-Identifier: BSD-2-Clause */
/* layer.h: what a packed layer is, for those who make it and those who run it. */
#ifndef GRU_LAYER_H
#define GRU_LAYER_H

#include "backend.h"
#include "plan.h"

/* One direction's packed matrices. Only a layer with the reset before the product has a candidate of its own. */
struct gru_half {
    struct gru_product input;     /* of x: r, z, n, or z, n without a reset */
    struct gru_product recurrent; /* of h: the same, or r, z or r if the reset comes before */
    struct gru_product apart;     /* of h: z, where recurrent is r alone */
    struct gru_product candidate; /* of r * h: n */
    struct gru_cell cell;
    float faint_x, faint_h;        /* how small a faint row is; 0: none is (faint.h) */
    int looks;                     /* whether a faint x counts as zeros only after a look at each unit */
    struct gru_product mute_input; /* chains over a faint x, which are their biases */
    struct gru_cell mute;          /* the same over a faint state */
};

struct gru_layer {
    gru_desc desc; /* as read: defaults filled in, back end chosen */
    const struct gru_backend *backend;
    gru_allocator allocator;
    size_t bytes; /* of the whole allocation; 0 in memory of the caller's */
    size_t groups;
    size_t directions;
    size_t max_rows; /* of a run: more would overflow the sizes of its workspace */
    size_t x_row;    /* strides, in floats, of a run's rows of x, of ax, and of states */
    size_t ax_row;
    size_t h_row;
    size_t ahead_rows; /* of the tiles in which sequences of one row make chains over x of steps to come; 0: they don't
                        * (kernels/ahead.h) */
    int goes_beside;   /* whether sequences of one row make their chains over x beside those over h (kernels/small.h) */
    int faint;         /* whether there are faint rows; a layer with any isn't cut into slices of units */
    struct gru_lone lone;
    struct gru_half half[2];
};

/* How wide a row of y is. */
static inline size_t gru_layer_width(const struct gru_layer *layer)
{
    return layer->directions == 2 && layer->desc.merge == GRU_MERGE_CONCAT ? 2 * layer->desc.hidden
                                                                           : layer->desc.hidden;
}

/* How many weights of h, and of x, a row's step goes through in each direction. */
static inline size_t gru_layer_recurrent(const struct gru_layer *layer)
{
    return layer->half[0].input.gates * layer->desc.hidden * layer->desc.hidden;
}

static inline size_t gru_layer_input(const struct gru_layer *layer)
{
    return layer->half[0].input.gates * layer->desc.hidden * layer->desc.input;
}

/* Bytes that the packed form of a matrix takes, a multiple of GRU_ALIGNMENT; false if they don't fit in a size_t. */
int gru_product_bytes(size_t units, size_t length, size_t gates, size_t lanes, size_t *bytes);

/* Sets up a matrix in memory of gru_product_bytes. */
struct gru_product gru_product_place(void *memory, size_t units, size_t length, size_t gates, size_t lanes);

/* Packs one gate's matrix and bias (data NULL: zeros) into its place among the gates. */
void gru_product_pack(const struct gru_product *product, size_t lanes, size_t gate, size_t units, gru_matrix matrix,
                      gru_vector bias);

#endif
