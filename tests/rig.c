/* SPDX-License-Identifier: BSD-2-Clause */
/* rig.c: makes the arrays of a run, fills them with ordinary numbers, and compares what came out. */
#include "rig.h"

#include <math.h>
#include <string.h>

/* Tells a memory checker, if one is there, that these bytes hold nothing: a result that depends on them is reported. */
#if defined(__has_feature)
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define FORGET(memory, bytes) __msan_poison((memory), (bytes))
#endif
#endif
#if !defined(FORGET) && defined(__has_include)
#if __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#define FORGET(memory, bytes) (void)VALGRIND_MAKE_MEM_UNDEFINED((memory), (bytes))
#endif
#endif
#ifndef FORGET
#define FORGET(memory, bytes) (void)0
#endif

/* What makes the arrays: the rig's own generator, so that a rig neither depends on nor changes the test's. */
typedef struct maker {
    rig *r;
    const rig_memory *memory;
    uint64_t random;
} maker;

static uint64_t next(maker *m)
{
    uint64_t mixed = m->random += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ mixed >> 31;
}

static void *place(const maker *m, size_t bytes, size_t alignment, bool output, void **written)
{
    if (m->memory != NULL) {
        return m->memory->place(m->memory->context, bytes, alignment, output, written);
    }
    /* An end that touches the guard page has the alignment of its element only if the byte count does. */
    return *written = guarded_bytes(bytes, GUARD_AFTER, (alignment - bytes % alignment) % alignment);
}

static rig_floats place_floats(const maker *m, size_t count, bool output)
{
    void *written;
    rig_floats a = {.count = count};
    a.seen = place(m, count * sizeof(float), sizeof(float), output, &written);
    a.data = written;
    return a;
}

/* Multiples of 2^-20 of the range: no value is tiny unless it is zero. */
static rig_floats draw(maker *m, size_t count, float range)
{
    rig_floats a = place_floats(m, count, false);
    for (size_t i = 0; i < count; i++) {
        a.data[i] = range * ((float)(next(m) >> 43) * 0x1p-20f - 1.0f);
    }
    return a;
}

static void make_weights(maker *m, size_t d)
{
    rig *r = m->r;
    const gru_desc *desc = &r->shape.desc;
    size_t input = desc->input, hidden = desc->hidden;
    gru_weights *view = &r->views[d];
    *view = (gru_weights){.size = sizeof *view};
    for (size_t g = desc->reset == GRU_RESET_NONE ? GRU_Z : GRU_R; g <= GRU_N; g++) {
        bool candidate = g == GRU_N, six = desc->bias == GRU_BIAS_SIX;
        bool inside = six || (candidate && (desc->bias == GRU_BIAS_FOUR || desc->bias == GRU_BIAS_ONE_INSIDE));
        bool outside = desc->bias != GRU_BIAS_NONE && !(candidate && desc->bias == GRU_BIAS_ONE_INSIDE);
        r->w[d][g] = draw(m, hidden * input, 1.0f / sqrtf((float)input));
        r->u[d][g] = draw(m, hidden * hidden, 1.0f / sqrtf((float)hidden));
        view->w[g] = (gru_matrix){r->w[d][g].seen, (ptrdiff_t)input, 1};
        view->u[g] = (gru_matrix){r->u[d][g].seen, (ptrdiff_t)hidden, 1};
        if (outside) {
            r->bx[d][g] = draw(m, hidden, 0.5f);
            view->bx[g] = (gru_vector){r->bx[d][g].seen, 1};
        }
        if (inside) {
            r->bh[d][g] = draw(m, hidden, 0.5f);
            view->bh[g] = (gru_vector){r->bh[d][g].seen, 1};
        }
    }
}

static void make_lengths(maker *m)
{
    rig *r = m->r;
    void *written;
    r->io.lengths = place(m, r->shape.rows * sizeof(size_t), sizeof(size_t), false, &written);
    r->lengths = written;
    for (size_t b = 0; b < r->shape.rows; b++) {
        r->lengths[b] = (size_t)(next(m) % (r->shape.steps + 1));
    }
}

/* States stand backwards in a pool that has two more at its start. */
static void make_index(maker *m)
{
    rig *r = m->r;
    void *written;
    r->io.index = place(m, r->shape.rows * sizeof(size_t), sizeof(size_t), false, &written);
    r->io.index_count = r->shape.rows + 2;
    r->index = written;
    for (size_t b = 0; b < r->shape.rows; b++) {
        r->index[b] = r->shape.rows + 1 - b;
    }
}

static void make_mask(maker *m)
{
    rig *r = m->r;
    void *written;
    size_t count = r->shape.steps * r->shape.rows;
    r->io.reset_mask = place(m, count, 1, false, &written);
    r->mask = written;
    for (size_t i = 0; i < count; i++) {
        r->mask[i] = next(m) % 3 == 0;
    }
    r->io.reset_mask_step = (ptrdiff_t)r->shape.rows;
    r->io.reset_mask_row = 1;
}

static void set_states(maker *m)
{
    rig *r = m->r;
    const rig_shape *s = &r->shape;
    size_t hidden = s->desc.hidden, states = r->directions * (s->rows + (s->indexed ? 2 : 0)) * hidden;
    gru_state *state = &r->io.state;
    state->h_row = state->h0_row = state->reset_row = (ptrdiff_t)hidden;
    state->h_direction = state->h0_direction = (ptrdiff_t)(states / r->directions);
    state->reset_direction = (ptrdiff_t)(s->rows * hidden);
    if (!s->no_h0) {
        r->h0 = draw(m, states, 1.0f);
    }
    if (s->reset_state) {
        r->reset = draw(m, r->directions * s->rows * hidden, 1.0f);
    }
    if (!s->no_last) {
        r->h = place_floats(m, states, true);
    }
    bool in_place = s->in_place && !s->no_h0 && !s->no_last;
    state->h = s->no_last ? NULL : r->h.data;
    state->h0 = in_place ? state->h : r->h0.seen;
    state->reset = r->reset.seen;
    for (int g = s->desc.reset == GRU_RESET_NONE ? GRU_Z : GRU_R; g <= GRU_N && s->gates; g++) {
        r->gates[g] = place_floats(m, s->steps * s->rows * r->directions * hidden, true);
        state->gates[g] = r->gates[g].data;
    }
    state->gates_step = (ptrdiff_t)rig_at(r, 1, 0, r->directions * hidden);
    state->gates_row = (ptrdiff_t)rig_at(r, 0, 1, r->directions * hidden);
    state->gates_direction = (ptrdiff_t)hidden;
}

static void set_io(maker *m)
{
    rig *r = m->r;
    const rig_shape *s = &r->shape;
    r->io = (gru_io){.size = sizeof r->io, .steps = s->steps, .rows = s->rows, .pool = s->pool,
                     .reversed_output = s->computed_order};
    r->x = draw(m, s->steps * s->rows * s->desc.input, 1.5f);
    r->io.x = r->x.seen;
    r->io.x_step = (ptrdiff_t)rig_at(r, 1, 0, s->desc.input);
    r->io.x_row = (ptrdiff_t)rig_at(r, 0, 1, s->desc.input);
    if (!s->no_y) {
        r->y = place_floats(m, s->steps * s->rows * r->width, true);
        r->io.y = r->y.data;
    }
    r->io.y_step = (ptrdiff_t)rig_at(r, 1, 0, r->width);
    r->io.y_row = (ptrdiff_t)rig_at(r, 0, 1, r->width);
    set_states(m);
    if (s->ragged) {
        make_lengths(m);
    }
    if (s->indexed) {
        make_index(m);
    }
    if (s->masked) {
        make_mask(m);
    }
}

/* The layer and the workspace, whose ends are as exact as the alignment that they need lets them be. */
static enum gru_status make_layer(maker *m, gru_error *error)
{
    rig *r = m->r;
    void *written;
    size_t bytes = 0;
    enum gru_status status;
    if (m->memory == NULL) {
        status = gru_layer_create(&r->layer, &r->shape.desc, r->views, NULL, error);
    } else {
        status = gru_layer_bytes(&r->shape.desc, &bytes, error);
        if (status == GRU_OK) {
            void *memory = place(m, bytes, GRU_ALIGNMENT, true, &written);
            memset(written, 0xa5, bytes);
            status = gru_layer_place(&r->layer, &r->shape.desc, r->views, memory, bytes, error);
        }
    }
    if (status == GRU_OK) {
        status = gru_workspace_bytes(r->layer, r->shape.steps, r->shape.rows, &r->workspace_bytes, error);
    }
    if (status == GRU_OK) {
        r->workspace = place(m, r->workspace_bytes, 1, true, &written);
    }
    return status;
}

rig rig_make(const rig_shape *shape, const rig_memory *memory)
{
    rig r = {.shape = *shape};
    maker m = {&r, memory, shape->seed};
    r.shape.desc.size = sizeof r.shape.desc;
    r.directions = shape->desc.direction == GRU_BIDIRECTIONAL ? 2 : 1;
    r.width = r.directions == 2 && shape->desc.merge == GRU_MERGE_CONCAT ? 2 * shape->desc.hidden : shape->desc.hidden;
    for (size_t d = 0; d < r.directions; d++) {
        make_weights(&m, d);
    }
    set_io(&m);
    gru_error error = {0};
    if (!CHECK_STATUS(make_layer(&m, &error), GRU_OK, &error, "%s: the layer", rig_text(shape))) {
        r.layer = NULL;
    }
    return r;
}

static void forget(const rig_floats *a)
{
    if (a->data != NULL) {
        memset(a->data, 0xff, a->count * sizeof(float));
    }
}

static void leave_undefined(const rig_floats *a)
{
    if (a->data != NULL) {
        FORGET(a->data, a->count * sizeof(float));
    }
}

enum gru_status rig_call(const rig *r)
{
    return gru_run(r->layer, &r->io, r->workspace, r->workspace_bytes, NULL);
}

enum gru_status rig_run(rig *r, gru_error *error)
{
    forget(&r->y);
    forget(&r->h);
    for (int g = 0; g < 3; g++) {
        forget(&r->gates[g]);
    }
    if (r->io.state.h != NULL && r->io.state.h0 == r->io.state.h) {
        memcpy(r->h.data, r->h0.data, r->h.count * sizeof(float));
    }
    memset(r->workspace, 0xff, r->workspace_bytes);
    FORGET(r->workspace, r->workspace_bytes);
    leave_undefined(&r->y);
    for (int g = 0; g < 3; g++) {
        leave_undefined(&r->gates[g]);
    }
    return gru_run(r->layer, &r->io, r->workspace, r->workspace_bytes, error);
}

void rig_free(rig *r)
{
    gru_layer_destroy(r->layer);
    r->layer = NULL;
}

bool rig_same(const rig *got, const rig *want, const char *what)
{
    static const char *const names[3] = {[GRU_R] = "r", [GRU_Z] = "z", [GRU_N] = "n"};
    bool same = true;
    if (got->y.data != NULL && want->y.data != NULL) {
        same &= CHECK_BITS(got->y.data, want->y.data, got->y.count, "%s, %s: y", rig_text(&got->shape), what);
    }
    if (got->h.data != NULL && want->h.data != NULL) {
        same &= CHECK_BITS(got->h.data, want->h.data, got->h.count, "%s, %s: h", rig_text(&got->shape), what);
    }
    for (int g = 0; g < 3; g++) {
        if (got->gates[g].data != NULL && want->gates[g].data != NULL) {
            same &= CHECK_BITS(got->gates[g].data, want->gates[g].data, got->gates[g].count, "%s, %s: %s",
                               rig_text(&got->shape), what, names[g]);
        }
    }
    return same;
}

static bool one_in(size_t n)
{
    return check_below(n) == 0;
}

rig_shape rig_random(const gru_backend *backend, size_t input, size_t hidden, size_t steps, size_t rows)
{
    rig_shape s = {.seed = check_random()};
    gru_desc *d = &s.desc;
    *d = (gru_desc){.size = sizeof *d, .input = 1 + check_below(input), .hidden = 1 + check_below(hidden),
                    .backend = backend};
    s.steps = check_below(steps + 1);
    s.rows = check_below(rows + 1);
    d->reset = (enum gru_reset)check_below(3);
    d->update = (enum gru_update)check_below(2);
    d->bias = (enum gru_bias)check_below(5);
    d->direction = (enum gru_direction)check_below(3);
    d->merge = (enum gru_merge)check_below(2);
    d->gates = one_in(4) ? GRU_GATES_HARD_SIGMOID : GRU_GATES_SIGMOID;
    d->clip = one_in(4) ? 0.75f : 0.0f;
    d->tier = (enum gru_tier)check_below(4);
    if (gru_sigmoid(check_scalar(), d->tier, 0, NULL, NULL, NULL) != GRU_OK) {
        d->tier = GRU_TIER_FAST;
    }
    s.ragged = one_in(2);
    s.indexed = one_in(3);
    s.masked = one_in(3);
    s.reset_state = one_in(2);
    s.gates = one_in(3);
    s.in_place = one_in(3);
    s.batch_major = one_in(2);
    s.computed_order = one_in(4);
    s.no_h0 = one_in(4);
    s.no_last = one_in(6);
    s.no_y = one_in(6);
    return s;
}

size_t rig_length(const rig *r, size_t b)
{
    return r->lengths != NULL ? r->lengths[b] : r->shape.steps;
}

size_t rig_at(const rig *r, size_t t, size_t b, size_t width)
{
    const rig_shape *s = &r->shape;
    return (s->batch_major ? b * s->steps + t : t * s->rows + b) * width;
}

const char *rig_text(const rig_shape *s)
{
    static char text[400];
    const gru_desc *d = &s->desc;
    snprintf(text, sizeof text, "%s I=%zu H=%zu T=%zu B=%zu reset %d update %d bias %d direction %d/%d gates %d clip %g "
             "tier %d%s%s%s%s%s%s%s%s%s%s%s seed %llx", d->backend ? gru_backend_name(d->backend) : "any", d->input,
             d->hidden, s->steps, s->rows, (int)d->reset, (int)d->update, (int)d->bias, (int)d->direction, (int)d->merge,
             (int)d->gates, (double)d->clip, (int)d->tier, s->ragged ? ", ragged" : "", s->indexed ? ", index" : "",
             s->masked ? ", mask" : "", s->reset_state ? ", reset state" : "", s->gates ? ", gates" : "",
             s->in_place ? ", in place" : "", s->batch_major ? ", batch-major" : "",
             s->computed_order ? ", computed order" : "", s->no_h0 ? ", no h0" : "", s->no_last ? ", no last" : "",
             s->no_y ? ", no y" : "", (unsigned long long)s->seed);
    return text;
}
