/* SPDX-License-Identifier: BSD-2-Clause */
/* test_kernels.c: the kernels of each back end, called directly, equal those of the scalar one bit for bit. */
#include "backend.h"
#include "check.h"
#include "layer.h"

#include <string.h>

/* Layers reach these kernels too, but only with the sizes that a run cuts; here each meets every size on its own. */

enum { MOST = 70, LONGEST = 150 };

static float *draw(size_t n)
{
    float *array = guarded_floats(n, GUARD_AFTER, 0);
    check_fill(array, n, -1.0f, 1.0f);
    for (size_t i = 0; i < n; i += 1 + check_below(20)) {
        array[i] = check_float_of((uint32_t)check_random());
    }
    return array;
}

static float *draw_clean(size_t n)
{
    float *array = guarded_floats(n, GUARD_AFTER, 0);
    check_fill(array, n, -1.0f, 1.0f);
    return array;
}

void test_kernels_clean(void)
{
    for (size_t n = 0; n <= MOST; n++) {
        size_t rows = 1 + check_below(3), to_row = n + check_below(3), from_row = n + check_below(3);
        size_t all = (rows - 1) * to_row + n;
        float *from = draw((rows - 1) * from_row + n), *got = guarded_floats(all, GUARD_AFTER, check_below(16)),
              *want = guarded_floats(all, GUARD_AFTER, 0);
        guarded_freeze(from);
        memset(got, 0, all * sizeof(float));
        memset(want, 0, all * sizeof(float));
        check_this()->clean(got, to_row, from, (ptrdiff_t)from_row, rows, n);
        check_scalar()->clean(want, to_row, from, (ptrdiff_t)from_row, rows, n);
        CHECK_BITS(got, want, all, "%zu rows of %zu elements", rows, n);
        guarded_free_all();
    }
}

/* A packed matrix in memory whose exact end touches a guard page; its last group as narrow as it is, or padded. */
static struct gru_product packed(const gru_backend *backend, bool pads, size_t units, size_t length, size_t gates,
                                 const float *weights, const float *bias)
{
    size_t bytes = 0, whole = (units + backend->lanes - 1) / backend->lanes * backend->lanes;
    size_t room = pads ? whole : units;
    if (!CHECK(gru_product_bytes(room, length, gates, backend->lanes, &bytes), "%zu units by %zu fit", units, length)) {
        return (struct gru_product){0};
    }
    void *memory = guarded_bytes(bytes, GUARD_AFTER, 0);
    struct gru_product product = gru_product_place(memory, room, length, gates, backend->lanes);
    for (size_t g = 0; g < gates; g++) {
        gru_matrix matrix = {weights + g * units * length, (ptrdiff_t)length, 1};
        gru_product_pack(&product, backend->lanes, g, units, matrix, (gru_vector){bias + g * units, 1});
    }
    guarded_freeze(memory);
    return product;
}

/* Where unit j of gate g stands in a row of a product's output. */
static size_t at(const gru_backend *backend, size_t gates, size_t g, size_t j)
{
    return j / backend->lanes * gates * backend->lanes + g * backend->lanes + j % backend->lanes;
}

static size_t groups_of(const gru_backend *backend, size_t units)
{
    return (units + backend->lanes - 1) / backend->lanes;
}

static void check_product(size_t units, size_t length, size_t gates, size_t rows)
{
    const gru_backend *backends[2] = {check_scalar(), check_this()};
    const float *weights = draw_clean(gates * units * length), *bias = draw_clean(gates * units);
    size_t x_row = length + check_below(5);
    const float *x = draw_clean(rows * x_row);
    float *dense[2];
    for (int i = 0; i < 2; i++) {
        const gru_backend *b = backends[i];
        size_t groups = groups_of(b, units), out_row = groups * gates * b->lanes;
        struct gru_product product = packed(b, check_below(2), units, length, gates, weights, bias);
        product.far |= (int)check_below(2); /* a small matrix of a large layer fetches, too */
        float *out = guarded_floats(rows * out_row, GUARD_AFTER, 0);
        size_t middle = check_below(groups + 1); /* in two calls, as two slices of a pool would */
        b->product(&product, rows, x, x_row, 0, middle, out, out_row);
        b->product(&product, rows, x, x_row, middle, groups, out, out_row);
        dense[i] = guarded_floats(rows * gates * units, GUARD_AFTER, 0);
        for (size_t k = 0; k < rows * gates * units; k++) {
            size_t row = k / (gates * units), g = k / units % gates, j = k % units;
            dense[i][k] = out[row * out_row + at(b, gates, g, j)];
        }
    }
    CHECK_BITS(dense[1], dense[0], rows * gates * units, "%zu units by %zu, %zu gates, %zu rows", units, length, gates,
               rows);
    guarded_free_all();
}

void test_kernels_product(void)
{
    for (size_t units = 1; units <= MOST; units++) {
        for (size_t gates = 1; gates <= GRU_MAX_GATES; gates++) {
            check_product(units, 1 + check_below(MOST), gates, 1 + check_below(20));
        }
    }
    for (size_t length = 1; length <= MOST; length++) {
        check_product(1 + check_below(MOST), length, 1 + check_below(GRU_MAX_GATES), 1);
    }
    for (size_t rows = 0; rows <= 40; rows++) {
        check_product(1 + check_below(MOST), 1 + check_below(20), 1 + rows % 3, rows);
    }
    check_product(300, 3, 3, 2);
    /* So many inputs go in blocks even of one lane. */
    check_product(3, 16500, 3, 3);
    /* A matrix too large for a cache, and rows enough: tiles fetch weights ahead, of one input none. */
    check_product(90, 1000, 3, 20);
    check_product(90000, 1, 3, 8);
    /* Groups that are multiples of 4 KiB of each back end, which have gaps between them; of whole groups the last too. */
    for (size_t gates = 2; gates <= GRU_MAX_GATES; gates++) {
        for (size_t rows = 1; rows <= 17; rows += 8) {
            check_product(MOST, check_this()->lanes < 8 ? 1024 : 128, gates, rows);
            check_product(2 * check_this()->lanes, check_this()->lanes < 8 ? 1024 : 128, gates, rows);
        }
    }
}

void test_kernels_arrays(void)
{
    for (size_t n = 0; n <= LONGEST; n++) {
        for (size_t tier = 0; tier < GRU_TIERS; tier++) {
            if (gru_backend_check_tier(check_this(), (enum gru_tier)tier, NULL) != GRU_OK) {
                continue;
            }
            float *x = draw(n), *got = guarded_floats(n, GUARD_AFTER, 0), *want = guarded_floats(n, GUARD_AFTER, 0);
            guarded_freeze(x);
            check_this()->sigmoid[tier](n, x, got);
            check_scalar()->sigmoid[tier](n, x, want);
            CHECK_BITS(got, want, n, "sigmoid of %zu, tier %zu", n, tier);
            check_this()->tanh[tier](n, x, got);
            check_scalar()->tanh[tier](n, x, want);
            CHECK_BITS(got, want, n, "tanh of %zu, tier %zu", n, tier);
        }
        float *in[3] = {draw(n), draw(n), draw(n)}, *got = guarded_floats(n, GUARD_AFTER, 0);
        float *want = guarded_floats(n, GUARD_AFTER, 0);
        for (int update = GRU_UPDATE_KEEP; update <= GRU_UPDATE_REPLACE; update++) {
            check_this()->blend((enum gru_update)update, n, in[0], in[1], in[2], got);
            check_scalar()->blend((enum gru_update)update, n, in[0], in[1], in[2], want);
            CHECK_BITS(got, want, n, "blend %d of %zu", update, n);
        }
        guarded_free_all();
    }
}

static void check_gate_rows(size_t units, size_t rows, enum gru_activation activation, size_t tier)
{
    size_t a_row = (units + 15) / 16 * 16, out_row = units + check_below(3);
    struct gru_gate_rows g = {.rows = rows,
                              .units = units,
                              .activation = activation,
                              .hard_alpha = 0.2f,
                              .hard_beta = 0.5f,
                              .clip = check_below(2) ? 0.5f : 0.0f,
                              .a_row = a_row,
                              .out_row = (ptrdiff_t)out_row};
    size_t kind = check_below(3), count = rows == 0 ? 0 : (rows - 1) * out_row + units;
    g.ax = kind == 1 ? NULL : draw(rows * a_row);
    g.ah = kind == 2 ? NULL : draw(rows * a_row);
    float *got = guarded_floats(count, GUARD_AFTER, 0), *want = guarded_floats(count, GUARD_AFTER, 0);
    g.out = got;
    check_this()->gate[tier](&g);
    g.out = want;
    check_scalar()->gate[tier](&g);
    CHECK_BITS(got, want, count, "%zu units, %zu rows, activation %d, tier %zu", units, rows, (int)activation, tier);
}

void test_kernels_gate(void)
{
    for (size_t units = 1; units <= MOST; units++) {
        for (size_t i = 0; i < 4; i++) {
            bool has = gru_backend_check_tier(check_this(), (enum gru_tier)i, NULL) == GRU_OK;
            check_gate_rows(units, check_below(5), (enum gru_activation)((units + i) % 4), has ? i : 0);
        }
        guarded_free_all();
    }
}

/* --- Steps ----------------------------------------------------------------------------------------- */

/* One step's operands, dense, and what it must leave behind, dense too. */
typedef struct step_case {
    size_t units, rows, tier;
    enum gru_reset reset;
    const float *u, *bias, *ax, *h; /* ax: [row][gate][unit] */
    struct gru_cell cell;
    struct gru_step base;
} step_case;

typedef struct step_result {
    float *h, *y, *gates[3];
} step_result;

static float *padded_rows(const float *dense, size_t rows, size_t width, size_t row)
{
    float *array = guarded_floats(rows * row, GUARD_AFTER, 0);
    for (size_t i = 0; dense != NULL && i < rows; i++) {
        memcpy(array + i * row, dense + i * width, width * sizeof(float));
    }
    return array;
}

static size_t ax_gates(const step_case *c)
{
    return c->reset == GRU_RESET_NONE ? 2 : 3;
}

static float *place_ax(const step_case *c, const gru_backend *b, size_t row)
{
    size_t gates = ax_gates(c);
    float *ax = guarded_floats(c->rows * row, GUARD_AFTER, 0);
    for (size_t k = 0; k < c->rows * gates * c->units; k++) {
        ax[k / (gates * c->units) * row + at(b, gates, k / c->units % gates, k % c->units)] = c->ax[k];
    }
    return ax;
}

static void run_step(const gru_backend *b, const struct gru_step *s, const step_case *c, size_t groups)
{
    size_t middle = check_below(groups + 1);
    b->step[c->tier](s, middle, groups);
    b->step[c->tier](s, 0, middle);
    if (c->reset == GRU_RESET_BEFORE) {
        b->candidate[c->tier](s, 0, middle);
        b->candidate[c->tier](s, middle, groups);
    }
}

static step_result solve_step(const step_case *c, const gru_backend *b, enum gru_turns turns)
{
    size_t H = c->units, groups = groups_of(b, H), row = groups * b->lanes, gates = ax_gates(c);
    size_t recurrent = c->reset == GRU_RESET_BEFORE ? 2 : gates;
    struct gru_cell cell = c->cell;
    struct gru_step s = c->base;
    bool pads = check_below(2);
    s.cell = &cell;
    cell.recurrent = packed(b, pads, H, H, recurrent, c->u, c->bias);
    if (c->reset == GRU_RESET_BEFORE) {
        cell.candidate = packed(b, pads, H, H, 1, c->u + 2 * H * H, c->bias + 2 * H);
    }
    cell.recurrent.turns = cell.candidate.turns = turns;
    cell.recurrent.far = cell.candidate.far = check_below(2) != 0;
    cell.groups = groups;
    cell.ax_gates = gates;
    cell.h_row = row;
    cell.ax_row = row * gates;
    s.h = padded_rows(c->h, c->rows, H, row);
    s.h_next = padded_rows(NULL, c->rows, H, row);
    s.s = padded_rows(NULL, c->rows, H, row);
    s.z = padded_rows(NULL, c->rows, H, row);
    s.ax = place_ax(c, b, cell.ax_row);
    step_result r;
    r.y = s.y = draw_clean(c->rows * H);
    check_fill(r.y, c->rows * H, 0.5f, 0.5f); /* what y_add adds to */
    for (int g = 0; g < 3; g++) {
        r.gates[g] = guarded_floats(c->rows * H, GUARD_AFTER, 0);
        s.gate_out[g] = g == GRU_R && c->reset == GRU_RESET_NONE ? NULL : r.gates[g];
    }
    run_step(b, &s, c, groups);
    r.h = guarded_floats(c->rows * H, GUARD_AFTER, 0);
    for (size_t i = 0; i < c->rows; i++) {
        memcpy(r.h + i * H, s.h_next + i * row, H * sizeof(float));
    }
    return r;
}

static void check_step(step_case *c)
{
    static const char *const names[3] = {"r", "z", "n"};
    size_t H = c->units, n = c->rows * H;
    ptrdiff_t *offsets = guarded_bytes(c->rows * sizeof(ptrdiff_t), GUARD_AFTER, 0);
    for (size_t i = 0; i < c->rows; i++) {
        offsets[i] = (ptrdiff_t)((c->rows - 1 - i) * H); /* rows of y upside down */
    }
    c->u = draw_clean(3 * H * H);
    c->bias = draw_clean(3 * H);
    c->ax = draw_clean(c->rows * 3 * H);
    c->h = draw_clean(n);
    c->cell = (struct gru_cell){.units = H, .reset = c->reset, .hard_alpha = 0.2f, .hard_beta = 0.5f};
    c->cell.update = check_below(2) ? GRU_UPDATE_KEEP : GRU_UPDATE_REPLACE;
    c->cell.gates = check_below(3) ? GRU_GATES_SIGMOID : GRU_GATES_HARD_SIGMOID;
    c->cell.clips = !check_below(3);
    c->cell.clip = c->cell.clips ? 0.75f : 0.0f;
    c->base = (struct gru_step){.rows = c->rows, .y_offset = offsets, .gate_offset = offsets};
    c->base.y_add = check_below(2) != 0;
    c->base.backward = check_below(4) != 0;
    enum gru_turns turns = (enum gru_turns)check_below(GRU_TURNS_FAR + 1);
    step_result want = solve_step(c, check_scalar(), GRU_TURNS_NEVER), got = solve_step(c, check_this(), turns);
    CHECK_BITS(got.h, want.h, n, "H=%zu, %zu rows, reset %d, tier %zu: h", H, c->rows, (int)c->reset, c->tier);
    CHECK_BITS(got.y, want.y, n, "H=%zu, %zu rows, reset %d, tier %zu: y", H, c->rows, (int)c->reset, c->tier);
    for (int g = 0; g < 3; g++) {
        CHECK_BITS(got.gates[g], want.gates[g], n, "H=%zu, %zu rows, reset %d, tier %zu: %s", H, c->rows, (int)c->reset,
                   c->tier, names[g]);
    }
    guarded_free_all();
}

static size_t any_tier(void)
{
    size_t tier = check_below(GRU_TIERS);
    return gru_backend_check_tier(check_this(), (enum gru_tier)tier, NULL) == GRU_OK ? tier : GRU_TIER_FAST;
}

/* Sizes above MOST make steps that turn take half as many groups at a time. */
void test_kernels_step(void)
{
    for (size_t units = 1; units <= LONGEST; units += units < MOST ? 1 : 10) {
        for (int reset = GRU_RESET_AFTER; reset <= GRU_RESET_NONE; reset++) {
            step_case c = {.units = units, .rows = 1, .reset = (enum gru_reset)reset, .tier = any_tier()};
            check_step(&c);
            c.rows = 2 + check_below(10);
            check_step(&c);
        }
    }
    /* So many rows that they go through a panel in several turns, the last of any size, sixteen among them. */
    for (size_t rows = 12; rows <= 150; rows += rows % 8 ? 1 : 3) {
        for (int reset = GRU_RESET_AFTER; reset <= GRU_RESET_NONE; reset++) {
            check_step(&(step_case){
                .units = MOST - check_below(20), .rows = rows, .reset = (enum gru_reset)reset, .tier = any_tier()});
        }
    }
}

/* --- Steps alone ----------------------------------------------------------------------------------- */

/* One row's step of `inputs` inputs, whose matrices lie one behind the other as U's do. */
typedef struct stream_case {
    step_case step;
    size_t inputs;
    const float *w, *x;
} stream_case;

/* Room for so many floats behind what a workspace has already: its offset in bytes. */
static size_t room(size_t *floats, size_t count)
{
    size_t at = *floats;
    *floats += (count + GRU_LINE - 1) / GRU_LINE * GRU_LINE;
    return at * sizeof(float);
}

/* The new state, which is y too. */
static const float *solve_stream(const stream_case *c, const gru_backend *b, enum gru_turns turns, size_t before)
{
    size_t H = c->step.units, groups = groups_of(b, H), row = groups * b->lanes, gates = ax_gates(&c->step), floats = 0;
    struct gru_cell cell = c->step.cell;
    bool pads = check_below(2);
    cell.groups = groups;
    cell.ax_gates = gates;
    cell.h_row = row;
    cell.ax_row = row * gates;
    cell.plain = cell.reset != GRU_RESET_NONE && cell.gates == GRU_GATES_SIGMOID && !cell.clips;
    cell.recurrent = packed(b, pads, H, H, c->step.reset == GRU_RESET_BEFORE ? 2 : gates, c->step.u, c->step.bias);
    if (c->step.reset == GRU_RESET_BEFORE) {
        cell.candidate = packed(b, pads, H, H, 1, c->step.u + 2 * H * H, c->step.bias + 2 * H);
    }
    cell.recurrent.turns = cell.candidate.turns = turns;
    struct gru_product input = packed(b, pads && check_below(2), H, c->inputs, gates, c->w, c->step.bias);
    struct gru_lone lone = {.cell = &cell, .input = &input, .turns = turns};
    lone.x = room(&floats, groups_of(b, c->inputs) * b->lanes);
    lone.ax = room(&floats, cell.ax_row);
    lone.s = room(&floats, row);
    lone.z = room(&floats, row);
    lone.h = room(&floats, row);
    lone.h_next = room(&floats, row);
    char *workspace = (char *)guarded_floats(floats, GUARD_AFTER, 0);
    float *y = guarded_floats(H, GUARD_AFTER, 0), *h = guarded_floats(H, GUARD_AFTER, 0);
    const gru_io io = {.x = c->x, .y = y, .state = {.h0 = c->step.h, .h = h}, .steps_before = before};
    b->stream[c->step.tier](&lone, workspace, &io);
    CHECK_BITS(y, h, H, "H=%zu, I=%zu, reset %d: y and the state", H, c->inputs, (int)c->step.reset);
    return h;
}

static void check_stream(size_t units, size_t inputs, enum gru_reset reset)
{
    stream_case c = {.step = {.units = units, .rows = 1, .reset = reset, .tier = any_tier()}, .inputs = inputs};
    float *h = draw_clean(units);
    c.step.cell = (struct gru_cell){.units = units, .reset = reset};
    c.step.u = draw_clean(3 * units * units);
    c.step.bias = draw_clean(3 * units);
    c.step.h = h;
    c.w = draw_clean(3 * units * inputs);
    c.x = draw_clean(inputs);
    /* Where steps turn, the number of those before says which way they go, or if it isn't known, the lowest bit of the
     * state's first number. */
    for (uint32_t coin = 0; coin <= 1; coin++) {
        h[0] = check_float_of((check_bits_of(h[0]) & ~UINT32_C(1)) | coin);
        const float *want = solve_stream(&c, check_scalar(), GRU_TURNS_NEVER, 0);
        for (int turns = GRU_TURNS_NEVER; turns <= GRU_TURNS_FAR; turns++) {
            const size_t before = check_below(3);
            const float *got = solve_stream(&c, check_this(), (enum gru_turns)turns, before);
            CHECK_BITS(got, want, units, "H=%zu, I=%zu, reset %d, turns %d, coin %d, %zu steps before", units, inputs,
                       (int)reset, turns, (int)coin, before);
        }
    }
    guarded_free_all();
}

void test_kernels_stream(void)
{
    for (size_t units = 1; units <= LONGEST; units += units < MOST ? 1 : 10) {
        for (int reset = GRU_RESET_AFTER; reset <= GRU_RESET_NONE; reset++) {
            if (check_turn(3 * units + (size_t)reset, 3)) {
                check_stream(units, 1 + check_below(MOST), (enum gru_reset)reset);
            }
        }
    }
}
