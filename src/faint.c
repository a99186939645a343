/* SPDX-License-Identifier: BSD-2-Clause */
/* faint.c: rows so small, under weights so small, that no result shows their products (faint.h has the argument). */
#include "faint.h"

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
int gru_is_faint(const float *row, size_t count, float limit)
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
float gru_faint_limit(const struct gru_product *product, size_t lanes)
{
    const uint32_t enough = magnitude(0x1p-28f);
    uint32_t most = 0;
    for (size_t unit = 0; unit < product->units && most < enough; unit += lanes) {
        const size_t width = product->units - unit < lanes ? product->units - unit : lanes;
        const uint32_t here =
            largest(product->weights + unit / lanes * product->group_stride, product->length * product->gates * width);
        most = here > most ? here : most;
    }
    if (most == 0)
        return FLT_MAX;
    float weight;
    memcpy(&weight, &most, sizeof weight);
    const double limit = 0x1p-90 / ((double)weight * (double)product->length);
    return most < enough && limit >= 0x1p-62 ? (float)limit : 0.0f;
}

int gru_faint_hard(float alpha, float beta)
{
    return fabsf(alpha) <= 1.0f && fabsf(beta) >= 0x1p-20f;
}

void gru_faint_clear(float *to, size_t to_row, size_t rows, size_t width, float limit)
{
    for (size_t row = 0; row < rows; row++)
        if (gru_is_faint(to + row * to_row, width, limit))
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

/* In how many units the candidate's chain starts at a bias. */
static size_t biased_units(const struct gru_product *product, size_t lanes)
{
    const float *const bias = product->bias + (product->gates - 1) * lanes;
    size_t count = 0;
    for (size_t unit = 0; unit < product->units; unit++)
        count += magnitude(bias[unit / lanes * lanes * product->gates + unit % lanes]) != 0;
    return count;
}

/* When a faint x counts as zeros: the third paragraph of faint.h, and the last. */
static enum gru_faint faint_of_x(const struct gru_half *half, enum gru_reset reset, size_t lanes)
{
    const size_t biased = biased_units(&half->input, lanes);
    if (reset != GRU_RESET_AFTER || biased == half->input.units)
        return GRU_FAINT_ALONE;
    return biased + biased_units(&half->recurrent, lanes) == 0 ? GRU_FAINT_WITH_H : GRU_FAINT_NEVER;
}

static void prepare_half(struct gru_layer *layer, struct gru_half *half)
{
    const gru_desc *desc = &layer->desc;
    const size_t lanes = layer->backend->lanes;
    half->faint_x = half->faint_h = 0;
    if (desc->gates == GRU_GATES_HARD_SIGMOID && !gru_faint_hard(desc->hard_alpha, desc->hard_beta))
        return;
    half->faint_h = gru_faint_limit(&half->recurrent, lanes);
    if (desc->reset == GRU_RESET_BEFORE)
        half->faint_h = fminf(half->faint_h, gru_faint_limit(&half->candidate, lanes));
    half->faint = faint_of_x(half, desc->reset, lanes);
    if (half->faint != GRU_FAINT_NEVER)
        half->faint_x = gru_faint_limit(&half->input, lanes);
    half->mute_input = half->input;
    half->mute_input.length = 0;
    half->mute = half->cell;
    half->mute.recurrent.length = half->mute.candidate.length = 0;
}

void gru_faint_prepare(struct gru_layer *layer)
{
    layer->faint = 0;
    for (size_t d = 0; d < layer->directions; d++) {
        prepare_half(layer, &layer->half[d]);
        layer->faint |= has_faint(layer->half[d].faint_x) || has_faint(layer->half[d].faint_h);
    }
    layer->lone.run = layer->faint ? gru_faint_stream : layer->backend->stream[layer->desc.tier];
}

static void turn(struct gru_step *s)
{
    float *const h = s->h;
    s->h = s->h_next;
    s->h_next = h;
    s->backward = !s->backward;
}

/* One row with a faint state. Where the reset comes before, s may be NaN nevertheless, by a bias of r or by x. */
static void step_faint(const struct gru_layer *layer, const struct gru_half *half, struct gru_step *s)
{
    const enum gru_tier tier = layer->desc.tier;
    s->cell = &half->mute;
    if (layer->desc.reset == GRU_RESET_BEFORE) {
        layer->backend->step[tier](s, 0, layer->groups);
        if (!gru_is_faint(s->s, layer->desc.hidden, half->faint_h))
            s->cell = &half->cell;
        layer->backend->candidate[tier](s, 0, layer->groups);
        turn(s);
    } else {
        layer->backend->steps[tier](s, 1);
    }
    s->cell = &half->cell;
}

/* How many rows from `row` on aren't faint. */
static size_t loud_rows(const struct gru_layer *layer, const struct gru_half *half, const struct gru_step *s,
                        size_t row)
{
    size_t n = 0;
    while (row + n < s->rows && !gru_is_faint(s->h + (row + n) * layer->h_row, layer->desc.hidden, half->faint_h))
        n++;
    return n;
}

/* Some rows of a step. */
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
    if (layer->desc.reset == GRU_RESET_BEFORE) {
        part.s += h;
        part.z += h;
    }
    return part;
}

static void step_rows(const struct gru_layer *layer, const struct gru_half *half, struct gru_step *now)
{
    const enum gru_tier tier = layer->desc.tier;
    size_t n = loud_rows(layer, half, now, 0);
    if (n == now->rows) {
        layer->backend->steps[tier](now, 1);
        return;
    }
    if (now->rows == 1) {
        step_faint(layer, half, now);
        return;
    }
    for (size_t row = 0; row < now->rows; row += n, n = loud_rows(layer, half, now, row)) {
        struct gru_step part = rows_of(layer, now, row, n ? n : 1);
        if (n)
            layer->backend->steps[tier](&part, 1);
        else
            step_faint(layer, half, &part);
        n = part.rows;
    }
    turn(now);
}

void gru_faint_steps(const struct gru_layer *layer, const struct gru_half *half, struct gru_step *now, size_t count)
{
    step_rows(layer, half, now);
    while (--count) {
        now->ax += now->rows * layer->ax_row;
        if (now->x)
            now->x += layer->x_row;
        now->y_shift += now->y_step;
        now->gate_shift += now->gate_step;
        step_rows(layer, half, now);
    }
}

/* The general way, for a reset before the product: the kernel couldn't look at s. */
static void stream_before(const struct gru_lone *lone, char *workspace, const float *x, const float *h0, float *y,
                          float *h_out, int faint_x)
{
    const struct gru_layer *layer = layer_of(lone);
    const struct gru_half *half = &layer->half[0];
    const size_t inputs = layer->desc.input, hidden = layer->desc.hidden;
    float *const clean_x = (float *)(workspace + lone->x);
    struct gru_step now = gru_lone_step(lone, &half->cell, workspace, y ? y : h_out);
    memset(now.h, 0, layer->groups * layer->backend->lanes * sizeof(float));
    layer->backend->clean(now.h, 0, h0, 0, 1, hidden);
    layer->backend->clean(clean_x, 0, x, 0, 1, inputs);
    if (faint_x)
        memset(clean_x, 0, inputs * sizeof(float));
    layer->backend->product(&half->input, 1, clean_x, 0, 0, layer->groups, now.ax, 0);
    step_faint(layer, half, &now);
    if (y && h_out)
        memcpy(h_out, now.h, hidden * sizeof(float));
}

void gru_faint_stream(const struct gru_lone *lone, char *workspace, const float *x, const float *h0, float *y,
                      float *h_out)
{
    const struct gru_layer *layer = layer_of(lone);
    const struct gru_half *half = &layer->half[0];
    const int faint_h = !h0 || gru_is_faint(h0, layer->desc.hidden, half->faint_h);
    const int faint_x =
        gru_is_faint(x, layer->desc.input, half->faint_x) && (faint_h || half->faint == GRU_FAINT_ALONE);
    struct gru_lone quiet = *lone;
    if (h0 && faint_h && layer->desc.reset == GRU_RESET_BEFORE) {
        stream_before(lone, workspace, x, h0, y, h_out, faint_x);
        return;
    }
    if (faint_x)
        quiet.input = &half->mute_input;
    if (h0 && faint_h)
        quiet.cell = &half->mute;
    layer->backend->stream[layer->desc.tier](&quiet, workspace, x, h0, y, h_out);
}
