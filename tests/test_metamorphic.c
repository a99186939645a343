/* SPDX-License-Identifier: BSD-2-Clause */
/* test_metamorphic.c: one run, done over in random other ways that must give the same bits. */
#include "rig.h"
#include "tally.h"

#include <stdlib.h>
#include <string.h>

/*
 * A base run is one of the scalar back end, time-major and in one thread. Another way is any choice of: back end, threads from 1
 * to 8 on however few cores, some of the rows in another order, cuts in time, layout, gaps, alignment. The environment variable
 * GRU_COMPARISONS says how many ways are tried; the record of 10^6 is in tests/README.md.
 */
enum { WAYS_PER_BASE = 25, MOST_STEPS = 8, MOST_ROWS = 9, MOST_BACKENDS = 4 };

/* Room for the largest arrays, taken from at the way's own alignments. */
typedef struct scratch {
    float *memory;
    size_t size, used;
} scratch;

static float *take(scratch *s, size_t count)
{
    float *at = s->memory + s->used + check_below(16);
    s->used += count + 16;
    if (s->used > s->size) {
        abort();
    }
    memset(at, 0xff, count * sizeof(float));
    return at;
}

typedef struct base {
    rig r;
    gru_layer *layers[MOST_BACKENDS];
    size_t backends;
} base;

/* One other way: rows order[0 .. rows - 1] of the base; cuts ascending, the last is the number of steps. */
typedef struct other {
    const base *b;
    const gru_layer *layer;
    const gru_pool *pool;
    size_t order[MOST_ROWS], rows, cuts[MOST_STEPS + 1], cut_count;
    float *x, *y, *h, *reset, *gates[3];
    size_t x_step, x_row, y_step, y_row, gates_step, gates_row;
    uint8_t mask[MOST_STEPS * MOST_ROWS];
} other;

static void lay(const other *o, size_t width, size_t *step, size_t *row)
{
    size_t gap = check_below(3), batch_major = check_below(2);
    *step = batch_major ? width + gap : (width + gap) * o->rows + gap;
    *row = batch_major ? (width + gap) * o->b->r.shape.steps + gap : width + gap;
}

static size_t extent(const other *o, size_t step, size_t row)
{
    return o->b->r.shape.steps * step + o->rows * row + 16;
}

/* The base's rows in their new order and layout; the state goes from h to h. */
static void lay_out(other *o, scratch *s)
{
    const rig *r = &o->b->r;
    const rig_shape *shape = &r->shape;
    size_t input = shape->desc.input, hidden = shape->desc.hidden, states = r->directions * o->rows * hidden;
    lay(o, input, &o->x_step, &o->x_row);
    lay(o, r->width, &o->y_step, &o->y_row);
    lay(o, r->directions * hidden, &o->gates_step, &o->gates_row);
    o->x = take(s, extent(o, o->x_step, o->x_row));
    o->y = take(s, extent(o, o->y_step, o->y_row));
    o->h = take(s, states);
    o->reset = take(s, states);
    for (int g = 0; g < 3; g++) {
        o->gates[g] = r->gates[g].data ? take(s, extent(o, o->gates_step, o->gates_row)) : NULL;
    }
    for (size_t i = 0; i < o->rows; i++) {
        size_t b = o->order[i];
        for (size_t t = 0; t < shape->steps; t++) {
            memcpy(o->x + t * o->x_step + i * o->x_row, r->x.data + rig_at(r, t, b, input), input * sizeof(float));
            o->mask[t * o->rows + i] = r->mask ? r->mask[t * shape->rows + b] : 0;
        }
        for (size_t d = 0; d < r->directions; d++) {
            size_t to = (d * o->rows + i) * hidden, from = (d * shape->rows + b) * hidden;
            memcpy(o->h + to, r->h0.data + from, hidden * sizeof(float));
            if (r->reset.data != NULL) {
                memcpy(o->reset + to, r->reset.data + from, hidden * sizeof(float));
            }
        }
    }
}

/* Steps from .. end - 1; false if the call fails. */
static bool call(const other *o, size_t from, size_t end, void *workspace, size_t bytes)
{
    const rig *r = &o->b->r;
    size_t hidden = r->shape.desc.hidden, lengths[MOST_ROWS];
    for (size_t i = 0; i < o->rows; i++) {
        size_t length = rig_length(r, o->order[i]);
        length = length > from ? length - from : 0;
        lengths[i] = length < end - from ? length : end - from;
    }
    gru_io io = {.size = sizeof io, .steps = end - from, .rows = o->rows, .pool = o->pool, .lengths = r->lengths ? lengths : NULL,
                 .reversed_output = r->io.reversed_output, .steps_before = from};
    io.x = o->x + from * o->x_step;
    io.x_step = (ptrdiff_t)o->x_step;
    io.x_row = (ptrdiff_t)o->x_row;
    io.y = o->y + from * o->y_step;
    io.y_step = (ptrdiff_t)o->y_step;
    io.y_row = (ptrdiff_t)o->y_row;
    io.reset_mask = r->mask ? o->mask + from * o->rows : NULL;
    io.reset_mask_step = (ptrdiff_t)o->rows;
    io.reset_mask_row = 1;
    gru_state *state = &io.state;
    state->h0 = state->h = o->h;
    state->h0_row = state->h_row = state->reset_row = (ptrdiff_t)hidden;
    state->h0_direction = state->h_direction = state->reset_direction = (ptrdiff_t)(o->rows * hidden);
    state->reset = r->reset.data ? o->reset : NULL;
    for (int g = 0; g < 3; g++) {
        state->gates[g] = o->gates[g] ? o->gates[g] + from * o->gates_step : NULL;
    }
    state->gates_step = (ptrdiff_t)o->gates_step;
    state->gates_row = (ptrdiff_t)o->gates_row;
    state->gates_direction = (ptrdiff_t)hidden;
    gru_error error = {0};
    return CHECK(gru_run(o->layer, &io, workspace, bytes, &error) == GRU_OK, "%s: %s", rig_text(&r->shape), error.text);
}

static bool run(const other *o, scratch *s)
{
    size_t bytes = 0;
    if (gru_workspace_bytes(o->layer, o->b->r.shape.steps, o->rows, &bytes, NULL) != GRU_OK) {
        return CHECK(false, "the workspace");
    }
    char *workspace = (char *)take(s, bytes / sizeof(float) + 2) + check_below(4);
    bool reverse = o->b->r.shape.desc.direction == GRU_REVERSE;
    for (size_t i = 0; i < o->cut_count; i++) {
        size_t k = reverse ? o->cut_count - 1 - i : i;
        if (!call(o, k ? o->cuts[k - 1] : 0, o->cuts[k], workspace, bytes)) {
            return false;
        }
    }
    return true;
}

static bool rows_same(const other *o)
{
    const rig *r = &o->b->r;
    const rig_shape *shape = &r->shape;
    size_t hidden = shape->desc.hidden, wrong = 0;
    for (size_t i = 0; i < o->rows; i++) {
        size_t b = o->order[i];
        for (size_t t = 0; t < shape->steps; t++) {
            wrong += memcmp(o->y + t * o->y_step + i * o->y_row, r->y.data + rig_at(r, t, b, r->width),
                            r->width * sizeof(float)) != 0;
            for (int g = 0; g < 3; g++) {
                size_t width = r->directions * hidden;
                wrong += o->gates[g] != NULL && memcmp(o->gates[g] + t * o->gates_step + i * o->gates_row,
                                                       r->gates[g].data + rig_at(r, t, b, width), width * sizeof(float)) != 0;
            }
        }
        for (size_t d = 0; d < r->directions; d++) {
            wrong += memcmp(o->h + (d * o->rows + i) * hidden, r->h.data + (d * shape->rows + b) * hidden,
                            hidden * sizeof(float)) != 0;
        }
    }
    gru_desc desc = {.size = sizeof desc};
    gru_layer_describe(o->layer, &desc, NULL);
    return CHECK(wrong == 0, "%s: %zu rows of outputs differ on %s, %zu of the rows, %zu calls, %zu threads", rig_text(shape), wrong,
                 gru_backend_name(desc.backend), o->rows, o->cut_count, o->pool ? o->pool->threads : 1);
}

/* Some of the rows, shuffled. */
static void draw_rows(other *o)
{
    size_t all = o->b->r.shape.rows;
    for (size_t i = 0; i < all; i++) {
        size_t k = check_below(i + 1);
        o->order[i] = o->order[k];
        o->order[k] = i;
    }
    o->rows = check_below(3) == 0 ? 1 + check_below(all) : all;
}

/* The two directions meet at opposite ends, and a computed order is that of one call, so those aren't cut. */
static void draw_cuts(other *o)
{
    const rig *r = &o->b->r;
    bool whole = r->directions == 2 || r->io.reversed_output || check_below(2) != 0;
    for (size_t t = 1; t < r->shape.steps && !whole; t++) {
        if (check_below(2) == 0) {
            o->cuts[o->cut_count++] = t;
        }
    }
    o->cuts[o->cut_count++] = r->shape.steps;
}

static bool base_make(base *b)
{
    rig_shape shape = rig_random(check_scalar(), 40, check_below(8) == 0 ? 150 : 50, MOST_STEPS - 1, MOST_ROWS - 1);
    shape.steps++;
    shape.rows++;
    shape.indexed = shape.in_place = shape.batch_major = shape.no_h0 = shape.no_last = shape.no_y = false;
    *b = (base){.r = rig_make(&shape, NULL)};
    if (b->r.layer == NULL || rig_run(&b->r, NULL) != GRU_OK) {
        return CHECK(false, "%s: no base", rig_text(&shape));
    }
    for (size_t i = 0; check_backend(i) != NULL && i < MOST_BACKENDS; i++) {
        gru_desc desc = shape.desc;
        desc.backend = check_backend(i);
        if (gru_layer_create(&b->layers[i], &desc, b->r.views, NULL, NULL) == GRU_OK) {
            b->backends++;
        }
    }
    return CHECK(b->backends > 0, "%s: no layers", rig_text(&shape));
}

static void base_free(base *b)
{
    for (size_t i = 0; i < MOST_BACKENDS; i++) {
        gru_layer_destroy(b->layers[i]);
    }
    rig_free(&b->r);
    guarded_free_all();
}

void test_metamorphic(void)
{
    const char *asked = getenv("GRU_COMPARISONS");
    size_t ways = asked ? (size_t)strtoull(asked, NULL, 10) : check_long() ? 1000000 : 10000;
    scratch s = {.size = 1 << 20};
    s.memory = malloc(s.size * sizeof(float));
    gru_team *teams[8] = {NULL};
    tally tallies[8] = {0};
    gru_pool pools[8];
    for (size_t i = 0; i < 8; i++) {
        CHECK(gru_team_create(&teams[i], i + 1, NULL, NULL) == GRU_OK, "a team of %zu", i + 1);
        pools[i] = tally_team(&tallies[i], teams[i]);
    }
    base b;
    for (size_t i = 0; i < ways && s.memory != NULL; i++) {
        if (!check_turn(i / WAYS_PER_BASE, 20)) {
            continue;
        }
        if (i % WAYS_PER_BASE == 0 && !base_make(&b)) {
            break;
        }
        other o = {.b = &b, .layer = b.layers[check_below(b.backends)]};
        const size_t threads = check_below(8);
        o.pool = check_below(4) ? NULL : check_below(4) ? &pools[threads] : gru_team_pool(teams[threads]);
        draw_rows(&o);
        draw_cuts(&o);
        s.used = 0;
        lay_out(&o, &s);
        if (run(&o, &s)) {
            rows_same(&o);
        }
        if (i % WAYS_PER_BASE == WAYS_PER_BASE - 1 || i + 1 == ways) {
            base_free(&b);
        }
    }
    for (size_t i = 0; i < 8; i++) {
        gru_team_destroy(teams[i]);
    }
    free(s.memory);
}
