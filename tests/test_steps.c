/* SPDX-License-Identifier: BSD-2-Clause */
/* test_steps.c: the steps of each back end, called directly, equal those of the scalar one bit for bit. */
#include "check.h"
#include "packed.h"

#include <string.h>

enum { MOST = 70, LONGEST = 150 };

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
        ax[k / (gates * c->units) * row + packed_at(b, gates, k / c->units % gates, k % c->units)] = c->ax[k];
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

/* A cell's matrices over h and its strides. Of those that turn, of vectors as wide as a line, z's may stand apart where
 * the reset comes before, but not in layers so small that their steps are those of small_steps.h. */
static void place_cell(struct gru_cell *cell, const gru_backend *b, const step_case *c, bool pads, enum gru_turns turns)
{
    const size_t H = c->units, U = H * H;
    const bool before = c->reset == GRU_RESET_BEFORE;
    const bool apart = before && turns != GRU_TURNS_NEVER && b->lanes >= GRU_LINE && H > 4 * b->lanes && check_below(2);
    const int far = check_below(2) != 0;
    cell->recurrent = packed_matrix(b, pads, H, H, before ? 2 - (size_t)apart : ax_gates(c), c->u, c->bias);
    if (apart) {
        cell->apart = packed_matrix(b, pads, H, H, 1, c->u + U, c->bias + H);
    }
    if (before) {
        cell->candidate = packed_matrix(b, pads, H, H, 1, c->u + 2 * U, c->bias + 2 * H);
    }
    cell->recurrent.turns = cell->apart.turns = cell->candidate.turns = turns;
    cell->recurrent.far = cell->apart.far = cell->candidate.far = far;
    cell->groups = packed_groups(b, H);
    cell->ax_gates = ax_gates(c);
    cell->h_row = cell->groups * b->lanes;
    cell->ax_row = cell->h_row * cell->ax_gates;
}

static step_result solve_step(const step_case *c, const gru_backend *b, enum gru_turns turns)
{
    size_t H = c->units, groups = packed_groups(b, H), row = groups * b->lanes;
    struct gru_cell cell = c->cell;
    struct gru_step s = c->base;
    s.cell = &cell;
    place_cell(&cell, b, c, check_below(2), turns);
    s.h = padded_rows(c->h, c->rows, H, row);
    s.h_next = padded_rows(NULL, c->rows, H, row);
    s.s = padded_rows(NULL, c->rows, H, row);
    s.z = padded_rows(NULL, c->rows, H, row);
    s.ax = place_ax(c, b, cell.ax_row);
    step_result r;
    r.y = s.y = packed_numbers(c->rows * H);
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
    c->u = packed_numbers(3 * H * H);
    c->bias = packed_numbers(3 * H);
    c->ax = packed_numbers(c->rows * 3 * H);
    c->h = packed_numbers(n);
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
typedef struct lone_case {
    step_case step;
    size_t inputs;
    const float *w, *x;
} lone_case;

/* Room for so many floats behind what a workspace has already: its offset in bytes. */
static size_t room(size_t *floats, size_t count)
{
    size_t at = *floats;
    *floats += (count + GRU_LINE - 1) / GRU_LINE * GRU_LINE;
    return at * sizeof(float);
}

/* The new state, which is y too. */
static const float *solve_lone(const lone_case *c, const gru_backend *b, enum gru_turns turns, size_t before)
{
    size_t H = c->step.units, groups = packed_groups(b, H), row = groups * b->lanes, gates = ax_gates(&c->step),
           floats = 0;
    struct gru_cell cell = c->step.cell;
    bool pads = check_below(2);
    place_cell(&cell, b, &c->step, pads, turns);
    struct gru_product input = packed_matrix(b, pads && check_below(2), H, c->inputs, gates, c->w, c->step.bias);
    struct gru_lone lone = {.cell = &cell, .input = &input, .turns = turns, .grouped = (int)check_below(2)};
    lone.x = room(&floats, packed_groups(b, c->inputs) * b->lanes);
    lone.ax = room(&floats, cell.ax_row);
    lone.s = room(&floats, row);
    lone.z = room(&floats, row);
    lone.h = room(&floats, row);
    lone.h_next = room(&floats, row);
    char *workspace = (char *)guarded_floats(floats, GUARD_AFTER, 0);
    float *y = guarded_floats(H, GUARD_AFTER, 0), *h = guarded_floats(H, GUARD_AFTER, 0);
    const gru_io io = {.x = c->x, .y = y, .state = {.h0 = c->step.h, .h = h}, .steps_before = before};
    b->lone[c->step.tier](&lone, workspace, &io);
    CHECK_BITS(y, h, H, "H=%zu, I=%zu, reset %d: y and the state", H, c->inputs, (int)c->step.reset);
    return h;
}

static void check_lone(size_t units, size_t inputs, enum gru_reset reset)
{
    lone_case c = {.step = {.units = units, .rows = 1, .reset = reset, .tier = any_tier()}, .inputs = inputs};
    float *h = packed_numbers(units);
    c.step.cell = (struct gru_cell){.units = units, .reset = reset};
    c.step.u = packed_numbers(3 * units * units);
    c.step.bias = packed_numbers(3 * units);
    c.step.h = h;
    c.w = packed_numbers(3 * units * inputs);
    c.x = packed_numbers(inputs);
    /* Where steps turn, the number of those before says which way they go, or if it isn't known, the lowest bit of the
     * state's first number. */
    for (uint32_t coin = 0; coin <= 1; coin++) {
        h[0] = check_float_of((check_bits_of(h[0]) & ~UINT32_C(1)) | coin);
        const float *want = solve_lone(&c, check_scalar(), GRU_TURNS_NEVER, 0);
        for (int turns = GRU_TURNS_NEVER; turns <= GRU_TURNS_FAR; turns++) {
            const size_t before = check_below(3);
            const float *got = solve_lone(&c, check_this(), (enum gru_turns)turns, before);
            CHECK_BITS(got, want, units, "H=%zu, I=%zu, reset %d, turns %d, coin %d, %zu steps before", units, inputs,
                       (int)reset, turns, (int)coin, before);
        }
    }
    guarded_free_all();
}

void test_kernels_lone(void)
{
    for (size_t units = 1; units <= LONGEST; units += units < MOST ? 1 : 10) {
        for (int reset = GRU_RESET_AFTER; reset <= GRU_RESET_NONE; reset++) {
            if (check_turn(3 * units + (size_t)reset, 3)) {
                check_lone(units, 1 + check_below(check_below(2) ? units : MOST), (enum gru_reset)reset);
            }
        }
    }
}
