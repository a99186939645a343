/* SPDX-License-Identifier: BSD-2-Clause */
/* layer.c: layers made, filled, described and destroyed. */
#include "layer.h"

#include <string.h>

#include "desc.h"
#include "faint.h"
#include "memory.h"
#include "plan.h"
#include "size.h"
#include "status.h"

/* How many gates each matrix of a layer holds, which come first, and for how many units they are packed. */
struct shape {
    size_t input, recurrent, apart, candidate;
    size_t first;            /* GRU_R, or GRU_Z where there is no reset gate */
    size_t w_units, u_units; /* of the matrix over x, and of those over h */
};

/* Whether z's matrix over h stands apart, the reset before. r's and the candidate's have to be read in turn, but z's
 * may be the last of one step and the first of the next one, which finds it in the second-level cache. Sequences take
 * 0.90 of the time at H = 336, 0.92 at H = 400, 0.88 at H = 512 and 640, lone steps 0.86 at H = 362 and 0.84 at H =
 * 512; but sequences of H = 288 1.01, and steps of sixteen rows of H = 724 1.03. Vectors of half a line read one gate's
 * weights more slowly than those of two, and gain nothing. */
static int stands_apart(const gru_desc *desc)
{
    const size_t weights = GRU_MAX_GATES * desc->hidden * desc->hidden;
    return desc->backend->lanes >= GRU_LINE && weights >= GRU_CACHED_WEIGHTS / 4 * 5 &&
           weights <= GRU_CACHED_WEIGHTS * 5;
}

static struct shape gates_of(const gru_desc *desc)
{
    const size_t apart = (size_t)stands_apart(desc);
    switch (desc->reset) { /* not covered: there are three, and gru_desc_read refuses a fourth */
    case GRU_RESET_BEFORE:
        return (struct shape){.input = 3, .recurrent = 2 - apart, .apart = apart, .candidate = 1, .first = GRU_R};
    case GRU_RESET_NONE:
        return (struct shape){.input = 2, .recurrent = 2, .first = GRU_Z};
    case GRU_RESET_AFTER:
        break;
    }
    return (struct shape){.input = 3, .recurrent = 3, .first = GRU_R};
}

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

static int is_plain(const gru_desc *desc)
{
    return desc->gates == GRU_GATES_SIGMOID && desc->clip <= 0;
}

/* Floats of weights that lone steps find in the first-level cache. What else plain steps need is mostly in registers:
 * of 48 KiB they may fill 47 1/2 (H = 44 with 40 inputs takes 0.91 of the time, padded), the others 44 (without reset
 * H = 52 takes 1.22 times as long with 38 inputs). */
static size_t near_weights(const gru_desc *desc)
{
    return gru_first_cache() + (is_plain(desc) ? 896 : 0);
}

/* The units that a matrix is packed for, of a layer with so many gates. Vectors of a narrow group mostly lie across two
 * cache lines: lone steps of H = 31 took 1.31 times as long as those of H = 32. So groups are whole where all weights
 * stay in the first-level cache, or in a layer of one or two groups this matrix's, and where that makes them at most a
 * twentieth more. (Padded beyond that cache, H = 20 with 100 inputs takes 1.3 times as long as narrow, and H = 40 1.07
 * with 48. Above 64 units a layer costs at most 1.1 times its weights, even those that a large cache would hold.) */
static size_t packed_units(const gru_desc *desc, size_t layer_gates, size_t length, size_t gates)
{
    const size_t hidden = desc->hidden, lanes = desc->backend->lanes, whole = gru_round_up(hidden, lanes);
    const int near = hidden <= 64 && desc->input + hidden <= near_weights(desc) / whole / layer_gates;
    const int small = whole <= 2 * lanes && length <= GRU_NEAR_WEIGHTS / whole / gates;
    return near || small || whole - hidden <= hidden / 20 ? whole : hidden;
}

static struct shape shape_of(const gru_desc *desc)
{
    struct shape shape = gates_of(desc);
    shape.w_units = packed_units(desc, shape.input, desc->input, shape.input);
    shape.u_units = packed_units(desc, shape.input, desc->hidden, shape.recurrent);
    return shape;
}

/* The bytes of all matrices of a layer and its header. */
static enum gru_status layer_bytes(const gru_desc *desc, size_t *bytes, gru_error *error)
{
    struct shape shape = shape_of(desc);
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

/* The most inputs whose chains take less time beside those over h than as one product for many steps: some forty are
 * made while gate blocks run, more where there are two of these, the reset before, and fewer without reset. (NEON, which
 * can't be timed: no more than units.) */
static size_t most_beside(const gru_desc *desc, size_t lanes)
{
    const size_t beside_blocks = lanes + (desc->reset == GRU_RESET_AFTER    ? 40
                                          : desc->reset == GRU_RESET_BEFORE ? 56
                                                                            : 30 + desc->hidden / 2);
    return gru_most(desc->hidden, lanes >= 8 ? beside_blocks : 0);
}

/* One product for many steps takes less arithmetic time than one for each. But beside the chains over h, which wait for
 * their FMAs and then for the gate block, those over x take little or no time where the layer is at most two whole
 * vectors wide: sequences of H = 8 and 16 take 0.86 of the time, H = 32 0.87, H = 16 with AVX2 0.85; with 40 inputs
 * H = 16 0.76 and H = 32 0.84, AVX2 H = 8 0.81 and H = 16 0.93; with 80 they'd take 1.1 times, and of four groups 1.1 at
 * H = 32 with AVX2. The tier of SLEEF has no small steps. */
static int goes_beside(const struct gru_layer *layer, const struct gru_half *half)
{
    const gru_desc *desc = &layer->desc;
    const size_t lanes = layer->backend->lanes;
    return layer->groups <= 2 && lanes > 1 && half->input.units % lanes == 0 &&
           desc->input <= most_beside(desc, lanes) && is_plain(desc) && desc->tier != GRU_TIER_SLEEF;
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
        .plain = is_plain(desc),
        .beside = goes_beside(layer, half) ? &half->input : NULL,
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

/* Weights of all matrices over h. */
static size_t weights_of(const struct gru_half *half)
{
    const struct gru_product *const u = &half->recurrent;
    return u->units * u->length * (u->gates + half->apart.gates + half->candidate.gates);
}

/* Steps that turn find in some cache a part of what they walk through. By the first-level one, which has 48 KiB on the
 * CPU of these figures: sequences of H = 96 take 0.95 of the time (0.86 without reset); with fewer than three gates
 * pieces of its size have too few chains. By the second-level one: sequences take 0.70 at H = 192, 0.66 at H = 362,
 * 0.82 at H = 512. Where the reset comes before, each matrix drives the other out of the first-level cache (turning
 * took 1.03 of the time at H = 112, and up to 1.08 at H = 192). */
static enum gru_turns turns_of(const struct gru_half *half)
{
    const size_t weights = weights_of(half);
    if (half->candidate.gates)
        return weights >= GRU_CACHED_WEIGHTS * 3 / 4 ? GRU_TURNS_FAR : GRU_TURNS_NEVER;
    if (weights <= (half->recurrent.gates == 3 ? 1 : 2) * (size_t)GRU_NEAR_WEIGHTS)
        return GRU_TURNS_NEVER;
    return weights > 3 * GRU_NEAR_WEIGHTS ? GRU_TURNS_FAR : GRU_TURNS_NEAR;
}

/* Whether and why the walk through r's and z's matrix turns, or through that of all three gates. Where the reset comes
 * before, vectors of less than a line read weights more slowly if they go round and round: with AVX2 sequences take
 * 0.97 of the time at H = 112, 0.94 at H = 128 to 160, 0.88 to 0.91 at H = 192 to 240. (If the candidate's turns too,
 * 0.90 to 0.97, and lone steps 1.03 to 1.07.) */
static enum gru_turns recurrent_turns_of(const struct gru_half *half, size_t lanes)
{
    return half->candidate.gates && lanes < GRU_LINE && weights_of(half) >= 4 * GRU_NEAR_WEIGHTS ? GRU_TURNS_FAR
                                                                                                 : turns_of(half);
}

/* Whether and why lone steps turn, which read both matrices, and walk to and fro if the caller says how many there have
 * been. Each finds a part of what it reads in the first-level cache: they take 0.69 of the time at H = 48, 0.84 at H =
 * 64, 0.94 at H = 80; or in the second-level one: 0.80 at H = 224 and 256, 0.83 at H = 320, 0.97 at H = 512. Where the
 * reset comes before, the candidate's matrix goes through the first-level cache in between: 0.77 at H = 48, 0.93 at H =
 * 64, but 1.02 to 1.05 from H = 80 to 112; and with few inputs each group by itself, as wide vectors' go then, takes
 * 1.03 to 1.15 times as long there. */
static enum gru_turns lone_turns_of(const struct gru_half *half, size_t lanes)
{
    const struct gru_product *const w = &half->input, *const u = &half->recurrent;
    const size_t recurrent = u->units * u->length * (u->gates + half->apart.gates);
    const size_t weights = w->units * w->length * w->gates + recurrent;
    const size_t near = half->candidate.gates ? 4 : 8, far = half->candidate.gates ? 10 : 8;
    if (weights <= GRU_NEAR_WEIGHTS)
        return GRU_TURNS_NEVER;
    if (weights <= near * GRU_NEAR_WEIGHTS &&
        !(half->candidate.gates && lanes >= GRU_LINE && recurrent > gru_first_cache()))
        return GRU_TURNS_NEAR;
    return weights > far * GRU_NEAR_WEIGHTS ? GRU_TURNS_FAR : GRU_TURNS_NEVER;
}

/* Whether lone steps of three groups of units or more take one after the other, with both chains of each side by side:
 * few, which wait for their FMAs, but a step that goes the other way finds the last group's weights in the first-level
 * cache. Not where that holds all weights (H = 48 takes 0.73 of the time with 8 inputs, 0.88 with 32); not where x is
 * so short that its chains soon leave those over h alone (H = 64 0.72 to 0.81 with up to 8 inputs), or so long that the
 * cache holds hardly anything (0.92 with 256 inputs, 0.87 with 512). Larger layers' pieces always do. Two gates make
 * fewer chains: without reset H = 64 takes 0.83 of the time with 40 inputs, all of its groups at once, and of larger
 * layers H = 96 0.70 with 8 inputs and 0.87 with 40. */
static int is_grouped(const struct gru_layer *layer)
{
    const struct gru_half *const half = &layer->half[0];
    const struct gru_product *const w = &half->input;
    const size_t weights = weights_of(half) + w->units * w->length * w->gates, near = near_weights(&layer->desc);
    if (w->gates == 2)
        return layer->groups > 4 && 5 * w->length >= 3 * layer->desc.hidden;
    return layer->groups > 4 ||
           (weights > near && weights <= 6 * GRU_NEAR_WEIGHTS && 8 * w->length > layer->desc.hidden);
}

/* A layer of a checked description in memory of layer_bytes; its weights are still to come. */
static struct gru_layer *place(void *memory, const gru_desc *desc)
{
    struct gru_layer *layer = memory;
    struct shape shape = shape_of(desc);
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
    /* Both halves of a step go through the cache in turn. */
    const int far = shape.input * desc->hidden * (desc->input + desc->hidden) >= GRU_CACHED_WEIGHTS;
    for (size_t d = 0; d < layer->directions; d++) {
        struct gru_half *half = &layer->half[d];
        half->input.far = half->recurrent.far = half->apart.far = half->candidate.far = far;
        half->recurrent.turns = recurrent_turns_of(half, lanes);
        half->apart.turns = half->candidate.turns = turns_of(half);
    }
    gru_plan_layer(layer);
    layer->lone.turns = lone_turns_of(&layer->half[0], lanes);
    layer->lone.grouped = is_grouped(layer);
    for (size_t d = 0; d < layer->directions; d++)
        layer->half[d].cell = cell_of(layer, &layer->half[d]);
    return layer;
}

static void pack(struct gru_layer *layer, const gru_weights views[2])
{
    struct shape shape = shape_of(&layer->desc);
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
