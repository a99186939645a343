/* SPDX-License-Identifier: BSD-2-Clause */
/* shape.c: which matrices a layer has, and how wide each is packed. */
#include "shape.h"

#include "backend.h"
#include "desc.h"
#include "size.h"

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

static struct gru_shape gates_of(const gru_desc *desc)
{
    const size_t apart = (size_t)stands_apart(desc);
    switch (desc->reset) { /* not covered: there are three, and gru_desc_read refuses a fourth */
    case GRU_RESET_BEFORE:
        return (struct gru_shape){.input = 3, .recurrent = 2 - apart, .apart = apart, .candidate = 1, .first = GRU_R};
    case GRU_RESET_NONE:
        return (struct gru_shape){.input = 2, .recurrent = 2, .first = GRU_Z};
    case GRU_RESET_AFTER:
        break;
    }
    return (struct gru_shape){.input = 3, .recurrent = 3, .first = GRU_R};
}

size_t gru_near_weights(const gru_desc *desc)
{
    return gru_first_cache() + (desc->clip > 0 ? 0 : 896);
}

/* The units that a matrix is packed for, of a layer with so many gates. Vectors of a narrow group mostly lie across two
 * cache lines: lone steps of H = 31 took 1.31 times as long as those of H = 32. So groups are whole where all weights
 * stay in the first-level cache, or in a layer of one or two groups this matrix's, and where that makes them at most a
 * twentieth more. (Padded beyond that cache, H = 20 with 100 inputs takes 1.3 times as long as narrow, and H = 40 1.07
 * with 48. Above 64 units a layer costs at most 1.1 times its weights, even those that a large cache would hold.) */
static size_t packed_units(const gru_desc *desc, size_t layer_gates, size_t length, size_t gates)
{
    const size_t hidden = desc->hidden, lanes = desc->backend->lanes, whole = gru_round_up(hidden, lanes);
    const int near = hidden <= 64 && desc->input + hidden <= gru_near_weights(desc) / whole / layer_gates;
    const int small = whole <= 2 * lanes && length <= GRU_NEAR_WEIGHTS / whole / gates;
    return near || small || whole - hidden <= hidden / 20 ? whole : hidden;
}

struct gru_shape gru_shape_of(const gru_desc *desc)
{
    struct gru_shape shape = gates_of(desc);
    shape.w_units = packed_units(desc, shape.input, desc->input, shape.input);
    shape.u_units = packed_units(desc, shape.input, desc->hidden, shape.recurrent);
    return shape;
}
