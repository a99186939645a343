/* SPDX-License-Identifier: BSD-2-Clause */
/* test_poison.c: NaN and infinity show where the arithmetic takes them, and nowhere else. */
#include "rig.h"

#include <math.h>
#include <string.h>

/* A signalling NaN, a quiet one of each sign, both infinities, and the largest finite number. */
static const uint32_t poisons[] = {0x7f800001, 0x7fc00000, 0xffc12345, 0x7f800000, 0xff800000, 0x7f7fffff};
enum { POISONS = sizeof poisons / sizeof poisons[0], NANS = 3 };

static float poison(size_t i)
{
    return check_float_of(poisons[i]);
}

/* Whether the floats of one row are the same in both; the row's own bits may differ in `except` alone. */
static void check_others(const rig *got, const rig *want, size_t except)
{
    const rig_shape *s = &got->shape;
    for (size_t b = 0; b < s->rows; b++) {
        if (b == except) {
            continue;
        }
        for (size_t t = 0; t < s->steps && got->y.data != NULL; t++) {
            size_t at = rig_at(got, t, b, got->width);
            CHECK_BITS(got->y.data + at, want->y.data + at, got->width, "%s: row %zu was poisoned, y of row %zu", rig_text(s),
                       except, b);
        }
        for (int g = 0; g < 3; g++) {
            size_t width = got->directions * s->desc.hidden;
            for (size_t t = 0; t < s->steps && got->gates[g].data != NULL; t++) {
                size_t at = rig_at(got, t, b, width);
                CHECK_BITS(got->gates[g].data + at, want->gates[g].data + at, width, "%s: gate %d of row %zu", rig_text(s), g,
                           b);
            }
        }
        for (size_t d = 0; d < got->directions && got->h.data != NULL; d++) {
            size_t at = d * got->h.count / got->directions + (got->index ? got->index[b] : b) * s->desc.hidden;
            CHECK_BITS(got->h.data + at, want->h.data + at, s->desc.hidden, "%s: row %zu was poisoned, h of row %zu",
                       rig_text(s), except, b);
        }
    }
}

/* How many of a row's last states are NaN. */
static size_t count_nan(const rig *r, size_t b, size_t d)
{
    size_t count = 0, at = d * r->h.count / r->directions + (r->index ? r->index[b] : b) * r->shape.desc.hidden;
    for (size_t j = 0; j < r->shape.desc.hidden; j++) {
        count += isnan(r->h.data[at + j]) != 0;
    }
    return count;
}

/* Where in x or h0 of row b a poison goes: a step and a feature that are read, or a unit of some direction. */
static void poison_row(rig *r, size_t b, float value, uint64_t choice)
{
    const rig_shape *s = &r->shape;
    if (r->h0.data != NULL && choice % 2 == 0) {
        size_t d = (size_t)(choice >> 8) % r->directions, unit = (size_t)(choice >> 16) % s->desc.hidden;
        r->h0.data[d * r->h0.count / r->directions + (r->index ? r->index[b] : b) * s->desc.hidden + unit] = value;
    } else {
        size_t t = (size_t)(choice >> 8) % rig_length(r, b), k = (size_t)(choice >> 16) % s->desc.input;
        r->x.data[rig_at(r, t, b, s->desc.input) + k] = value;
    }
}

/* The same shape three times: as it is, poisoned, and poisoned on the scalar back end. */
static void compare_rows(rig *clean, rig *dirty, rig *exact, size_t i)
{
    const rig_shape *shape = &dirty->shape;
    size_t b = check_below(shape->rows);
    uint64_t choice = check_random();
    if (rig_length(dirty, b) == 0) {
        return; /* nothing of it is read */
    }
    poison_row(dirty, b, poison(i % POISONS), choice);
    poison_row(exact, b, poison(i % POISONS), choice);
    CHECK(rig_run(clean, NULL) == GRU_OK && rig_run(dirty, NULL) == GRU_OK && rig_run(exact, NULL) == GRU_OK, "runs");
    check_others(dirty, clean, b);
    rig_same(dirty, exact, "poisoned, against scalar");
    bool whole = shape->desc.direction != GRU_BIDIRECTIONAL && !shape->masked && dirty->h.data != NULL;
    if (i % POISONS < NANS && whole) {
        CHECK(count_nan(dirty, b, 0) == shape->desc.hidden, "%s: NaN in row %zu is NaN in each of its last states",
              rig_text(shape), b);
    }
}

/* In one x or h of one row: its row alone, as scalar says, and a NaN for good unless the state is reset. */
void test_poison_rows(void)
{
    for (size_t i = 0; i < 240; i++) {
        if (!check_turn(i, 4)) {
            continue;
        }
        rig_shape shape = rig_random(check_this(), 40, 40, 5, 6), exact_shape = shape;
        exact_shape.desc.backend = check_scalar();
        shape.steps += shape.steps == 0;
        shape.rows += shape.rows == 0;
        exact_shape.steps = shape.steps;
        exact_shape.rows = shape.rows;
        rig clean = rig_make(&shape, NULL), dirty = rig_make(&shape, NULL), exact = rig_make(&exact_shape, NULL);
        if (clean.layer != NULL && dirty.layer != NULL && exact.layer != NULL) {
            compare_rows(&clean, &dirty, &exact, i);
        }
        rig_free(&clean);
        rig_free(&dirty);
        rig_free(&exact);
        guarded_free_all();
    }
}

/* One weight or bias; which, `choice` says. */
static void poison_weight(rig *r, float value, uint64_t choice)
{
    rig_floats *arrays[4][2] = {{r->w[0], r->w[1]}, {r->u[0], r->u[1]}, {r->bx[0], r->bx[1]}, {r->bh[0], r->bh[1]}};
    for (size_t try = 0; try < 24; try++) {
        size_t at = ((size_t)(choice & 0xff) + try) % 24;
        rig_floats *a = &arrays[at % 4][at / 4 % 2][at / 8];
        if (a->data != NULL) {
            a->data[(size_t)(choice >> 8) % a->count] = value;
            break;
        }
    }
    CHECK(gru_layer_repack(r->layer, r->views, NULL) == GRU_OK, "packed anew");
}

/* In a weight or a bias: as scalar says, in each row that has steps. */
void test_poison_weights(void)
{
    for (size_t i = 0; i < 240; i++) {
        if (!check_turn(i, 4)) {
            continue;
        }
        rig_shape shape = rig_random(check_this(), 40, 40, 4, 6), exact_shape = shape;
        exact_shape.desc.backend = check_scalar();
        rig dirty = rig_make(&shape, NULL), exact = rig_make(&exact_shape, NULL);
        if (dirty.layer == NULL || exact.layer == NULL) {
            continue;
        }
        uint64_t choice = check_random();
        poison_weight(&dirty, poison(i % POISONS), choice);
        poison_weight(&exact, poison(i % POISONS), choice);
        CHECK(rig_run(&dirty, NULL) == GRU_OK && rig_run(&exact, NULL) == GRU_OK, "runs");
        rig_same(&dirty, &exact, "a poisoned weight, against scalar");
        for (size_t b = 0; b < shape.rows && dirty.h.data != NULL && i % POISONS < NANS; b++) {
            size_t found = 0;
            for (size_t d = 0; d < dirty.directions; d++) {
                found += count_nan(&dirty, b, d);
            }
            CHECK(found > 0 || rig_length(&dirty, b) == 0 || shape.masked, "%s: no NaN in row %zu", rig_text(&shape), b);
        }
        rig_free(&dirty);
        rig_free(&exact);
        guarded_free_all();
    }
}

/* x past a row's length, states of the pool that no row has, the resets of rows that aren't reset. */
static void poison_unread(rig *r, float value)
{
    const rig_shape *s = &r->shape;
    for (size_t b = 0; b < s->rows; b++) {
        for (size_t t = rig_length(r, b); t < s->steps; t++) {
            for (size_t k = 0; k < s->desc.input; k++) {
                r->x.data[rig_at(r, t, b, s->desc.input) + k] = value;
            }
        }
        bool is_reset = false;
        for (size_t t = 0; t < rig_length(r, b) && r->mask != NULL; t++) {
            is_reset |= r->mask[t * s->rows + b] != 0;
        }
        for (size_t j = 0; !is_reset && r->reset.data != NULL && j < r->directions * s->desc.hidden; j++) {
            size_t d = j / s->desc.hidden;
            r->reset.data[(d * s->rows + b) * s->desc.hidden + j % s->desc.hidden] = value;
        }
        for (size_t t = rig_length(r, b); t < s->steps && r->mask != NULL; t++) {
            r->mask[t * s->rows + b] = 1;
        }
    }
    for (size_t d = 0; d < r->directions && s->indexed && r->h0.data != NULL; d++) {
        float *pool = r->h0.data + d * r->h0.count / r->directions;
        for (size_t j = 0; j < 2 * s->desc.hidden; j++) {
            pool[j] = value;
        }
    }
}

static void check_strangers(const rig *r, float value)
{
    bool in_place = r->io.state.h != NULL && r->io.state.h == r->io.state.h0;
    for (size_t d = 0; d < r->directions && r->shape.indexed && r->h.data != NULL; d++) {
        const float *pool = r->h.data + d * r->h.count / r->directions;
        for (size_t j = 0; j < 2 * r->shape.desc.hidden; j++) {
            CHECK(check_bits_of(pool[j]) == (in_place ? check_bits_of(value) : 0xffffffff), "a state that no row has was written");
        }
    }
}

/* What a run doesn't have to look at, and whatever the workspace held before: nowhere. */
void test_poison_unread(void)
{
    for (size_t i = 0; i < 240; i++) {
        if (!check_turn(i, 4)) {
            continue;
        }
        rig_shape shape = rig_random(check_this(), 40, 40, 5, 6);
        shape.ragged = true;
        rig clean = rig_make(&shape, NULL), dirty = rig_make(&shape, NULL);
        if (clean.layer == NULL || dirty.layer == NULL) {
            continue;
        }
        float value = poison(i % POISONS);
        poison_unread(&dirty, value);
        CHECK(rig_run(&clean, NULL) == GRU_OK && rig_run(&dirty, NULL) == GRU_OK, "runs");
        check_strangers(&dirty, value);
        /* The strangers' own poison is not a difference. */
        for (size_t d = 0; d < clean.directions && shape.indexed && clean.h.data != NULL; d++) {
            size_t at = d * clean.h.count / clean.directions;
            memcpy(clean.h.data + at, dirty.h.data + at, 2 * shape.desc.hidden * sizeof(float));
        }
        rig_same(&dirty, &clean, "poison where nobody looks");
        bool again = !(dirty.io.state.h != NULL && dirty.io.state.h == dirty.io.state.h0);
        for (int fill = 0; fill < 3 && again; fill++) {
            float *words = dirty.workspace;
            memset(dirty.workspace, fill == 0 ? 0 : 0x7f, dirty.workspace_bytes);
            for (size_t k = 0; fill == 2 && k < dirty.workspace_bytes / sizeof(float); k++) {
                memcpy(words + k, &value, sizeof value);
            }
            CHECK(rig_call(&dirty) == GRU_OK, "again");
            rig_same(&dirty, &clean, "another workspace");
        }
        rig_free(&clean);
        rig_free(&dirty);
        guarded_free_all();
    }
}
