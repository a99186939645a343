/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_run.c: the runs of the fuzz target: any layout, lengths, indices, masks, pools and stacks, on all back ends
 * alike. */
#include "fuzz.h"

/* Rows of floats at two strides in memory that holds them exactly. */
typedef struct rows {
    float *memory;
    size_t count, start;
    ptrdiff_t step, row;
    bool overlap; /* as an output it must be refused */
} rows;

/* Up to sixfold they still are numbers. */
static const ptrdiff_t wild[] = {PTRDIFF_MIN / 16, PTRDIFF_MAX / 16, -1, 0, PTRDIFF_MIN / 32, PTRDIFF_MAX / 32 + 1, 1, -7};

/* Strides for T x B rows of `width`: time- or batch-major, with gaps, backwards. One that is never used may be
 * anything. */
static rows lay_out(input *in, size_t steps, size_t count, size_t width)
{
    unsigned how = byte(in);
    size_t gap = how >> 2 & 3, near = width + gap, far = near * ((how & 1) ? steps : count) + gap;
    size_t step = (how & 1) ? near : far, row = (how & 1) ? far : near;
    bool any = steps > 0 && count > 0, backwards = (how & 2) != 0;
    size_t last = any ? (steps - 1) * step + (count - 1) * row : 0;
    rows r = {.count = any ? last + width : 0, .start = backwards ? last : 0};
    r.step = backwards ? -(ptrdiff_t)step : (ptrdiff_t)step;
    r.row = backwards ? -(ptrdiff_t)row : (ptrdiff_t)row;
    if (how >= 192 && (steps <= 1 || count == 0)) {
        r.step = wild[below(in, 8)];
    }
    if (how >= 192 && (count <= 1 || steps == 0)) {
        r.row = wild[below(in, 8)];
    }
    return r;
}

/* An output's stride may be too small, or its two strides the same; then nothing may be written. */
static rows lay_out_output(input *in, size_t steps, size_t count, size_t width)
{
    rows r = lay_out(in, steps, count, width);
    if (byte(in) >= 250 && steps > 1 && count > 1) {
        unsigned which = byte(in);
        ptrdiff_t *stride = which & 1 ? &r.step : &r.row, small = (ptrdiff_t)below(in, width);
        if (which & 2) { /* the same: the shorter one, which stays within the memory if all but one row is left out */
            r.step = r.row = (r.step < r.row) == (r.row > 0) ? r.step : r.row;
        } else {
            *stride = *stride < 0 ? -small : small;
        }
        r.overlap = true;
    }
    return r;
}

/* Memory of the outputs starts as this. It is a NaN that arithmetic doesn't give, since it would be quiet. */
#define UNTOUCHED UINT32_C(0x7fa5a5a5)

static float *blank(size_t count)
{
    float *memory = malloc(count * sizeof(float) + (count == 0));
    REQUIRE(memory != NULL);
    for (size_t i = 0; i < count; i++) {
        uint32_t bits = UNTOUCHED;
        memcpy(memory + i, &bits, sizeof bits);
    }
    return memory;
}

static bool untouched(const float *memory, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, memory + i, sizeof bits);
        if (bits != UNTOUCHED) {
            return false;
        }
    }
    return true;
}

/* One layer's states and gates. */
typedef struct states {
    rows h0, h, reset, gates[3];
    bool in_place, wanted;
    gru_state view;
} states;

/* A run of 1 .. LAYERS layers: what is the same for all back ends. */
typedef struct run {
    slot *slots[LAYERS];
    size_t depth, steps, rows, pool_rows, width;
    bool stack;
    rows x, y;
    states s[LAYERS];
    gru_io io;
    gru_pool pool;
    size_t *lengths, *index;
    uint8_t *mask;
} run;

static size_t directions(const slot *s)
{
    return s->desc.direction == GRU_BIDIRECTIONAL ? 2 : 1;
}

static size_t width_of(const slot *s)
{
    return directions(s) == 2 && s->desc.merge == GRU_MERGE_CONCAT ? 2 * s->desc.hidden : s->desc.hidden;
}

static void run_tasks(void *context, void (*task)(void *argument, size_t i), void *argument, size_t count)
{
    unsigned how = *(const unsigned *)context;
    for (size_t i = 0; i < count && how % 4 != 3; i++) {
        size_t k = how % 4 == 1 ? count - 1 - i : i;
        if (how % 4 != 2 || k % 2 == 0) {
            task(argument, k);
        }
    }
}

static void make_states(input *in, run *r, size_t i)
{
    states *s = &r->s[i];
    const slot *layer = r->slots[i];
    size_t hidden = layer->desc.hidden, both = directions(layer);
    unsigned what = byte(in);
    s->wanted = what & 1;
    s->h0 = lay_out(in, both, r->pool_rows, hidden);
    s->h = lay_out_output(in, both, r->pool_rows, hidden);
    s->reset = lay_out(in, both, r->rows, hidden);
    s->in_place = (what & 6) == 6;
    if (s->in_place) {
        s->h0 = s->h;
        s->h0.row += s->wanted && what >= 250 && r->rows > 1; /* which must be refused */
    }
    gru_state *v = &s->view;
    v->h0_row = s->h0.row;
    v->h0_direction = s->h0.step;
    v->h_row = s->h.row;
    v->h_direction = s->h.step;
    v->reset_row = s->reset.row;
    v->reset_direction = s->reset.step;
    if (what & 8) {
        s->h0.memory = make_floats(in, s->h0.count);
        v->h0 = s->h0.memory + s->h0.start;
    }
    if (what & 16) {
        s->reset.memory = make_floats(in, s->reset.count);
        v->reset = s->reset.memory + s->reset.start;
    }
    rows gates = lay_out_output(in, r->steps, r->rows, both * hidden);
    for (int g = 0; g < 3; g++) {
        s->gates[g] = gates;
        s->gates[g].count = (what >> 5 & 3) == 3 && (g != GRU_R || layer->desc.reset != GRU_RESET_NONE) ? gates.count : 0;
    }
    v->gates_step = gates.step;
    v->gates_row = gates.row;
    v->gates_direction = (ptrdiff_t)hidden;
}

/* Per-row arrays; a wrong entry now and then. */
static void make_rows(input *in, run *r)
{
    unsigned what = byte(in);
    r->lengths = malloc(r->rows * sizeof(size_t) + 1);
    r->index = malloc(r->rows * sizeof(size_t) + 1);
    r->mask = malloc(r->steps * r->rows + 1);
    REQUIRE(r->lengths && r->index && r->mask);
    for (size_t b = 0; b < r->rows; b++) {
        unsigned length = byte(in);
        r->lengths[b] = length == 255 ? r->steps + 1 + byte(in) : length % (r->steps + 1);
        r->index[b] = r->pool_rows - 1 - b;
    }
    for (size_t i = 0; i < r->steps * r->rows; i++) {
        r->mask[i] = byte(in) % 3 == 0;
    }
    if (what >= 252 && r->rows > 0) {
        r->index[what % r->rows] = what & 1 ? SIZE_MAX : r->pool_rows;
    }
    r->io.lengths = what & 1 ? r->lengths : NULL;
    r->io.index = what & 2 ? r->index : NULL;
    r->io.index_count = r->pool_rows;
    r->io.reset_mask = what & 4 ? r->mask : NULL;
    r->io.reset_mask_step = (ptrdiff_t)r->rows;
    r->io.reset_mask_row = 1;
    r->io.reversed_output = (what & 8) != 0;
    r->io.steps_before = what >> 4;
}

/* The layers of a run: as many of the slots as fit on one another. */
static bool choose_layers(input *in, slot *slots, run *r)
{
    size_t first = below(in, LAYERS), most = 1 + below(in, LAYERS);
    for (size_t i = 0; i < most; i++) {
        slot *s = &slots[(first + i) % LAYERS];
        if (s->layers[0] == NULL || (r->depth > 0 && s->desc.input != width_of(r->slots[r->depth - 1]) && byte(in) < 240)) {
            break;
        }
        r->slots[r->depth++] = s;
    }
    r->stack = r->depth > 1 || byte(in) % 4 == 0;
    return r->depth > 0;
}

static void make_run(input *in, run *r, unsigned *how)
{
    r->steps = byte(in) % 7;
    r->rows = byte(in) % 7;
    r->pool_rows = r->rows + below(in, 3);
    r->width = width_of(r->slots[r->depth - 1]);
    r->io = (gru_io){.size = sizeof r->io, .steps = r->steps, .rows = r->rows};
    r->x = lay_out(in, r->steps, r->rows, r->slots[0]->desc.input);
    r->x.memory = make_floats(in, r->x.count);
    r->io.x = r->x.memory + r->x.start;
    r->io.x_step = r->x.step;
    r->io.x_row = r->x.row;
    r->y = lay_out_output(in, r->steps, r->rows, r->width);
    r->io.y_step = r->y.step;
    r->io.y_row = r->y.row;
    make_rows(in, r);
    for (size_t i = 0; i < r->depth; i++) {
        make_states(in, r, i);
    }
    *how = byte(in);
    r->pool = (gru_pool){.size = sizeof r->pool, .threads = 1 + *how / 32, .run = run_tasks, .context = how};
    if (*how >= 253) {
        r->pool.threads = *how == 253 ? 0 : r->pool.threads;
        r->pool.run = *how == 254 ? NULL : run_tasks;
        r->pool.size = *how == 255 ? 8 : sizeof r->pool;
    }
    r->io.pool = *how & 4 ? &r->pool : NULL;
    unsigned absurd = byte(in);
    if (absurd >= 254) {
        r->io.rows = SIZE_MAX / (1 + byte(in) % 8);
    } else if (absurd >= 252) {
        r->io.steps = SIZE_MAX - byte(in);
    }
}

/* All that a run writes on one back end. */
typedef struct outputs {
    float *y, *h[LAYERS], *gates[LAYERS][3];
} outputs;

static enum gru_status run_on(const run *r, size_t backend, outputs *out, size_t short_by)
{
    gru_io io = r->io;
    gru_state views[LAYERS];
    const gru_layer *layers[LAYERS];
    out->y = blank(r->y.count);
    io.y = out->y + r->y.start;
    for (size_t i = 0; i < r->depth; i++) {
        const states *s = &r->s[i];
        layers[i] = r->slots[i]->layers[backend];
        views[i] = s->view;
        out->h[i] = blank(s->h.count);
        if (s->in_place && views[i].h0) {
            memcpy(out->h[i], s->h0.memory, s->h.count * sizeof(float));
            views[i].h0 = out->h[i] + s->h.start;
        }
        views[i].h = s->wanted ? out->h[i] + s->h.start : NULL;
        for (int g = 0; g < 3; g++) {
            out->gates[i][g] = blank(s->gates[g].count);
            views[i].gates[g] = s->gates[g].count ? out->gates[i][g] + s->gates[g].start : NULL;
        }
    }
    size_t bytes = 0;
    enum gru_status status;
    if (r->stack) {
        status = gru_stack_workspace_bytes(layers, r->depth, io.steps, io.rows, &bytes, NULL);
    } else {
        io.state = views[0];
        status = gru_workspace_bytes(layers[0], io.steps, io.rows, &bytes, NULL);
    }
    if (status != GRU_OK || bytes > 1 << 26) {
        bytes = 64;
    }
    bytes -= short_by;
    unsigned char *workspace = malloc(bytes);
    REQUIRE(workspace != NULL);
    memset(workspace, 0xff, bytes);
    status = r->stack ? gru_run_stack(layers, r->depth, &io, views, workspace, bytes, NULL)
                      : gru_run(layers[0], &io, workspace, bytes, NULL);
    free(workspace);
    return status;
}

static void check_untouched(const run *r, const outputs *out)
{
    REQUIRE(untouched(out->y, r->y.count));
    for (size_t i = 0; i < r->depth; i++) {
        const states *s = &r->s[i];
        REQUIRE(s->in_place && s->view.h0 ? memcmp(out->h[i], s->h0.memory, s->h.count * sizeof(float)) == 0
                                          : untouched(out->h[i], s->h.count));
        for (int g = 0; g < 3; g++) {
            REQUIRE(untouched(out->gates[i][g], r->s[i].gates[g].count));
        }
    }
}

/* Whether rows of an output that is wanted would run into one another. */
static bool overlaps(const run *r)
{
    bool found = r->y.overlap;
    for (size_t i = 0; i < r->depth; i++) {
        const states *s = &r->s[i];
        found |= (s->h.overlap && s->wanted && r->rows > 1) || (s->gates[GRU_N].overlap && s->gates[GRU_N].count > 0);
    }
    return found;
}

static void check_same(const run *r, const outputs *a, const outputs *b)
{
    REQUIRE(same_bits(a->y, b->y, r->y.count));
    for (size_t i = 0; i < r->depth; i++) {
        REQUIRE(same_bits(a->h[i], b->h[i], r->s[i].h.count));
        for (int g = 0; g < 3; g++) {
            REQUIRE(same_bits(a->gates[i][g], b->gates[i][g], r->s[i].gates[g].count));
        }
    }
}

static void free_outputs(const run *r, outputs *out)
{
    free(out->y);
    for (size_t i = 0; i < r->depth; i++) {
        free(out->h[i]);
        for (int g = 0; g < 3; g++) {
            free(out->gates[i][g]);
        }
    }
}

void fuzz_run(input *in, slot *slots)
{
    run r = {.depth = 0};
    outputs out[MOST_BACKENDS];
    enum gru_status said = GRU_OK;
    unsigned how = 0;
    if (!choose_layers(in, slots, &r)) {
        return;
    }
    make_run(in, &r, &how);
    size_t short_by = byte(in) >= 250 ? 1 + below(in, 32) : 0;
    for (size_t i = 0; i < backend_count; i++) {
        enum gru_status status = run_on(&r, i, &out[i], short_by);
        said = i == 0 ? status : said;
        REQUIRE(status == said);
        REQUIRE(status != GRU_OK || !overlaps(&r));
        if (status != GRU_OK) {
            check_untouched(&r, &out[i]);
        }
        check_same(&r, &out[0], &out[i]);
    }
    for (size_t i = 0; i < backend_count; i++) {
        free_outputs(&r, &out[i]);
    }
    free(r.x.memory);
    for (size_t i = 0; i < r.depth; i++) {
        free(r.s[i].h0.memory);
        free(r.s[i].reset.memory);
    }
    free(r.lengths);
    free(r.index);
    free(r.mask);
}
