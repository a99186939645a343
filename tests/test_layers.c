/* SPDX-License-Identifier: BSD-2-Clause */
/* test_layers.c: every variant of a layer against the oracle's bounds and against the definition's bits. */
#include "definition.h"
#include "drive.h"
#include "oracle.h"

#include <math.h>

/*
 * The design. Reset, update, biases, direction, ragged or not and the number of rows are crossed in full: 1440
 * problems. Everything else (sizes, tier, hard sigmoid, clip, masks, h0, tiny numbers, layout, calls) is drawn anew for
 * each, so that pairs of it all meet many times in a run, and other ones in the next run.
 */
static const size_t hidden_sizes[] = {1, 2, 3, 5, 7, 8, 15, 16, 17, 24, 31, 32, 33, 47, 48, 49, 63, 64, 65, 70};
static const size_t row_counts[] = {1, 2, 3, 5, 8, 17};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A wrong term moves a result by 1e-2 or more, so bounds below this let none pass. Only the coarse tier has larger. */
#define LARGEST_BOUND 2e-3

static bool one_in(size_t n)
{
    return check_below(n) == 0;
}

/* Sizes whose scalar reference takes a fraction of a millisecond or so; three steps at least, to be ragged. */
static void draw_sizes(problem_shape *s)
{
    s->hidden = hidden_sizes[check_below(COUNT(hidden_sizes))];
    s->input = one_in(8) ? 1 : 1 + check_below(s->hidden > 16 ? 40 : 20);
    size_t step = 3 * s->rows * s->hidden * (s->hidden + s->input);
    size_t most = 300000 / step, limit = s->hidden > 24 ? 3 : 6; /* the bound grows with both */
    s->steps = 3 + check_below(most < 1 ? 1 : most < limit ? most : limit);
}

static void draw_rest(problem_shape *s, const gru_backend *backend)
{
    draw_sizes(s);
    s->tier = (enum problem_tier)check_below(PROBLEM_TIERS);
    s->tier = drive_has_tier(backend, s->tier) ? s->tier : TIER_4E7;
    s->hard = one_in(4);
    s->own_slope = one_in(2);
    s->clipped = one_in(4);
    s->initial = !one_in(3);
    s->masked = one_in(4);
    s->reset_state = one_in(2);
    s->computed_order = one_in(4);
    s->tiny = one_in(4);
}

static void solve_and_compare(const problem *p)
{
    way w = way_random(p, check_this());
    char how[300];
    snprintf(how, sizeof how, "%s", way_text(&w));
    answer got = drive(p, &w), exact = definition_solve(p);
    oracle_answer about = oracle_solve(p);
    answer_check(p, &exact, &got, how);
    double largest = oracle_check(p, &about, &got, how);
    CHECK(largest <= LARGEST_BOUND || p->shape.tier == TIER_5E5, "%s: a bound of %g shows nothing", problem_text(p),
          largest);
}

static void all_variants(enum problem_way direction)
{
    for (size_t i = 0; i < 3 * 2 * PROBLEM_BIASES * 2 * COUNT(row_counts); i++) {
        if (!check_turn(i, 24)) {
            continue;
        }
        problem_shape s = {.way = direction};
        size_t rest = i;
        s.reset = (enum problem_reset)(rest % 3), rest /= 3;
        s.replace = rest % 2 != 0, rest /= 2;
        s.bias = (enum problem_bias)(rest % PROBLEM_BIASES), rest /= PROBLEM_BIASES;
        s.ragged = rest % 2 != 0, rest /= 2;
        s.rows = row_counts[rest];
        draw_rest(&s, check_this());
        problem p = problem_make(&s);
        solve_and_compare(&p);
        guarded_free_all();
    }
}

void test_layers_forward(void)
{
    all_variants(WAY_FORWARD);
}

void test_layers_reverse(void)
{
    all_variants(WAY_REVERSE);
}

void test_layers_both(void)
{
    all_variants(WAY_BOTH);
}

void test_layers_both_sum(void)
{
    all_variants(WAY_BOTH_SUM);
}

/* Every hidden size from 1 to 70 with each reset, so that every tail of every group meets every gate block. */
void test_layers_sizes(void)
{
    for (size_t hidden = 1; hidden <= 70; hidden++) {
        for (int reset = RESET_PRODUCT; reset <= RESET_NOTHING; reset++) {
            if (!check_turn(3 * hidden + (size_t)reset, 6)) {
                continue;
            }
            problem_shape s = {.input = 1 + hidden % 7,
                               .hidden = hidden,
                               .steps = 2,
                               .rows = 1 + hidden % 4,
                               .reset = (enum problem_reset)reset,
                               .bias = BIAS_6,
                               .initial = true,
                               .way = hidden % 5 == 0 ? WAY_BOTH : WAY_FORWARD};
            problem p = problem_make(&s);
            solve_and_compare(&p);
            guarded_free_all();
        }
    }
}

/* Sequences longer than the block of steps whose input half is done at once, with rows that end on its borders. */
void test_layers_long(void)
{
    static const struct {
        size_t steps, rows;
    } sizes[] = {{1, 300}, {127, 1}, {128, 1}, {129, 1}, {300, 1}, {70, 5}, {41, 17}, {3, 129}};
    for (size_t i = 0; i < COUNT(sizes) * 6; i++) {
        if (!check_turn(i, 4)) {
            continue;
        }
        problem_shape s = {.input = 1 + check_below(9), .hidden = 1 + check_below(12), .initial = true};
        s.steps = sizes[i / 6].steps;
        s.rows = sizes[i / 6].rows;
        s.reset = (enum problem_reset)(i % 3);
        s.ragged = i % 2 != 0;
        s.way = (enum problem_way)check_below(PROBLEM_WAYS);
        s.bias = BIAS_4;
        s.masked = one_in(2);
        s.tiny = one_in(2);
        problem p = problem_make(&s);
        way w = way_random(&p, check_this());
        answer got = drive(&p, &w), exact = definition_solve(&p);
        answer_check(&p, &exact, &got, way_text(&w));
        guarded_free_all();
    }
}

/*
 * A thousand steps. The error of a state enters the next step, so a bound that holds for each step may grow without end:
 * with ordinary weights the worst case does, though no real error does (deviation.c). Here the recurrent weights are so
 * small that each step passes on less than it gets. With sum |U| about 1/4 a row and |h|, |n| <= 1, a state's error E adds
 * to z h + (1 - z) n at most z E + (1 - z) (1/4 + 1/32) E + 2 E / 16, less than E for the z that such sums give, so the oracle's
 * bound stays where a few steps bring it (`most`, which only sees to it that the bound says something).
 */
void test_layers_drift(void)
{
    static const size_t sizes[] = {16, 33, 64};
    static const double most[PROBLEM_TIERS] = {1e-5, 4e-4, 1e-5, 1e-5};
    for (size_t i = 0; i < COUNT(sizes) * 3 * PROBLEM_TIERS; i++) {
        problem_shape s = {.input = 8, .hidden = sizes[i % COUNT(sizes)], .steps = 1000, .rows = 1, .bias = BIAS_6};
        s.reset = (enum problem_reset)(i / COUNT(sizes) % 3);
        s.tier = (enum problem_tier)(i / COUNT(sizes) / 3);
        /* An emulator without fused multiply-adds takes ten seconds or more for one of the largest. */
        if (!drive_has_tier(check_this(), s.tier) || !check_turn(i, s.hidden / 2)) {
            continue;
        }
        problem p = problem_make(&s);
        for (int g = s.reset == RESET_NOTHING; g < 3; g++) {
            for (size_t k = 0; k < s.hidden * s.hidden; k++) {
                p.u[0][g][k] *= 0.5f / sqrtf((float)s.hidden);
            }
        }
        way w = {.backend = check_this()};
        answer got = drive(&p, &w);
        oracle_answer about = oracle_solve(&p);
        double largest = oracle_check(&p, &about, &got, "a thousand steps");
        CHECK(largest <= most[s.tier], "%s: a bound of %g shows nothing", problem_text(&p), largest);
        guarded_free_all();
    }
}
