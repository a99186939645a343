/* SPDX-License-Identifier: BSD-2-Clause */
/* faint.c: rows so small, under weights so small, that no result shows their products (faint.h has the argument). */
#include "faint.h"

#include "size.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

/* The bits of |value|, in the order of the magnitudes, NaN last: no float operation sees a subnormal number. */
static uint32_t magnitude(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x7fffffff;
}

static uint32_t largest(const float *values, size_t count)
{
    uint32_t most = 0;
    for (size_t i = 0; i < count; i++)
        most = magnitude(values[i]) > most ? magnitude(values[i]) : most;
    return most;
}

/* Most rows are loud by their first number. The others are taken by the line, so that the compiler can take several
 * numbers at once. */
static int is_faint(const float *row, size_t count, float limit)
{
    const uint32_t most = magnitude(limit);
    if (!(limit > 0) || magnitude(row[0]) > most)
        return 0;
    for (; count > GRU_LINE; count -= GRU_LINE, row += GRU_LINE)
        if (largest(row, GRU_LINE) > most)
            return 0;
    return largest(row, count) <= most;
}

/* Looks no further than to the first group with a weight that is large enough: in most layers the first of all. */
float gru_faint_limit(const struct gru_product *product, size_t lanes, float sum)
{
    const uint32_t enough = magnitude(0x1p-28f);
    uint32_t most = 0;
    for (size_t unit = 0; unit < product->units && most < enough; unit += lanes) {
        const size_t width = gru_least(product->units - unit, lanes);
        const uint32_t here =
            largest(product->weights + unit / lanes * product->group_stride, product->length * product->gates * width);
        most = here > most ? here : most;
    }
    if (most == 0)
        return FLT_MAX;
    float weight;
    memcpy(&weight, &most, sizeof weight);
    const double limit = (double)sum / ((double)weight * (double)product->length);
    return most < enough && limit >= 0x1p-62 ? (float)limit : 0.0f;
}

int gru_faint_hard(float alpha, float beta)
{
    return fabsf(alpha) <= 1.0f && fabsf(beta) >= 0x1p-20f;
}

void gru_faint_clear(float *to, size_t to_row, size_t rows, size_t width, float limit)
{
    for (size_t row = 0; row < rows; row++)
        if (is_faint(to + row * to_row, width, limit))
            memset(to + row * to_row, 0, width * sizeof(float));
}

static const struct gru_layer *layer_of(const struct gru_lone *lone)
{
    return (const void *)((const char *)lone - offsetof(struct gru_layer, lone));
}

/* Whether limits say that there are faint rows, and not just a matrix of zeros. */
static int has_faint(float limit)
{
    return limit > 0 && limit < FLT_MAX;
}

/* Whether some unit's candidate has no bias that its chain over x starts at, with a reset. */
static int starts_at_zero(const struct gru_product *input, size_t units, size_t lanes)
{
    const float *bias = input->bias + GRU_N * lanes;
    size_t unit = 0;
    while (unit < units && magnitude(bias[unit / lanes * lanes * GRU_MAX_GATES + unit % lanes]) != 0)
        unit++;
    return unit < units;
}

static void prepare_half(struct gru_layer *layer, struct gru_half *half)
{
    const gru_desc *desc = &layer->desc;
    const size_t lanes = layer->backend->lanes;
    half->faint_x = half->faint_h = 0;
    half->looks = 0;
    if (desc->gates == GRU_GATES_HARD_SIGMOID && !gru_faint_hard(desc->hard_alpha, desc->hard_beta))
        return;
    half->faint_h = gru_faint_limit(&half->recurrent, lanes, GRU_FAINT_SUM);
    if (desc->reset == GRU_RESET_BEFORE)
        half->faint_h = fminf(half->faint_h, gru_faint_limit(&half->candidate, lanes, GRU_FAINT_SUM));
    if (half->apart.gates)
        half->faint_h = fminf(half->faint_h, gru_faint_limit(&half->apart, lanes, GRU_FAINT_SUM));
    const int looks = desc->reset == GRU_RESET_AFTER && starts_at_zero(&half->input, desc->hidden, lanes);
    half->faint_x = gru_faint_limit(&half->input, lanes, looks ? GRU_FAINT_LOOK : GRU_FAINT_SUM);
    half->looks = looks && has_faint(half->faint_x); /* under zeros there is nothing to look for */
    half->mute_input = half->input;
    half->mute_input.length = 0;
    half->mute = half->cell;
    half->mute.recurrent.length = half->mute.apart.length = half->mute.candidate.length = 0;
}

void gru_faint_prepare(struct gru_layer *layer)
{
    layer->faint = 0;
    for (size_t d = 0; d < layer->directions; d++) {
        prepare_half(layer, &layer->half[d]);
        layer->faint |= has_faint(layer->half[d].faint_x) || has_faint(layer->half[d].faint_h);
    }
    layer->lone.run = layer->faint ? gru_faint_lone : layer->backend->lone[layer->desc.tier];
}

/* What the chains over a faint row of x come to at most. */
static float most_of(const struct gru_layer *layer, const struct gru_half *half, const float *x)
{
    const uint32_t bits = largest(x, layer->desc.input);
    float peak;
    memcpy(&peak, &bits, sizeof peak);
    const double most = 2.0 * (double)GRU_FAINT_LOOK * (double)peak / (double)half->faint_x;
    return most > 0x1p-120 ? (float)most : 0x1p-120f; /* never subnormal */
}

/* One row with a faint x, whose place in ax is free for the chains over h. */
static void step_looking(const struct gru_layer *layer, const struct gru_half *half, struct gru_step *s, const float *x)
{
    const enum gru_tier tier = layer->desc.tier;
    struct gru_cell cell = half->mute;
    float *const ax = s->ax;
    int ties;
    if (!is_faint(s->h, layer->desc.hidden, half->faint_h)) {
        layer->backend->product(&half->recurrent, 1, s->h, 0, 0, layer->groups, ax, 0);
        cell.recurrent.bias = ax;
    }
    s->cell = &cell;
    s->ax = (float *)half->input.bias; /* only read */
    layer->backend->ties[tier](s, cell.recurrent.bias, most_of(layer, half, x), &ties);
    if (ties) {
        layer->backend->product(&half->input, 1, x, 0, 0, layer->groups, ax, 0);
        s->cell = &half->cell;
        s->ax = ax;
    }
    layer->backend->steps[tier](s, 1);
    s->ax = ax;
}

/* One row with a faint state, the reset before the product: s may be NaN nevertheless, by a bias of r or by x. */
static void step_before(const struct gru_layer *layer, const struct gru_half *half, struct gru_step *s)
{
    const enum gru_tier tier = layer->desc.tier;
    struct gru_cell cell = half->mute;
    s->cell = &cell;
    layer->backend->step[tier](s, 0, layer->groups);
    if (!is_faint(s->s, layer->desc.hidden, half->faint_h))
        cell.candidate = half->candidate;
    layer->backend->candidate[tier](s, 0, layer->groups);
    gru_step_turn(s);
}

static int looks_at(const struct gru_layer *layer, const struct gru_half *half, const float *x)
{
    return half->looks && is_faint(x, layer->desc.input, half->faint_x);
}

/* One row, of which the state or x is faint. */
static void step_quiet(const struct gru_layer *layer, const struct gru_half *half, struct gru_step *s, const float *x)
{
    if (layer->desc.reset == GRU_RESET_BEFORE) {
        step_before(layer, half, s);
    } else if (looks_at(layer, half, x)) {
        step_looking(layer, half, s, x);
    } else {
        s->cell = &half->mute;
        layer->backend->steps[layer->desc.tier](s, 1);
    }
    s->cell = &half->cell;
}

/* How many rows from `row` on go the ordinary way. */
static size_t loud_rows(const struct gru_layer *layer, const struct gru_half *half, const struct gru_step *s,
                        const float *x, size_t row)
{
    size_t n = 0;
    while (row + n < s->rows && !is_faint(s->h + (row + n) * layer->h_row, layer->desc.hidden, half->faint_h) &&
           !looks_at(layer, half, x + (row + n) * layer->x_row))
        n++;
    return n;
}

/* Some rows of a step. Those of s and z are the first ones: nobody needs them after the call. */
static struct gru_step rows_of(const struct gru_layer *layer, const struct gru_step *s, size_t row, size_t rows)
{
    struct gru_step part = *s;
    const size_t h = row * layer->h_row;
    part.rows = rows;
    part.h += h;
    part.h_next += h;
    part.ax += row * layer->ax_row;
    part.y_offset += row;
    part.gate_offset += row;
    return part;
}

static void step_rows(const struct gru_layer *layer, const struct gru_half *half, struct gru_step *now, const float *x)
{
    const enum gru_tier tier = layer->desc.tier;
    size_t n = loud_rows(layer, half, now, x, 0);
    if (n == now->rows) {
        layer->backend->steps[tier](now, 1);
        return;
    }
    if (now->rows == 1) {
        step_quiet(layer, half, now, x);
        return;
    }
    for (size_t row = 0; row < now->rows; row += n, n = loud_rows(layer, half, now, x, row)) {
        struct gru_step part = rows_of(layer, now, row, n ? n : 1);
        if (n)
            layer->backend->steps[tier](&part, 1);
        else
            step_quiet(layer, half, &part, x + row * layer->x_row);
        n = part.rows;
    }
    gru_step_turn(now);
}

void gru_faint_steps(const struct gru_layer *layer, const struct gru_half *half, struct gru_step *now, size_t count,
                     const float *x)
{
    step_rows(layer, half, now, x);
    while (--count) {
        gru_step_move(now);
        x += now->rows * layer->x_row;
        now->x = now->x ? x : NULL;
        step_rows(layer, half, now, x);
    }
}

void gru_faint_input(const struct gru_layer *layer, const struct gru_half *half, size_t rows, float *x, float *ax)
{
    size_t row = 0;
    if (!half->looks)
        gru_faint_clear(x, layer->x_row, rows, layer->desc.input, half->faint_x);
    if (!ax)
        return;
    while (row < rows) {
        size_t n = 0;
        while (row + n < rows && !looks_at(layer, half, x + (row + n) * layer->x_row))
            n++;
        if (n)
            layer->backend->product(&half->input, n, x + row * layer->x_row, layer->x_row, 0, layer->groups,
                                    ax + row * layer->ax_row, layer->ax_row);
        row += n + 1;
    }
}

/* The general way, which can look at what the kernel couldn't. */
static void lone_looking(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
    const struct gru_layer *layer = layer_of(lone);
    const struct gru_half *half = &layer->half[0];
    const size_t inputs = layer->desc.input, hidden = layer->desc.hidden;
    float *const clean_x = (float *)(workspace + lone->x);
    struct gru_step now = gru_lone_step(lone, &half->cell, workspace, io->y ? io->y : io->state.h);
    memset(now.h, 0, layer->groups * layer->backend->lanes * sizeof(float));
    if (io->state.h0)
        layer->backend->clean(now.h, 0, io->state.h0, 0, 1, hidden);
    layer->backend->clean(clean_x, 0, io->x, 0, 1, inputs);
    gru_faint_input(layer, half, 1, clean_x, now.ax);
    step_quiet(layer, half, &now, clean_x);
    if (io->y && io->state.h)
        memcpy(io->state.h, now.h, hidden * sizeof(float));
}

void gru_faint_lone(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
    const float *const h0 = io->state.h0;
    const struct gru_layer *layer = layer_of(lone);
    const struct gru_half *half = &layer->half[0];
    const int faint_h = h0 && is_faint(h0, layer->desc.hidden, half->faint_h);
    const int faint_x = is_faint(io->x, layer->desc.input, half->faint_x);
    struct gru_lone quiet = *lone;
    if ((faint_h && layer->desc.reset == GRU_RESET_BEFORE) || (faint_x && half->looks)) {
        lone_looking(lone, workspace, io);
        return;
    }
    if (faint_x)
        quiet.input = &half->mute_input;
    if (faint_h)
        quiet.cell = &half->mute;
    layer->backend->lone[layer->desc.tier](&quiet, workspace, io);
}
