/* SPDX-License-Identifier: BSD-2-Clause */
/* test_faint_cases.c: faint rows (test_faint.c) in single cases that random layers hardly ever come to. */
#include "definition.h"
#include "drive.h"

#include <math.h>

/* As a sequence that wants no gates, and step by step. */
static void check(const problem *p)
{
    answer want = definition_solve(p);
    for (size_t alone = 0; alone < 2; alone++) {
        way w = {.backend = check_this(), .step_chunk = alone};
        way_want_gates(&w, false);
        drive_compare(p, &want, &w);
    }
}

static void multiply(float *array, size_t n, float by)
{
    for (size_t i = 0; i < n; i++) {
        array[i] *= by;
    }
}

/* Makes all weights of the state, and on demand those of x, so small that rows of theirs may be faint. */
static void shrink(problem *p, bool input)
{
    for (int g = p->shape.reset == RESET_NOTHING; g < 3; g++) {
        multiply(p->u[0][g], p->shape.hidden * p->shape.hidden, 0x1p-40f);
        if (input) {
            multiply(p->w[0][g], p->shape.hidden * p->shape.input, 0x1p-40f);
        }
    }
}

/* Layers so small that steps make the chains over x themselves, each of its own x, unless the state or x must be looked at
 * before them. Of x and the state some are faint. */
void test_faint_beside(void)
{
    static const size_t hidden[] = {4, 5, 8, 16, 32};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden * 12; i++) {
        problem_shape s = {.hidden = hidden[i / 12], .input = (hidden[i / 12] + 1) / 2, .steps = 5, .rows = 1};
        s.reset = (enum problem_reset)(i % 3);
        s.bias = i / 3 % 2 ? BIAS_6 : BIAS_0;
        s.initial = check_below(2) != 0;
        problem p = problem_make(&s);
        shrink(&p, i / 6 % 2 != 0);
        multiply(p.x + check_below(s.steps) * s.input, s.input, 0x1p-60f);
        if (s.initial) {
            multiply(p.h0, s.hidden, 0x1p-60f);
        }
        check(&p);
        guarded_free_all();
    }
}

/* A NaN in one unit's r is one in each unit's candidate, however faint the state is that r resets. */
void test_faint_nan(void)
{
    for (size_t hidden = 2; hidden <= 40; hidden += 1 + hidden / 4) {
        problem_shape s = {.hidden = hidden, .input = 1, .steps = 2, .rows = 1, .reset = RESET_STATE, .bias = BIAS_6};
        s.initial = true;
        problem p = problem_make(&s);
        shrink(&p, check_below(2) != 0);
        multiply(p.h0, hidden, 0x1p-60f);
        p.bx[0][PROBLEM_RESET][check_below(hidden)] = NAN;
        check(&p);
        guarded_free_all();
    }
}

/* A lone step of a faint x that is looked at, with both places for the new state and none for the old one. */
void test_faint_first(void)
{
    for (size_t hidden = 1; hidden <= 40; hidden += 1 + hidden / 4) {
        problem p = problem_make(&(problem_shape){.hidden = hidden, .input = 2, .steps = 1, .rows = 1});
        shrink(&p, true);
        multiply(p.x, p.shape.input, 0x1p-60f);
        check(&p);
        guarded_free_all();
    }
}

/* Each number of a long row counts: a single product is 2^-90, in which no bit could tell a row from zeros, but all of them
 * are a unit in the last place of the bias that the other chain starts at, or more. A z of 0 shows the candidate. */
static void check_length(size_t length, bool of_x)
{
    problem_shape s = {.hidden = of_x ? 5 : length, .input = of_x ? length : 3, .steps = 1, .rows = 1, .bias = BIAS_6};
    s.reset = RESET_NOTHING;
    s.initial = true;
    problem p = problem_make(&s);
    for (int g = PROBLEM_UPDATE; g <= PROBLEM_CANDIDATE; g++) {
        for (size_t i = 0; i < s.hidden * s.input; i++) {
            p.w[0][g][i] = of_x ? 0x1p-40f : 0.0f;
        }
        for (size_t i = 0; i < s.hidden * s.hidden; i++) {
            p.u[0][g][i] = of_x ? 0.0f : 0x1p-40f;
        }
        for (size_t j = 0; j < s.hidden; j++) {
            const float bias = g == PROBLEM_UPDATE ? -200.0f : 0x1.8p-61f;
            p.bx[0][g][j] = of_x ? 0.0f : bias;
            p.bh[0][g][j] = of_x ? bias : 0.0f;
        }
    }
    for (size_t i = 0; i < s.input; i++) {
        p.x[i] = 0x1p-50f;
    }
    for (size_t j = 0; j < s.hidden; j++) {
        p.h0[j] = 0x1p-50f;
    }
    check(&p);
    guarded_free_all();
}

void test_faint_length(void)
{
    for (size_t length = 64; length <= 256; length += 64) {
        check_length(length, true);
        check_length(length, false);
    }
}
