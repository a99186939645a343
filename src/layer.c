/* SPDX-License-Identifier: BSD-2-Clause */
/* layer.c: layers made, filled, described and destroyed. */
#include "layer.h"

#include <string.h>

#include "desc.h"
#include "faint.h"
#include "memory.h"
#include "plan.h"
#include "shape.h"
#include "size.h"
#include "status.h"
#include "ways.h"

/* A description made canonical, with its back end. */
static enum gru_status read_desc(gru_desc *to, const gru_desc *from, gru_error *error)
{
    enum gru_status status = gru_desc_read(to, from, error);
    if (status == GRU_OK && !to->backend)
        status = gru_backend_for(&to->backend, to->hidden, error);
    if (status == GRU_OK)
        status = gru_backend_check_tier(to->backend, to->tier, error);
    return status;
}

static size_t header_bytes(void)
{
    return gru_round_up(sizeof(struct gru_layer), GRU_ALIGNMENT);
}

/* The bytes of all matrices of a layer and its header. */
static enum gru_status layer_bytes(const gru_desc *desc, size_t *bytes, gru_error *error)
{
    struct gru_shape shape = gru_shape_of(desc);
    size_t lanes = desc->backend->lanes, input = 0, recurrent = 0, one = 0;
    int fits = gru_product_bytes(shape.w_units, desc->input, shape.input, lanes, &input) &&
               gru_product_bytes(shape.u_units, desc->hidden, shape.recurrent, lanes, &recurrent);
    /* One gate fits if the recurrent matrix does. */
    gru_product_bytes(shape.u_units, desc->hidden, 1, lanes, &one);
    /* gru_desc_read has found that all weights together take at most PTRDIFF_MAX bytes, so their padding and the
     * biases, of H < 2^31 units, can't make the sum wrap round. */
    size_t all = (input + recurrent + (shape.apart + shape.candidate) * one) * gru_directions(desc) + header_bytes();
    if (!fits || all > (size_t)PTRDIFF_MAX)
        return gru_fail(error, GRU_OVERFLOW,
                        "the packed weights of a layer of input %zu and hidden %zu fit in no memory", desc->input,
                        desc->hidden);
    *bytes = all;
    return GRU_OK;
}

/* One matrix at `*at`, which moves behind it. */
static struct gru_product place_product(char **at, size_t units, size_t length, size_t gates, size_t lanes)
{
    size_t bytes = 0;
    gru_product_bytes(units, length, gates, lanes, &bytes);
    struct gru_product product = gru_product_place(*at, units, length, gates, lanes);
    *at += bytes;
    return product;
}

static struct gru_cell cell_of(const struct gru_layer *layer, const struct gru_half *half)
{
    const gru_desc *desc = &layer->desc;
    return (struct gru_cell){
        .reset = desc->reset,
        .update = desc->update,
        .gates = desc->gates,
        .hard_alpha = desc->hard_alpha,
        .hard_beta = desc->hard_beta,
        .clips = desc->clip > 0,
        .clip = desc->clip,
        .beside = layer->goes_beside ? &half->input : NULL,
        .units = desc->hidden,
        .recurrent = half->recurrent,
        .apart = half->apart,
        .candidate = half->candidate,
        .groups = layer->groups,
        .ax_gates = half->input.gates,
        .h_row = layer->h_row,
        .ax_row = layer->ax_row,
        .x_row = layer->x_row,
    };
}

/* A layer of a checked description in memory of layer_bytes; its weights are still to come. */
static struct gru_layer *place(void *memory, const gru_desc *desc)
{
    struct gru_layer *layer = memory;
    struct gru_shape shape = gru_shape_of(desc);
    size_t lanes = desc->backend->lanes;
    char *at = (char *)memory + header_bytes();
    *layer = (struct gru_layer){
        .desc = *desc,
        .backend = desc->backend,
        .groups = (desc->hidden + lanes - 1) / lanes,
        .directions = gru_directions(desc),
    };
    for (size_t d = 0; d < layer->directions; d++) {
        struct gru_half *half = &layer->half[d];
        half->input = place_product(&at, shape.w_units, desc->input, shape.input, lanes);
        half->recurrent = place_product(&at, shape.u_units, desc->hidden, shape.recurrent, lanes);
        if (shape.apart)
            half->apart = place_product(&at, shape.u_units, desc->hidden, shape.apart, lanes);
        if (shape.candidate)
            half->candidate = place_product(&at, shape.u_units, desc->hidden, shape.candidate, lanes);
    }
    gru_plan_layer(layer);
    gru_ways_choose(layer);
    for (size_t d = 0; d < layer->directions; d++)
        layer->half[d].cell = cell_of(layer, &layer->half[d]);
    return layer;
}

static void pack(struct gru_layer *layer, const gru_weights views[2])
{
    struct gru_shape shape = gru_shape_of(&layer->desc);
    size_t lanes = layer->backend->lanes, units = layer->desc.hidden;
    for (size_t d = 0; d < layer->directions; d++) {
        struct gru_half *half = &layer->half[d];
        const gru_weights *view = &views[d];
        for (size_t g = shape.first; g <= GRU_N; g++)
            gru_product_pack(&half->input, lanes, g - shape.first, units, view->w[g], view->bx[g]);
        for (size_t g = shape.first; g < shape.first + shape.recurrent; g++)
            gru_product_pack(&half->recurrent, lanes, g - shape.first, units, view->u[g], view->bh[g]);
        if (shape.apart)
            gru_product_pack(&half->apart, lanes, 0, units, view->u[GRU_Z], view->bh[GRU_Z]);
        if (shape.candidate)
            gru_product_pack(&half->candidate, lanes, 0, units, view->u[GRU_N], view->bh[GRU_N]);
    }
    gru_faint_prepare(layer);
}

/* A description and the weights of it, and the bytes that the layer takes. */
static enum gru_status read_all(gru_desc *read, gru_weights views[2], size_t *bytes, const gru_desc *desc,
                                const gru_weights *weights, gru_error *error)
{
    enum gru_status status = read_desc(read, desc, error);
    if (status == GRU_OK)
        status = gru_weights_read(views, weights, read, error);
    return status == GRU_OK ? layer_bytes(read, bytes, error) : status;
}

enum gru_status gru_layer_create(gru_layer **layer, const gru_desc *desc, const gru_weights *weights,
                                 const gru_allocator *allocator, gru_error *error)
{
    gru_desc read;
    gru_weights views[2];
    size_t bytes = 0;
    void *memory = NULL;
    if (!layer)
        return gru_fail(error, GRU_NULL_POINTER, "gru_layer_create: layer is NULL");
    enum gru_status status = read_all(&read, views, &bytes, desc, weights, error);
    if (status == GRU_OK)
        status = gru_allocate(&memory, allocator, bytes, GRU_ALIGNMENT, "layer", error);
    if (status != GRU_OK)
        return status;

    struct gru_layer *made = place(memory, &read);
    made->bytes = bytes;
    if (allocator)
        made->allocator = *allocator;
    pack(made, views);
    *layer = made;
    return GRU_OK;
}

void gru_layer_destroy(gru_layer *layer)
{
    if (layer && layer->bytes) {
        gru_allocator allocator = layer->allocator;
        gru_release(&allocator, layer, layer->bytes);
    }
}

enum gru_status gru_layer_bytes(const gru_desc *desc, size_t *bytes, gru_error *error)
{
    gru_desc read;
    if (!bytes)
        return gru_fail(error, GRU_NULL_POINTER, "gru_layer_bytes: bytes is NULL");
    enum gru_status status = read_desc(&read, desc, error);
    return status == GRU_OK ? layer_bytes(&read, bytes, error) : status;
}

enum gru_status gru_layer_place(gru_layer **layer, const gru_desc *desc, const gru_weights *weights, void *memory,
                                size_t bytes, gru_error *error)
{
    gru_desc read;
    gru_weights views[2];
    size_t needed = 0;
    if (!layer || !memory)
        return gru_fail(error, GRU_NULL_POINTER, "gru_layer_place: %s is NULL", layer ? "memory" : "layer");
    const enum gru_status status = read_all(&read, views, &needed, desc, weights, error);
    if (status != GRU_OK)
        return status;
    if ((uintptr_t)memory % GRU_ALIGNMENT)
        return gru_fail(error, GRU_BAD_ALIGNMENT, "the memory at %p isn't aligned to %d bytes", memory, GRU_ALIGNMENT);
    if (bytes < needed)
        return gru_fail(error, GRU_SMALL_MEMORY, "the layer needs %zu bytes, and is given %zu", needed, bytes);
    *layer = place(memory, &read);
    pack(*layer, views);
    return GRU_OK;
}

enum gru_status gru_layer_repack(gru_layer *layer, const gru_weights *weights, gru_error *error)
{
    gru_weights views[2];
    if (!layer)
        return gru_fail(error, GRU_NULL_POINTER, "gru_layer_repack: layer is NULL");
    enum gru_status status = gru_weights_read(views, weights, &layer->desc, error);
    if (status == GRU_OK)
        pack(layer, views);
    return status;
}

enum gru_status gru_layer_describe(const gru_layer *layer, gru_desc *desc, gru_error *error)
{
    if (!layer || !desc)
        return gru_fail(error, GRU_NULL_POINTER, "gru_layer_describe: %s is NULL", layer ? "desc" : "layer");
    return gru_write_struct(desc, &layer->desc, sizeof layer->desc, "gru_desc", error);
}
