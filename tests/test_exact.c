/* SPDX-License-Identifier: BSD-2-Clause */
/* test_exact.c: where a layer's result is exact: gates forced to their ends, tiny numbers, NaN and infinity. */
#include "definition.h"
#include "drive.h"

#include <math.h>
#include <string.h>

/* A pre-activation at which sigmoid is 0 or 1 in every tier: e^-200 is far below any float. */
#define FAR 200.0f

/* Each reset, update, gate activation and tier with sizes that aren't multiples of anything. */
enum { SHAPES = 3 * 2 * 2 * PROBLEM_TIERS };

/* Also says whether it is to run: not if the tier is missing here. */
static bool shape_at(size_t i, problem_shape *s)
{
    *s = (problem_shape){
        .input = 1 + check_below(20), .hidden = 1 + check_below(40), .steps = 4, .rows = 1 + check_below(9)};
    s->reset = (enum problem_reset)(i % 3);
    s->replace = i / 3 % 2 != 0;
    s->hard = i / 6 % 2 != 0;
    s->tier = (enum problem_tier)(i / 12);
    s->bias = BIAS_6;
    s->way = (enum problem_way)check_below(2);
    s->initial = true;
    return drive_has_tier(check_this(), s->tier) && check_turn(i, 4);
}

/* Makes a gate's pre-activation this number, whatever x and h are. */
static void force(problem *p, int gate, float value)
{
    for (size_t d = 0; d < p->directions && p->w[d][gate] != NULL; d++) {
        memset(p->w[d][gate], 0, p->shape.hidden * p->shape.input * sizeof(float));
        memset(p->u[d][gate], 0, p->shape.hidden * p->shape.hidden * sizeof(float));
        for (size_t j = 0; j < p->shape.hidden; j++) {
            p->bx[d][gate][j] = value;
            p->bh[d][gate][j] = 0.0f;
        }
    }
}

/* Forces the update so that the old state stays (hold), or so that the candidate takes its place. */
static void force_update(problem *p, bool hold)
{
    force(p, PROBLEM_UPDATE, hold != p->shape.replace ? FAR : -FAR);
}

static answer run(const problem *p)
{
    way w = way_random(p, check_this());
    way_want_gates(&w, true);
    return drive(p, &w);
}

/* The state is held bit for bit; -0 becomes +0. */
void test_exact_hold(void)
{
    problem_shape s;
    for (size_t i = 0; i < SHAPES; i++) {
        if (!shape_at(i, &s)) {
            continue;
        }
        problem p = problem_make(&s);
        force_update(&p, true);
        p.h0[0] = -0.0f;
        p.h0[s.hidden / 2] = 1e10f;
        answer a = run(&p);
        if (CHECK(a.y != NULL, "a run")) {
            p.h0[0] = s.hidden > 1 ? 0.0f : p.h0[0];
            for (size_t t = 0; t < s.steps; t++) {
                CHECK_BITS(a.y + at_y(&p, t, 0, 0), p.h0, s.rows * s.hidden, "%s, step %zu", problem_text(&p), t);
            }
            CHECK_BITS(a.last, p.h0, s.rows * s.hidden, "%s, last", problem_text(&p));
        }
        guarded_free_all();
    }
}

/* The state is the candidate, bit for bit. */
void test_exact_replace(void)
{
    problem_shape s;
    for (size_t i = 0; i < SHAPES; i++) {
        if (!shape_at(i, &s)) {
            continue;
        }
        problem p = problem_make(&s);
        force_update(&p, false);
        answer a = run(&p);
        if (CHECK(a.y != NULL, "a run")) {
            CHECK_BITS(a.y, a.gates[PROBLEM_CANDIDATE], count_y(&p), "%s", problem_text(&p));
        }
        guarded_free_all();
    }
}

/* h = tanh(bx + W x + bh + U h), written out: what is left of a GRU whose gates are forced. */
static void plain_rnn(const problem *p, bool recurrent, float *y)
{
    const int n = PROBLEM_CANDIDATE;
    static const enum gru_tier tiers[] = {GRU_TIER_FAST, GRU_TIER_FASTER, GRU_TIER_ACCURATE, GRU_TIER_SLEEF};
    size_t I = p->shape.input, H = p->shape.hidden;
    for (size_t b = 0; b < p->shape.rows; b++) {
        const float *h = p->h0 + at_state(p, b, 0);
        for (size_t i = 0; i < p->shape.steps; i++) {
            size_t t = p->shape.way == WAY_REVERSE ? p->shape.steps - 1 - i : i;
            const float *x = p->x + at_x(p, t, b);
            float *out = y + at_y(p, t, b, 0);
            for (size_t j = 0; j < H; j++) {
                float ax = p->bx[0][n][j], ah = p->bh[0][n][j];
                for (size_t k = 0; k < I; k++) {
                    ax = fmaf(p->w[0][n][j * I + k], x[k], ax);
                }
                for (size_t k = 0; k < H; k++) {
                    ah = fmaf(p->u[0][n][j * H + k], h[k], ah);
                }
                out[j] = recurrent ? ax + ah : p->shape.reset == RESET_STATE ? ax + p->bh[0][n][j] : ax;
            }
            gru_tanh(check_scalar(), tiers[p->shape.tier], H, out, out, NULL);
            h = out;
        }
    }
}

static void check_rnn(size_t i, bool recurrent)
{
    problem_shape s;
    if (!shape_at(i, &s) || (!recurrent && s.reset == RESET_NOTHING)) {
        return;
    }
    problem p = problem_make(&s);
    force_update(&p, false);
    force(&p, PROBLEM_RESET, recurrent ? FAR : -FAR);
    answer a = run(&p);
    float *want = guarded_floats(count_y(&p), GUARD_AFTER, 0);
    plain_rnn(&p, recurrent, want);
    if (CHECK(a.y != NULL, "a run")) {
        CHECK_BITS(a.y, want, count_y(&p), "%s", problem_text(&p));
    }
    guarded_free_all();
}

void test_exact_rnn(void)
{
    for (size_t i = 0; i < SHAPES; i++) {
        check_rnn(i, true);
    }
}

void test_exact_input_only(void)
{
    for (size_t i = 0; i < SHAPES; i++) {
        check_rnn(i, false);
    }
}

/* Whatever is below the border (problem.h) could as well have been +0. */
static void clean_all(float *array, size_t n)
{
    for (size_t i = 0; array != NULL && i < n; i++) {
        array[i] = definition_read(array[i]);
    }
}

void test_exact_tiny(void)
{
    for (size_t i = 0; i < 24; i++) {
        problem_shape s;
        shape_at(i, &s);
        s.tier = TIER_4E7;
        s.tiny = true;
        problem p = problem_make(&s);
        answer tiny = run(&p);
        size_t I = s.input, H = s.hidden;
        for (int g = 0; g < 3; g++) {
            clean_all(p.w[0][g], H * I);
            clean_all(p.u[0][g], H * H);
            clean_all(p.bx[0][g], H);
            clean_all(p.bh[0][g], H);
        }
        clean_all(p.x, s.steps * s.rows * I);
        clean_all(p.h0, s.rows * H);
        answer cleaned = run(&p);
        answer_check(&p, &cleaned, &tiny, "tiny numbers");
        guarded_free_all();
    }
}

/* The border itself counts, the float below it doesn't, as weight of the input or the state, as bias and as input. */
void test_exact_border(void)
{
    static const uint32_t below = LEAST_BITS - 1, border = LEAST_BITS;
    for (int place = 0; place < 4; place++) {
        for (int counts = 0; counts < 2; counts++) {
            problem_shape s = {.input = 1, .hidden = 1, .steps = 1, .rows = 1, .bias = BIAS_6, .initial = true};
            problem p = problem_make(&s);
            force_update(&p, false);
            force(&p, PROBLEM_RESET, FAR);
            force(&p, PROBLEM_CANDIDATE, 0.0f);
            *p.x = *p.h0 = 1.0f;
            float *spots[4] = {p.w[0][PROBLEM_CANDIDATE], p.u[0][PROBLEM_CANDIDATE], p.bx[0][PROBLEM_CANDIDATE], p.x};
            *spots[place] = check_float_of(counts ? border : below);
            if (place == 3) {
                *p.w[0][PROBLEM_CANDIDATE] = 1.0f;
            }
            answer a = run(&p);
            float want = counts ? check_float_of(border) : 0.0f;
            if (CHECK(a.y != NULL, "a run")) {
                CHECK_BITS(a.y, &want, 1, "place %d", place);
            }
            guarded_free_all();
        }
    }
}

/* What else is read or written as +0, and would be seen if it weren't: one unit, hard gates (slope 1, offset 0). */
typedef struct speck {
    const char *what;
    enum problem_reset reset;
    float r, z;    /* the gates' pre-activations, which are the gates */
    float h, u, n; /* the state, its weight in the candidate, the candidate's bias */
    float want_h, want_gate[3];
} speck;

static void check_speck(const speck *c)
{
    problem_shape s = {.input = 1, .hidden = 1, .steps = 1, .rows = 1, .bias = BIAS_6, .initial = true, .hard = true};
    s.own_slope = true;
    s.reset = c->reset;
    problem p = problem_make(&s);
    p.alpha = 1.0f;
    p.beta = 0.0f;
    force(&p, PROBLEM_RESET, c->r);
    force(&p, PROBLEM_UPDATE, c->z);
    force(&p, PROBLEM_CANDIDATE, c->n);
    *p.u[0][PROBLEM_CANDIDATE] = c->u;
    *p.h0 = c->h;
    answer a = run(&p);
    if (CHECK(a.y != NULL, "a run")) {
        CHECK_BITS(a.y, &c->want_h, 1, "%s: h", c->what);
        CHECK_BITS(a.last, &c->want_h, 1, "%s: last", c->what);
        for (int g = s.reset == RESET_NOTHING; g < 3; g++) {
            CHECK_BITS(a.gates[g], &c->want_gate[g], 1, "%s: gate %d", c->what, g);
        }
    }
    guarded_free_all();
}

/* With o the smallest number that counts: o / 2 isn't stored as a state or a gate, and r * h isn't passed on. */
void test_exact_specks(void)
{
    const float o = check_float_of(LEAST_BITS), half = o / 2;
    const speck specks[] = {
        {"a new state of o / 2", RESET_PRODUCT, 1, 0.5f, o, 0, 0, 0, {1, 0.5f, 0}},
        {"a new state of o", RESET_PRODUCT, 1, 0.5f, 2 * o, 0, 0, o, {1, 0.5f, 0}},
        {"r * h of o / 2", RESET_STATE, 0.5f, 0, o, 1024, 0, 0, {0.5f, 0, 0}},
        {"r * h of o", RESET_STATE, 0.5f, 0, 2 * o, 1024, 0, 1024 * o, {0.5f, 0, 1024 * o}},
        {"a candidate of o / 2", RESET_NOTHING, 0, 0, o, 0.5f, 0, 0, {0, 0, 0}},
        {"a candidate of o", RESET_NOTHING, 0, 0, 2 * o, 0.5f, 0, o, {0, 0, o}},
        {"an update gate of -o", RESET_PRODUCT, 1, -o, 1, 0, 0, 0, {1, 0, 0}},
        {"gates of o", RESET_PRODUCT, o, o, 1, 0, 0, o, {o, o, 0}},
        {"a bias of o / 2", RESET_PRODUCT, half, half, 1, 0, half, 0, {0, 0, 0}},
    };
    for (size_t i = 0; i < sizeof specks / sizeof specks[0]; i++) {
        check_speck(&specks[i]);
    }
}

/* A gate that is tiny itself, which only the activation makes, is written as +0: e^-60, or 2^-70 where a hard sigmoid's
 * offset is 0. */
void test_exact_tiny_gates(void)
{
    for (size_t i = 0; i < SHAPES; i++) {
        problem_shape s;
        if (!shape_at(i, &s)) {
            continue;
        }
        s.own_slope = true;
        problem p = problem_make(&s);
        p.alpha = 0x1p-10f;
        p.beta = 0.0f;
        force(&p, PROBLEM_RESET, s.hard ? 0x1p-60f : -60.0f);
        force(&p, PROBLEM_UPDATE, s.hard ? 0x1p-60f : -60.0f);
        answer a = run(&p);
        float *zeros = guarded_floats(count_gate(&p), GUARD_AFTER, 0);
        memset(zeros, 0, count_gate(&p) * sizeof(float));
        for (int g = s.reset == RESET_NOTHING; g < PROBLEM_CANDIDATE && CHECK(a.gates[g] != NULL, "a run"); g++) {
            CHECK_BITS(a.gates[g], zeros, count_gate(&p), "%s: gate %d", problem_text(&p), g);
        }
        guarded_free_all();
    }
}

/* --- NaN and infinity ------------------------------------------------------------------------------ */

/* Step t of a row in the order of computation is step t of x going forward, the mirrored one in reverse. */
static size_t position(const problem *p, size_t t)
{
    return p->shape.way == WAY_REVERSE ? p->shape.steps - 1 - t : t;
}

static bool all_nan(const float *array, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!isnan(array[i])) {
            return false;
        }
    }
    return true;
}

/*
 * A NaN in one row, in x of computed step `from` or in h0 (from 0): every other row and every earlier step keep their
 * bits; this row is all NaN from that step on, until the step `until` at which its state is reset.
 */
static void check_poisoned(const problem *p, const answer *clean, size_t row, size_t from, size_t until)
{
    size_t H = p->shape.hidden;
    answer got = run(p);
    if (!CHECK(got.y != NULL, "a run")) {
        return;
    }
    for (size_t b = 0; b < p->shape.rows; b++) {
        for (size_t t = 0; t < p->shape.steps; t++) {
            size_t at = at_y(p, position(p, t), b, 0);
            if (b == row && t >= from && t < until) {
                CHECK(all_nan(got.y + at, H), "%s: row %zu isn't all NaN at step %zu", problem_text(p), b, t);
            } else {
                CHECK_BITS(got.y + at, clean->y + at, H, "%s: row %zu, step %zu", problem_text(p), b, t);
            }
        }
        if (b != row || until < p->shape.steps) {
            CHECK_BITS(got.last + b * H, clean->last + b * H, H, "%s: row %zu, last", problem_text(p), b);
        } else {
            CHECK(all_nan(got.last + b * H, H), "%s: the last state of row %zu isn't all NaN", problem_text(p), b);
        }
    }
}

void test_exact_nan(void)
{
    problem_shape s;
    for (size_t i = 0; i < SHAPES; i++) {
        if (!shape_at(i, &s)) {
            continue;
        }
        s.clipped = i % 2 != 0;
        s.rows = 1 + i % 9;
        s.steps = 5;
        problem p = problem_make(&s);
        size_t row = check_below(s.rows), from = check_below(3), until = from + 1 + check_below(3);
        p.mask = guarded_bytes(s.steps * s.rows, GUARD_AFTER, 0);
        memset(p.mask, 0, s.steps * s.rows);
        if (until < s.steps) {
            p.mask[position(&p, until) * s.rows + row] = 1;
        }
        answer clean = run(&p);
        if (CHECK(clean.y != NULL, "a run")) {
            float *spot = p.x + at_x(&p, position(&p, from), row) + check_below(s.input), kept = *spot;
            *spot = check_float_of(0x7fc00000 | (uint32_t)(i % 2) << 31);
            check_poisoned(&p, &clean, row, from, until);
            *spot = kept;
            p.h0[at_state(&p, row, 0) + check_below(s.hidden)] = NAN;
            check_poisoned(&p, &clean, row, 0, until);
        }
        guarded_free_all();
    }
}

static void sprinkle(float *array, size_t n)
{
    static const uint32_t bits[] = {0x7f800000, 0xff800000, 0x7f7fffff, 0xff7fffff, 0x7e967699, 0x7fc00001};
    for (size_t i = 0; array != NULL && i < n; i++) {
        if (check_below(40) == 0) {
            array[i] = check_float_of(bits[check_below(sizeof bits / sizeof bits[0])]);
        }
    }
}

/* Infinities, numbers whose sums overflow and NaN, anywhere, weights too: what fmaf makes of them. */
void test_exact_infinity(void)
{
    problem_shape s;
    for (size_t i = 0; i < 3 * SHAPES; i++) {
        if (!shape_at(i % SHAPES, &s)) {
            continue;
        }
        s.clipped = check_below(2) != 0;
        problem p = problem_make(&s);
        sprinkle(p.x, s.steps * s.rows * s.input);
        sprinkle(p.h0, s.rows * s.hidden);
        for (int g = 0; g < 3 && i % 2 != 0; g++) {
            sprinkle(p.bx[0][g], s.hidden);
            if (p.w[0][g] != NULL) {
                p.w[0][g][check_below(s.hidden * s.input)] = INFINITY;
                p.u[0][g][check_below(s.hidden * s.hidden)] = -3e38f;
            }
        }
        answer got = run(&p), want = definition_solve(&p);
        answer_check(&p, &want, &got, "infinities");
        guarded_free_all();
    }
}
