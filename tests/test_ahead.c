/* SPDX-License-Identifier: BSD-2-Clause */
/* test_ahead.c: steps of one row that make the chains over x of those to come: which do, and the same bits. */
#include "drive.h"
#include "layer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* How many steps a chunk has, where the back end has tiles for it, and the reset gives it three gates. */
typedef struct ahead_case {
    size_t input, hidden, steps, chunk;
} ahead_case;

static const ahead_case cases[] = {
    /* A last vector of few units, which has no tile, and steps that get through all the others'. */
    {40, 150, 90, 12},
    /* Units that fill all vectors, and not; inputs by fours, and not; a last chunk of fewer steps than a tile. */
    {96, 96, 29, 12},
    {93, 93, 31, 12},
    {97, 97, 50, 12},
    {33, 128, 100, 12},
    {144, 144, 40, 12},
    {150, 150, 24, 12},
    {160, 160, 30, 12},
    {50, 176, 149, 18},
    {192, 192, 202, 24},
    /* More inputs than a step gets through, which are left for after it. */
    {200, 112, 36, 12},
    {231, 120, 26, 12},
    /* Both matrices outgrow a second-level cache. */
    {255, 255, 195, 24},
    {215, 215, 250, 30},
    /* The largest chunk: two are nearly a block. */
    {210, 210, 528, 60},
    /* Too few steps, too few inputs or too many, too few weights or too many. */
    {128, 128, 23, 0},
    {255, 255, 191, 0},
    {31, 128, 100, 0},
    {257, 128, 100, 0},
    {84, 84, 100, 0},
    {256, 256, 200, 0},
};

static problem problem_of(const ahead_case *c, enum problem_reset reset)
{
    problem_shape s = {.input = c->input, .hidden = c->hidden, .steps = c->steps, .rows = 1};
    s.reset = reset;
    s.replace = check_below(2) != 0;
    s.bias = (enum problem_bias)check_below(PROBLEM_BIASES);
    s.way = (enum problem_way)check_below(PROBLEM_WAYS);
    s.hard = check_below(4) == 0;
    s.clipped = check_below(4) == 0;
    s.ragged = check_below(3) == 0;
    s.initial = check_below(4) != 0;
    s.masked = s.reset_state = check_below(3) == 0;
    return problem_make(&s);
}

/* The first case whatever the seed, as no other is like it; the one with the largest chunk takes a second, and has
 * fewer turns. */
void test_ahead_bits(void)
{
    for (size_t i = 0; i < 4 * COUNT(cases); i++) {
        const ahead_case *c = &cases[i / 4];
        if (c->chunk == 0 || (!check_turn(i, c->steps > 500 ? 32 : 4) && i != 0)) {
            continue;
        }
        problem p = problem_of(c, i % 2 ? RESET_STATE : RESET_PRODUCT);
        answer want = drive_reference(&p);
        way w = way_random(&p, check_this());
        w.step_chunk = w.row_chunk = 0;
        if (i % 4 < 2) {
            way_want_gates(&w, false);
        }
        drive_compare(&p, &want, &w);
        guarded_free_all();
    }
}

/* All of a problem's weights, so that its faint rows take no part in products (src/faint.h). */
static void shrink(problem *p)
{
    for (size_t d = 0; d < p->directions; d++) {
        for (int g = 0; g < 3; g++) {
            for (size_t k = 0; k < p->shape.hidden * p->shape.input; k++) {
                p->w[d][g][k] *= 0x1p-40f;
            }
            for (size_t k = 0; k < p->shape.hidden * p->shape.hidden; k++) {
                p->u[d][g][k] *= 0x1p-40f;
            }
        }
    }
}

/* A case as it is, with the three resets, and with weights so small that steps look at their rows first. */
void test_ahead_cases(void)
{
    for (size_t i = 0; i < 4 * COUNT(cases); i++) {
        const ahead_case *c = &cases[i / 4];
        problem p = problem_of(c, (enum problem_reset)(i % 4 % 3));
        if (i % 4 == 3) {
            shrink(&p);
        }
        way plain = {.backend = check_this()};
        gru_layer *layer = drive_layer(&p, &plain);
        if (layer != NULL) {
            const bool can = layer->backend->ahead_rows > 0 && i % 4 < 2;
            const size_t chunk = gru_plan_ahead(layer, c->steps);
            CHECK(chunk == (can ? c->chunk : 0) && 2 * chunk <= gru_plan_block_steps(c->steps, 1),
                  "case %zu of %zu: chunks of %zu", i / 4, i % 4, chunk);
        }
        gru_layer_destroy(layer);
        guarded_free_all();
    }
}
