/* SPDX-License-Identifier: BSD-2-Clause */
/* ways.c: which ways a layer's steps go, of those that the kernels know, and the times that say so. */
#include "ways.h"

#include "desc.h"
#include "layer.h"
#include "shape.h"
#include "size.h"

/* Whether the kernels know steps of so few units, with all sums in registers (kernels/small.h). */
static int has_small_steps(const struct gru_layer *layer)
{
    return layer->groups <= 4 && layer->backend->lanes > 1 && layer->desc.clip <= 0 &&
           layer->desc.tier != GRU_TIER_SLEEF;
}

/* The most inputs whose chains take less time beside those over h than as one product for many steps: some forty are
 * made while gate blocks run, more where there are two of these, the reset before, and fewer without reset. (NEON,
 * which can't be timed: no more than units.) */
static size_t most_beside(const gru_desc *desc, size_t lanes)
{
    const size_t beside_blocks = lanes + (desc->reset == GRU_RESET_AFTER    ? 40
                                          : desc->reset == GRU_RESET_BEFORE ? 56
                                                                            : 30 + desc->hidden / 2);
    return gru_most(desc->hidden, lanes >= 8 ? beside_blocks : 0);
}

/* One product for many steps takes less arithmetic time than one for each. But beside the chains over h, which wait for
 * their FMAs and then for the gate block, those over x take little or no time where the layer is at most two whole
 * vectors wide: sequences of H = 8 and 16 take 0.86 of the time, H = 32 0.87, H = 16 with AVX2 0.85; with 40 inputs H =
 * 16 0.76 and H = 32 0.84, AVX2 H = 8 0.81 and H = 16 0.93; with 80 they'd take 1.1 times, and of four groups 1.1 at H
 * = 32 with AVX2. */
static int goes_beside(const struct gru_layer *layer)
{
    const size_t lanes = layer->backend->lanes;
    return has_small_steps(layer) && layer->groups <= 2 && layer->half[0].input.units % lanes == 0 &&
           layer->desc.input <= most_beside(&layer->desc, lanes);
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
    const size_t weights = weights_of(half) + w->units * w->length * w->gates, near = gru_near_weights(&layer->desc);
    if (w->gates == 2)
        return layer->groups > 4 && 5 * w->length >= 3 * layer->desc.hidden;
    return layer->groups > 4 ||
           (weights > near && weights <= 6 * GRU_NEAR_WEIGHTS && 8 * w->length > layer->desc.hidden);
}

/* How much larger than a first-level cache of 32 KiB U has to be for goes_ahead, in fifths. Two gates' chains go by
 * eight groups otherwise, and gain less: H = 93 to 112 0.95 to 1.01, H = 113 to 128 0.99 to 1.02. */
static size_t ahead_from(const struct gru_half *half)
{
    return half->input.gates == 2 ? 25 : half->candidate.gates ? 12 : 15;
}

/* Whether sequences of one row make the chains over x of steps to come beside those over h: where U comes from the
 * second-level cache, and leaves room in it for a part of W. They take 0.95 of the time at H = 96, 0.97 at H = 112 and
 * 128, 0.92 at 144, 0.80 at 160, 0.89 at 176, 0.92 at 192; with the reset before 0.93 at H = 77 to 80, 0.98 at H = 84,
 * 0.91 to 0.93 up to H = 144, 0.86 at 160, 0.88 at 176, 0.91 at 192; without reset 0.95 at H = 136 and 144, 0.96 at
 * 160, 0.89 at 192, 0.88 at 208 to 240; and, of 1,000 steps, the three, 0.91, 0.88 and 0.84 at H = 224, 0.94, 0.92 and
 * 0.83 at 240. (H = 256 0.99, 1.01 and 0.87, H = 272 1.03, 1.05 and 0.89.) Few inputs gain nothing, one makes it 1.04
 * times as long; and of more than twice the units, steps get through too little.
 *
 * And where, the reset before, the candidate's three chains wait for their own FMAs: H = 33 to 42 0.90 to 0.95, H = 48
 * 0.90, of 1,000 steps 0.86. Where the first-level cache has room for W's lines beside U's: of four groups, H = 64,
 * they drive them out, and it takes 1.10 to 1.19. (Steps that go the general way H = 36 to 48 1.07 to 1.10.) */
static int goes_ahead(const struct gru_layer *layer)
{
    const struct gru_half *const half = &layer->half[0];
    const size_t weights = gru_layer_recurrent(layer), input = layer->desc.input, hidden = layer->desc.hidden;
    const int waits = half->candidate.gates && layer->groups == 3 &&
                      half->candidate.units % layer->backend->lanes == 0 && weights <= gru_first_cache() / 3 * 2 &&
                      has_small_steps(layer);
    const int far = 5 * weights > ahead_from(half) * GRU_NEAR_WEIGHTS && weights < GRU_CACHED_WEIGHTS / 4 * 3;
    return (waits || far) && input >= hidden / 4 && input <= 2 * hidden;
}

void gru_ways_choose(struct gru_layer *layer)
{
    const size_t lanes = layer->backend->lanes, hidden = layer->desc.hidden, length = layer->desc.input + hidden;
    /* Both halves of a step go through the cache in turn. */
    const int far = layer->half[0].input.gates * hidden * length >= GRU_CACHED_WEIGHTS;
    for (size_t d = 0; d < layer->directions; d++) {
        struct gru_half *half = &layer->half[d];
        half->input.far = half->recurrent.far = half->apart.far = half->candidate.far = far;
        half->recurrent.turns = recurrent_turns_of(half, lanes);
        half->apart.turns = half->candidate.turns = turns_of(half);
    }
    layer->lone.turns = lone_turns_of(&layer->half[0], lanes);
    layer->lone.grouped = is_grouped(layer);
    layer->goes_beside = goes_beside(layer);
    layer->ahead_rows = goes_ahead(layer) ? layer->backend->ahead_rows[layer->half[0].input.gates] : 0;
}
