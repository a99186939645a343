/* SPDX-License-Identifier: BSD-2-Clause */
/* test_ahead.c: steps of one row that make the chains over x of those to come: which do, and the same bits. */
#include "drive.h"
#include "layer.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* How many steps a chunk has with each reset, where the back end has tiles for it. */
typedef struct ahead_case {
    size_t input, hidden, steps, chunk[3];
} ahead_case;

static const ahead_case cases[] = {
    /* A last vector of few units, which has no tile, and steps that get through all the others'. */
    {40, 150, 90, {12, 12, 16}},
    /* Units that fill all vectors, and not; inputs by fours, and not; a last chunk of fewer steps than a tile. */
    {96, 96, 29, {12, 12, 0}},
    {93, 93, 31, {12, 12, 0}},
    {97, 97, 50, {12, 12, 0}},
    {33, 128, 100, {12, 12, 0}},
    {144, 144, 40, {12, 12, 16}},
    {150, 150, 24, {12, 12, 0}},
    {160, 160, 30, {12, 12, 0}},
    {50, 176, 149, {18, 18, 16}},
    {192, 192, 202, {24, 24, 24}},
    /* More inputs than a step gets through, which are left for after it. */
    {200, 112, 36, {12, 12, 0}},
    {231, 120, 26, {12, 12, 0}},
    /* Both matrices outgrow a second-level cache. */
    {255, 255, 195, {24, 24, 24}},
    {215, 215, 250, {30, 30, 24}},
    /* The largest chunks: two are nearly a block, or one. */
    {210, 210, 528, {60, 60, 32}},
    {256, 256, 512, {0, 0, 64}},
    /* The candidate's chains of three groups, filled, padded twice and narrow; too many inputs; four groups and two. */
    {48, 48, 30, {0, 12, 0}},
    {13, 46, 40, {0, 12, 0}},
    {20, 33, 27, {0, 12, 0}},
    {60, 44, 100, {0, 0, 0}},
    {97, 48, 100, {0, 0, 0}},
    {64, 64, 100, {0, 0, 0}},
    {32, 32, 100, {0, 0, 0}},
    /* Too few steps, too few inputs or too many, too few weights or too many. */
    {128, 128, 23, {0, 0, 0}},
    {255, 255, 191, {0, 0, 16}},
    {31, 128, 100, {0, 0, 0}},
    {257, 128, 100, {0, 0, 0}},
    {84, 84, 100, {0, 12, 0}},
    {75, 76, 100, {0, 12, 0}},
    {75, 75, 100, {0, 0, 0}},
    {256, 256, 200, {0, 0, 0}},
    {134, 134, 100, {12, 12, 16}},
    {133, 133, 100, {12, 12, 0}},
    {320, 320, 512, {0, 0, 0}},
};

static problem problem_of(const ahead_case *c, enum problem_reset reset)
{
    problem_shape s = {.input = c->input, .hidden = c->hidden, .steps = c->steps, .rows = 1};
    s.reset = reset;
    s.replace = check_below(2) != 0;
    s.bias = (enum problem_bias)check_below(PROBLEM_BIASES);
    s.way = (enum problem_way)check_below(PROBLEM_WAYS);
    s.tier = (enum problem_tier)check_below(PROBLEM_TIERS);
    s.tier = drive_has_tier(check_this(), s.tier) ? s.tier : TIER_4E7;
    s.hard = check_below(4) == 0;
    s.clipped = check_below(4) == 0;
    s.ragged = check_below(3) == 0;
    s.initial = check_below(4) != 0;
    s.masked = s.reset_state = check_below(3) == 0;
    return problem_make(&s);
}

/* The first case whatever the seed, as no other is like it; those with the largest chunks take a second, and have fewer
 * turns. */
void test_ahead_bits(void)
{
    for (size_t i = 0; i < 6 * COUNT(cases); i++) {
        const ahead_case *c = &cases[i / 6];
        const enum problem_reset reset = (enum problem_reset)(i % 3);
        if (c->chunk[reset] == 0 || (!check_turn(i, c->steps > 500 ? 32 : 5) && i != 0)) {
            continue;
        }
        problem p = problem_of(c, reset);
        answer want = drive_reference(&p);
        way w = way_random(&p, check_this());
        w.step_chunk = w.row_chunk = 0;
        if (i % 6 < 3) {
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

/* The chunk that a case says, but that steps of few units go ahead only where these are the small layers' own, and a
 * first-level cache has room for more than their weights: of 32 KiB for H = 33, but not for 46. */
static size_t chunk_of(const ahead_case *c, const problem_shape *s)
{
    const bool room = 3 * c->hidden * c->hidden <= gru_first_cache() / 3 * 2;
    const bool general = s->clipped || s->tier == TIER_SLEEF_1ULP;
    return c->hidden <= 64 && (general || !room) ? 0 : c->chunk[s->reset];
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
            const bool can = layer->backend->ahead_rows[3] > 0 && i % 4 < 3;
            const size_t chunk = gru_plan_ahead(layer, c->steps);
            CHECK(chunk == (can ? chunk_of(c, &p.shape) : 0) && 2 * chunk <= gru_plan_block_steps(c->steps, 1),
                  "case %zu of %zu: chunks of %zu", i / 4, i % 4, chunk);
        }
        gru_layer_destroy(layer);
        guarded_free_all();
    }
}
