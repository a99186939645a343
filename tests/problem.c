/* SPDX-License-Identifier: BSD-2-Clause */
/* problem.c: draws the numbers of a problem, and says where each stands. */
#include "problem.h"
#include "check.h"

#include <math.h>
#include <string.h>

/* Subnormals, the border of what a layer reads as zero from both sides, and both zeros; of either sign. */
static float tiny(void)
{
    static const uint32_t bits[] = {0x00000000, 0x00000001, 0x007fffff,     0x00800000, 0x1f800000,
                                    0x20800000, 0x24000000, LEAST_BITS - 1, LEAST_BITS, LEAST_BITS + 1};
    uint32_t sign = check_below(2) ? 0x80000000 : 0;
    return check_float_of(bits[check_below(sizeof bits / sizeof bits[0])] | sign);
}

static float *draw(const problem_shape *shape, size_t n, float range)
{
    float *array = guarded_floats(n, GUARD_AFTER, 0);
    check_fill(array, n, -range, range);
    for (size_t i = 0; shape->tiny && i < n; i++) {
        if (check_below(8) == 0) {
            array[i] = tiny();
        }
    }
    return array;
}

/* Weights of +-1 / sqrt(columns) keep pre-activations near where the activations bend, as trained ones do. */
static void draw_weights(problem *p, size_t d)
{
    const problem_shape *s = &p->shape;
    for (int g = s->reset == RESET_NOTHING ? PROBLEM_UPDATE : PROBLEM_RESET; g <= PROBLEM_CANDIDATE; g++) {
        bool candidate = g == PROBLEM_CANDIDATE;
        bool outside = s->bias != BIAS_0 && !(s->bias == BIAS_3_INSIDE && candidate);
        bool inside = s->bias == BIAS_6 || (candidate && (s->bias == BIAS_4 || s->bias == BIAS_3_INSIDE));
        p->w[d][g] = draw(s, s->hidden * s->input, 1.0f / sqrtf((float)s->input));
        p->u[d][g] = draw(s, s->hidden * s->hidden, 1.0f / sqrtf((float)s->hidden));
        p->bx[d][g] = outside ? draw(s, s->hidden, 0.5f) : NULL;
        p->bh[d][g] = inside ? draw(s, s->hidden, 0.5f) : NULL;
    }
}

/* Always some row of full length and, with three rows, one of length 0; equal lengths happen by themselves. */
static void draw_lengths(problem *p)
{
    const problem_shape *s = &p->shape;
    p->lengths = guarded_bytes(s->rows * sizeof(size_t), GUARD_AFTER, 0);
    for (size_t b = 0; b < s->rows; b++) {
        p->lengths[b] = check_below(s->steps + 1);
    }
    if (s->rows > 0) {
        p->lengths[check_below(s->rows)] = s->steps;
    }
    if (s->rows > 2) {
        p->lengths[check_below(s->rows)] = 0;
    }
    for (size_t b = 0; b < s->rows; b++) {
        for (size_t t = p->lengths[b]; t < s->steps; t++) {
            memset(p->x + at_x(p, t, b), 0xff, s->input * sizeof(float));
        }
    }
}

problem problem_make(const problem_shape *shape)
{
    const problem_shape *s = shape;
    bool both = s->way == WAY_BOTH || s->way == WAY_BOTH_SUM;
    problem p = {.shape = *shape, .directions = both ? 2 : 1, .width = s->way == WAY_BOTH ? 2 * s->hidden : s->hidden};
    p.alpha = s->own_slope ? 0.3125f : 0.2f;
    p.beta = s->own_slope ? 0.4375f : 0.5f;
    p.clip = s->clipped ? 0.75f : 0.0f;
    for (size_t d = 0; d < p.directions; d++) {
        draw_weights(&p, d);
    }
    p.x = draw(s, s->steps * s->rows * s->input, 1.5f);
    p.h0 = s->initial ? draw(s, count_last(&p), 1.0f) : NULL;
    p.reset_to = s->reset_state ? draw(s, count_last(&p), 1.0f) : NULL;
    if (s->ragged) {
        draw_lengths(&p);
    }
    if (s->masked) {
        p.mask = guarded_bytes(s->steps * s->rows, GUARD_AFTER, 0);
        for (size_t i = 0; i < s->steps * s->rows; i++) {
            p.mask[i] = check_below(3) == 0 ? (uint8_t)(1 + check_below(255)) : 0;
        }
    }
    return p;
}

answer answer_make(const problem *p)
{
    answer a;
    a.y = guarded_floats(count_y(p), GUARD_AFTER, 0);
    a.last = guarded_floats(count_last(p), GUARD_AFTER, 0);
    for (int g = 0; g < 3; g++) {
        a.gates[g] = guarded_floats(count_gate(p), GUARD_AFTER, 0);
    }
    return a;
}

void answer_check(const problem *p, const answer *want, const answer *got, const char *what)
{
    static const char *const names[3] = {"r", "z", "n"};
    if (got->y != NULL) {
        CHECK_BITS(got->y, want->y, count_y(p), "%s, %s: y", problem_text(p), what);
    }
    if (got->last != NULL) {
        CHECK_BITS(got->last, want->last, count_last(p), "%s, %s: last", problem_text(p), what);
    }
    for (int g = p->shape.reset == RESET_NOTHING; g < 3; g++) {
        if (got->gates[g] != NULL) {
            CHECK_BITS(got->gates[g], want->gates[g], count_gate(p), "%s, %s: %s", problem_text(p), what, names[g]);
        }
    }
}

size_t problem_length(const problem *p, size_t row)
{
    return p->lengths ? p->lengths[row] : p->shape.steps;
}

size_t at_x(const problem *p, size_t step, size_t row)
{
    return (step * p->shape.rows + row) * p->shape.input;
}

size_t at_y(const problem *p, size_t step, size_t row, size_t direction)
{
    return (step * p->shape.rows + row) * p->width + (p->shape.way == WAY_BOTH ? direction * p->shape.hidden : 0);
}

size_t at_state(const problem *p, size_t row, size_t direction)
{
    return (direction * p->shape.rows + row) * p->shape.hidden;
}

size_t at_gate(const problem *p, size_t step, size_t row, size_t direction)
{
    return ((step * p->shape.rows + row) * p->directions + direction) * p->shape.hidden;
}

size_t count_y(const problem *p)
{
    return p->shape.steps * p->shape.rows * p->width;
}

size_t count_last(const problem *p)
{
    return p->directions * p->shape.rows * p->shape.hidden;
}

size_t count_gate(const problem *p)
{
    return p->shape.steps * p->shape.rows * p->directions * p->shape.hidden;
}

const char *problem_text(const problem *p)
{
    static char text[400];
    static const char *const resets[] = {"reset after", "reset before", "no reset"};
    static const char *const biases[] = {"no bias", "3H outside", "3H inside", "4H", "6H"};
    static const char *const ways[] = {"forward", "reverse", "both", "both summed"};
    const problem_shape *s = &p->shape;
    snprintf(text, sizeof text, "I=%zu H=%zu T=%zu B=%zu, %s, %s, %s, %s, tier %d%s%s%s%s%s%s%s%s%s", s->input,
             s->hidden, s->steps, s->rows, resets[s->reset], s->replace ? "replace" : "keep", biases[s->bias],
             ways[s->way], (int)s->tier, s->hard ? ", hard" : "", s->own_slope ? ", own slope" : "",
             s->clipped ? ", clip" : "", s->ragged ? ", ragged" : "", s->initial ? ", h0" : "",
             s->masked ? ", mask" : "", s->reset_state ? ", reset state" : "",
             s->computed_order ? ", computed order" : "", s->tiny ? ", tiny" : "");
    return text;
}
