/* SPDX-License-Identifier: BSD-2-Clause */
/* test_faint.c: rows and weights so small that a layer may take their products for zeros, if no bit tells. */
#include "definition.h"
#include "drive.h"
#include "tally.h"

#include <math.h>
#include <string.h>

/* Random signs and mantissas of 2^exponent. */
static void scale(float *array, size_t n, int exponent)
{
    for (size_t i = 0; array != NULL && i < n; i++) {
        float mantissa = check_uniform(1.0f, 2.0f);
        array[i] = ldexpf(check_below(2) ? mantissa : -mantissa, exponent);
    }
}

static int between(int least, int most)
{
    return least + (int)check_below((size_t)(most - least + 1));
}

/* Weights of one size, or larger in one unit than in the others; now and then a gate's stay ordinary. Returns the largest exponent. */
static int scale_weights(float *const matrices[3], size_t units, size_t length)
{
    int exponent = between(-62, -20), others = check_below(3) ? exponent : between(-62, exponent);
    size_t one = check_below(units);
    for (int g = 0; g < 3; g++) {
        bool ordinary = check_below(12) == 0;
        for (size_t unit = 0; unit < units && matrices[g] != NULL && !ordinary; unit++) {
            scale(matrices[g] + unit * length, length, unit == one ? exponent : others);
        }
    }
    return exponent;
}

/* A row whose products with such weights are around 2^-90, where it begins to matter, or anywhere; some stay ordinary. */
static void scale_row(float *row, size_t width, int exponent)
{
    int products = check_below(2) ? between(-96, -80) : between(-126, -60);
    if (check_below(4)) {
        scale(row, width, products - exponent);
    }
}

/* Of the smallest that count, with some zeros between; or all zeros, so that the chains start there. */
static void shrink_bias(float *bias, size_t n, bool all_zeros)
{
    for (size_t i = 0; bias != NULL && i < n; i++) {
        bias[i] = all_zeros || check_below(4) == 0 ? 0.0f : ldexpf(bias[i] < 0 ? -1.0f : 1.0f, between(-62, -58));
    }
}

static void shrink(problem *p)
{
    const problem_shape *s = &p->shape;
    const size_t biases = check_below(3);
    if (s->own_slope && check_below(2)) { /* a slope that shows a tiny sum */
        p->alpha = 0x1p50f;
        p->beta = check_below(2) ? 0.0f : 0x1p-20f;
    }
    int of_w = 0, of_u = 0;
    for (size_t d = 0; d < p->directions; d++) {
        of_w = scale_weights(p->w[d], s->hidden, s->input);
        of_u = scale_weights(p->u[d], s->hidden, s->hidden);
        for (int g = 0; g < 3 && biases > 0; g++) {
            shrink_bias(p->bx[d][g], s->hidden, biases == 1);
            shrink_bias(p->bh[d][g], s->hidden, biases == 1);
        }
        for (size_t b = 0; b < s->rows && p->h0 != NULL; b++) {
            scale_row(p->h0 + at_state(p, b, d), s->hidden, of_u);
        }
    }
    for (size_t b = 0; b < s->rows; b++) {
        for (size_t t = 0; t < problem_length(p, b); t++) {
            scale_row(p->x + at_x(p, t, b), s->input, of_w);
        }
    }
}

static problem_shape draw(size_t i)
{
    problem_shape s = {.input = 1 + check_below(20), .hidden = 1 + check_below(40), .rows = 1 + check_below(5)};
    s.steps = 1 + check_below(4);
    s.reset = (enum problem_reset)(i % 3);
    s.replace = i / 3 % 2 != 0;
    s.bias = (enum problem_bias)(i / 6 % PROBLEM_BIASES);
    s.way = (enum problem_way)(check_below(2) ? WAY_FORWARD : check_below(PROBLEM_WAYS));
    s.tier = (enum problem_tier)check_below(PROBLEM_TIERS);
    s.tier = drive_has_tier(check_this(), s.tier) ? s.tier : TIER_4E7;
    s.hard = check_below(4) == 0;
    s.own_slope = check_below(2) != 0;
    s.clipped = check_below(6) == 0;
    s.ragged = check_below(3) == 0;
    s.initial = check_below(4) != 0;
    s.masked = check_below(4) == 0;
    s.reset_state = check_below(2) != 0;
    if (check_below(5) == 0) { /* so small that steps make the chains over x themselves */
        s.hidden = 1 + check_below(8);
        s.input = 1 + check_below(s.hidden);
        s.rows = 1;
        s.masked = false;
    }
    return s;
}

/* Infinities and NaN too: whatever is faint beside them, they show as the definition says. */
static void poison(problem *p)
{
    static const float poisons[] = {NAN, INFINITY, -3e38f};
    float value = poisons[check_below(3)], *bias = p->bx[0][PROBLEM_RESET];
    size_t H = p->shape.hidden, I = p->shape.input;
    switch (check_below(8)) {
    case 0:
        p->x[at_x(p, 0, 0)] = problem_length(p, 0) ? value : p->x[at_x(p, 0, 0)];
        break;
    case 1:
        p->w[0][PROBLEM_CANDIDATE][check_below(H * I)] = value;
        break;
    case 2:
        p->u[0][PROBLEM_UPDATE][check_below(H * H)] = value;
        break;
    case 3:
        if (bias != NULL) {
            bias[check_below(H)] = value;
        }
        break;
    default:
        break;
    }
}

static void check_way(const problem *p, const way *w)
{
    answer want = definition_solve(p);
    drive_compare(p, &want, w);
}

static void check(const problem *p)
{
    tally all = {.temper = ALL};
    const gru_pool pool = tally_pool(&all, 3);
    way w = way_random(p, check_this());
    w.pool = check_below(4) ? NULL : &pool;
    check_way(p, &w);
}

/* As lone steps, which have a kernel of their own, with one of the places for the new state or both. */
static void check_lone(const problem *p)
{
    way w = way_random(p, check_this());
    w.step_chunk = p->shape.steps > 1;
    w.row_chunk = 1;
    way_want_gates(&w, false);
    w.indexed = false;
    w.no_y = check_below(3) == 0;
    w.no_last = !w.no_y && check_below(2);
    check_way(p, &w);
}

static size_t longest(const problem *p)
{
    size_t most = 0;
    for (size_t b = 0; b < p->shape.rows; b++) {
        most = problem_length(p, b) > most ? problem_length(p, b) : most;
    }
    return most;
}

/* Where the inputs of coming steps go ahead, as the pool's one call shows: the steps still find each its own x. */
void test_faint_ahead(void)
{
    for (size_t i = 0; i < 12; i++) {
        if (!check_turn(i, 4)) {
            continue;
        }
        problem_shape s = draw(i);
        s.input = i % 2 ? 130 : 50;
        s.hidden = 48;
        s.steps = 140;
        s.way = i % 3 ? WAY_FORWARD : WAY_REVERSE;
        problem p = problem_make(&s);
        while (longest(&p) < 100) { /* ragged rows may all be so short that nothing is worth a thread */
            p = problem_make(&s);
        }
        shrink(&p);
        tally all = {.temper = ALL};
        const gru_pool pool = tally_pool(&all, 3);
        way w = way_random(&p, check_this());
        w.pool = &pool;
        w.step_chunk = w.row_chunk = 0;
        check_way(&p, &w);
        CHECK(all.calls == 1, "%s: %zu calls of the pool", problem_text(&p), all.calls);
        guarded_free_all();
    }
}

void test_faint_layers(void)
{
    for (size_t i = 0; i < 20 * 3 * 2 * PROBLEM_BIASES; i++) {
        if (!check_turn(i, 4)) {
            continue;
        }
        problem_shape s = draw(i);
        problem p = problem_make(&s);
        shrink(&p);
        poison(&p);
        check(&p);
        guarded_free_all();
    }
}

void test_faint_lone(void)
{
    for (size_t i = 0; i < 40 * 3 * 2 * PROBLEM_BIASES; i++) {
        if (!check_turn(i, 4)) {
            continue;
        }
        problem_shape s = draw(i);
        s.way = WAY_FORWARD;
        s.steps = 1 + check_below(2);
        s.ragged = s.masked = false;
        problem p = problem_make(&s);
        shrink(&p);
        poison(&p);
        check_lone(&p);
        guarded_free_all();
    }
}

/* So many units that z's weights may be packed apart from r's. They alone are so large that z shows a state that is faint
 * beside all other weights. */
void test_faint_apart(void)
{
    for (size_t i = 0; i < 8; i++) {
        problem_shape s = {.hidden = 340, .input = 2, .rows = 1 + i % 2, .steps = 2, .reset = RESET_STATE};
        s.hard = s.own_slope = s.initial = true;
        problem p = problem_make(&s);
        p.alpha = 1.0f;
        p.beta = 0x1p-20f;
        memset(p.x, 0, s.steps * s.rows * s.input * sizeof(float));
        scale(p.u[0][PROBLEM_RESET], s.hidden * s.hidden, -62);
        scale(p.u[0][PROBLEM_CANDIDATE], s.hidden * s.hidden, -62);
        scale(p.h0, s.rows * s.hidden, between(-42, -34));
        if (i < 4) {
            check(&p);
        } else {
            check_lone(&p);
        }
        guarded_free_all();
    }
}

/* Each unit with itself alone, and with one input. */
static void make_plain(problem *p, float w, float u)
{
    const size_t H = p->shape.hidden;
    for (int g = p->w[0][PROBLEM_RESET] == NULL; g < 3; g++) {
        for (size_t i = 0; i < H * H; i++) {
            p->u[0][g][i] = g == PROBLEM_CANDIDATE && i % (H + 1) == 0 ? u : 0.0f;
        }
        for (size_t j = 0; j < H; j++) {
            p->w[0][g][j] = g == PROBLEM_CANDIDATE ? w * (1.0f + (float)j / 64) : 0.0f;
            if (p->bx[0][g] != NULL) {
                p->bx[0][g][j] = p->bh[0][g][j] = 0.0f;
            }
        }
    }
}

/* States or biases `a` of which three quarters end in half of the last place, times 2^exponent. */
static void fill_ties(float *array, size_t n, int exponent)
{
    for (size_t j = 0; j < n; j++) {
        float a = 1.0f + (float)(j % 16) / 64 + 0x1p-23f;
        CHECK(fmaf(0.75f, a, 0x1p-100f) != fmaf(0.75f, a, -0x1p-100f), "%a is no tie", (double)a);
        array[j] = ldexpf(a, exponent);
    }
}

/*
 * Where a faint x decides: r * a, not rounded yet, is halfway between two numbers, and the least sum of W x to either side of zero
 * says which. `a` comes from a state: the first one, under ordinary weights or tiny ones, or one that a loud x has made, or that a
 * reset brings; or it is a bias inside the reset, of all units or of one, or there is one outside it in all units but one.
 */
enum tie {
    TIE_FIRST,
    TIE_FIRST_TINY,
    TIE_LOUD,
    TIE_RESET,
    TIE_BIAS,
    TIE_BIAS_AND_STATE,
    TIE_ONE_BIASED,
    TIE_ONE_UNBIASED,
    TIES
};

/* The state stands in the last row; the other ones' are zeros. */
static void check_tie(enum tie tie, float w, size_t steps, size_t rows)
{
    problem_shape s = {
        .input = 1, .hidden = 40, .steps = steps, .rows = rows, .initial = true, .hard = true, .own_slope = true};
    s.replace = true; /* so that more of the candidate shows */
    s.bias = tie >= TIE_BIAS ? BIAS_6 : BIAS_0;
    s.masked = s.reset_state = tie == TIE_RESET;
    problem p = problem_make(&s);
    p.alpha = 0.0f;
    p.beta = 0.75f;
    make_plain(&p, w, tie == TIE_FIRST ? 1.0f : tie >= TIE_BIAS ? 0.0f : 0x1p-40f);
    for (size_t i = 0; i < steps * rows; i++) {
        p.x[i] = 0x1p-50f;
        if (tie == TIE_RESET) {
            p.mask[i] = i == steps * rows - 1;
        }
    }
    size_t last = (rows - 1) * s.hidden;
    memset(p.h0, 0, rows * s.hidden * sizeof(float));
    if (tie == TIE_FIRST || tie == TIE_FIRST_TINY) {
        fill_ties(p.h0 + last, s.hidden, tie == TIE_FIRST ? 0 : 40);
    } else if (tie == TIE_RESET) {
        fill_ties(p.reset_to + last, s.hidden, 40);
    } else if (tie == TIE_LOUD) {
        p.x[rows - 1] = 1 / w;
    } else {
        fill_ties(p.bh[0][PROBLEM_CANDIDATE], s.hidden, 0);
        if (tie == TIE_BIAS_AND_STATE) {
            fill_ties(p.h0 + last, s.hidden, 0);
        }
    }
    size_t one = check_below(s.hidden);
    for (size_t j = 0; tie >= TIE_ONE_BIASED && j < s.hidden; j++) {
        p.bx[0][PROBLEM_RESET][j] = p.bx[0][PROBLEM_UPDATE][j] = 1.0f; /* which the slope hides */
        p.bh[0][PROBLEM_CANDIDATE][j] *= (float)(tie == TIE_ONE_UNBIASED || j == one);
        p.bx[0][PROBLEM_CANDIDATE][j] = (float)(tie == TIE_ONE_UNBIASED && j != one);
    }
    if (!s.masked && check_below(2)) {
        check_lone(&p);
    } else {
        check(&p);
    }
    guarded_free_all();
}

void test_faint_ties(void)
{
    for (int tie = 0; tie < TIES; tie++) {
        for (size_t steps = 1; steps <= 3; steps++) {
            for (int turn = 0; turn < 4; turn++) { /* in more than one way */
                check_tie((enum tie)tie, turn % 2 ? 0x1p-50f : -0x1p-50f, steps, 1 + (size_t)turn / 2);
            }
        }
    }
}

/* An r and an `a` whose product is all but halfway between two floats; returns how far it is from there. Both are drawn anew each
 * time: for some r there is no such `a`. */
static double draw_near(float *r, float *a)
{
    for (;;) {
        *r = check_uniform(0.5f, 1.0f);
        *a = check_uniform(1.0f, 2.0f);
        double product = (double)*r * (double)*a;
        float near = (float)product, next = nextafterf(near, product > (double)near ? 2.0f : 0.0f);
        double distance = ((double)near + (double)next) / 2 - product;
        if (distance != 0 && fabs(distance) < 0x1p-38) {
            return distance;
        }
    }
}

/* A faint x decides as well where one unit's r * a is a little beside halfway, and the sum of W x goes nearly there, just there or a
 * little further. Each unit has its own r, by its bias. `a` is the state's, or a bias inside the reset. */
static void check_near(bool biased, double reach, size_t rows)
{
    problem_shape s = {
        .input = 1, .hidden = 80, .steps = 1, .rows = rows, .initial = true, .hard = true, .own_slope = true};
    s.replace = true; /* so that more of the candidate shows */
    s.bias = BIAS_6;
    problem p = problem_make(&s);
    p.alpha = 1.0f;
    p.beta = 0.5f;
    make_plain(&p, 0.0f, biased ? 0.0f : check_below(2) ? 1.0f : 0x1p-40f);
    memset(p.h0, 0, rows * s.hidden * sizeof(float));
    for (size_t b = 0; b < rows; b++) {
        p.x[b] = 0x1p-50f;
    }
    size_t one = check_below(s.hidden);
    for (size_t j = 0; j < s.hidden; j++) {
        float r = check_uniform(0.5f, 1.0f), a = check_uniform(1.0f, 2.0f);
        double distance = j == one ? draw_near(&r, &a) : 0.0;
        p.bx[0][PROBLEM_RESET][j] = r - p.beta;
        p.w[0][PROBLEM_CANDIDATE][j] = (float)(distance * reach * 0x1p-10);
        if (biased) {
            p.bh[0][PROBLEM_CANDIDATE][j] = ldexpf(a, -60);
        } else {
            p.h0[(rows - 1) * s.hidden + j] = ldexpf(a, -60) / p.u[0][PROBLEM_CANDIDATE][j * (s.hidden + 1)];
        }
    }
    check(&p);
    check_lone(&p);
    guarded_free_all();
}

void test_faint_near_ties(void)
{
    for (int turn = 0; turn < 120; turn++) {
        if (check_turn((size_t)turn, 2)) {
            check_near(turn % 2, 1.0 + (turn / 2 % 3 - 1) * 0x1p-12, 1 + (size_t)turn / 6 % 2);
        }
    }
}

/* A hard sigmoid that starts so low that half of its last place is a sum below 2^-62: there a faint h decides too. */
void test_faint_slopes(void)
{
    for (int turn = 0; turn < 12; turn++) {
        problem_shape s = {
            .input = 1, .hidden = 1, .steps = 1, .rows = 1, .initial = true, .hard = true, .own_slope = true};
        s.reset = (enum problem_reset)(turn % 3);
        problem p = problem_make(&s);
        p.alpha = 1.0f;
        p.beta = 0x1.000002p-44f;
        make_plain(&p, 0.0f, 0.0f);
        *p.w[0][PROBLEM_UPDATE] = 0x1p-18f;
        *p.u[0][PROBLEM_UPDATE] = turn % 2 ? 0x1p-50f : -0x1p-50f;
        *p.x = 0x1p-50f;
        *p.h0 = 0x1p-41f; /* 2^-68 by W x, half of the last place of beta, and 2^-91 by U h */
        check(&p);
        guarded_free_all();
    }
}
