/* SPDX-License-Identifier: BSD-2-Clause */
/* test_bits.c: one result: the same bits whatever the back end, layout, alignment, split, pool or order of rows. */
#include "drive.h"
#include "tally.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/*
 * Problem number i of a list whose sizes straddle every back end's groups and tiles. `split` asks for one that can be
 * cut into calls of a few steps. What all results must equal is that of the scalar back end in the plainest way.
 */
static problem draw(size_t i, bool split)
{
    static const size_t hidden[] = {1, 7, 16, 17, 33, 64, 70, 100}, rows[] = {1, 3, 8, 17, 2, 5};
    problem_shape s = {.hidden = hidden[i % COUNT(hidden)], .rows = rows[i % COUNT(rows)], .steps = 3 + i % 4};
    s.input = 1 + check_below(50);
    s.reset = (enum problem_reset)(i % 3);
    s.replace = check_below(2) != 0;
    s.bias = (enum problem_bias)check_below(PROBLEM_BIASES);
    s.way = (enum problem_way)(check_below(split ? 2 : PROBLEM_WAYS));
    s.tier = drive_has_tier(check_scalar(), TIER_SLEEF_1ULP) ? (enum problem_tier)check_below(PROBLEM_TIERS) : TIER_4E7;
    s.hard = check_below(4) == 0;
    s.clipped = check_below(4) == 0;
    s.ragged = check_below(2) != 0;
    s.initial = check_below(4) != 0;
    s.masked = check_below(3) == 0;
    s.reset_state = check_below(2) != 0;
    s.computed_order = !split && check_below(4) == 0;
    s.tiny = check_below(3) == 0;
    return problem_make(&s);
}

void test_bits_layouts(void)
{
    for (size_t i = 0; i < 96; i++) {
        if (!check_turn(i, 12)) {
            continue;
        }
        problem p = draw(i, false);
        answer want = drive_reference(&p);
        for (size_t k = 0; k < 4; k++) {
            way w = way_random(&p, check_this());
            drive_compare(&p, &want, &w);
        }
        guarded_free_all();
    }
}

/* Every alignment of a float within a cache line, counted from a guard page before and from one after each array. */
void test_bits_alignments(void)
{
    for (size_t i = 0; i < 6; i++) {
        problem p = draw(i + 3, false);
        answer want = drive_reference(&p);
        for (size_t offset = 0; offset < 16; offset++) {
            if (!check_turn(16 * i + offset, 4)) {
                continue;
            }
            way before = {.backend = check_this(), .offset = offset, .side = GUARD_BEFORE};
            way after = {.backend = check_this(), .offset = offset, .side = GUARD_AFTER, .in_place = true};
            drive_compare(&p, &want, &before);
            drive_compare(&p, &want, &after);
        }
        guarded_free_all();
    }
}

/* T steps at once, one a call, or a few a call; the batch at once, each row alone, or a few at a time. */
void test_bits_splits(void)
{
    for (size_t i = 0; i < 48; i++) {
        if (!check_turn(i, 12)) {
            continue;
        }
        problem p = draw(i, true);
        answer want = drive_reference(&p);
        for (size_t steps = 0; steps <= 3; steps++) {
            static const size_t rows[] = {0, 1, 2, 3, 7};
            for (size_t k = 0; k < COUNT(rows); k++) {
                way w = {
                    .backend = check_this(), .step_chunk = steps, .row_chunk = rows[k], .in_place = (i + k) % 2 != 0};
                drive_compare(&p, &want, &w);
            }
        }
        guarded_free_all();
    }
}

/* Asking for less changes nothing of the rest. Number 9, which has all three gates, several steps
 * and rows, is never left out. */
void test_bits_wanted(void)
{
    for (size_t i = 0; i < 24; i++) {
        if (!check_turn(i, 6) && i != 9) {
            continue;
        }
        problem p = draw(i, false);
        answer want = drive_reference(&p);
        for (unsigned mask = 0; mask < 32; mask++) {
            way w = {.backend = check_this(), .no_y = mask & 1, .no_last = mask & 2};
            for (int g = 0; g < 3; g++) {
                w.no_gate[g] = (mask >> g & 4) != 0;
            }
            drive_compare(&p, &want, &w);
        }
        guarded_free_all();
    }
}

/* --- Pools ----------------------------------------------------------------------------------------- */

void test_bits_pools(void)
{
    tally all = {.temper = ALL}, nothing = {.temper = NOTHING}, some = {.temper = EVERY_OTHER};
    const gru_pool pools[] = {tally_pool(&all, 1), tally_pool(&all, 2), tally_pool(&nothing, 3), tally_pool(&some, 5),
                              tally_pool(&all, 64)};
    for (size_t i = 0; i < 32; i++) {
        if (!check_turn(i, 6)) {
            continue;
        }
        problem p = draw(i, false);
        answer want = drive_reference(&p);
        for (size_t k = 0; k < COUNT(pools); k++) {
            way w = way_random(&p, check_this());
            w.pool = &pools[k];
            drive_compare(&p, &want, &w);
        }
        guarded_free_all();
    }
}

void test_bits_teams(void)
{
    for (size_t threads = 1; threads <= 4; threads++) {
        gru_team *team = NULL;
        gru_error error = {0};
        if (!CHECK_STATUS(gru_team_create(&team, threads, NULL, &error), GRU_OK, &error, "a team of %zu", threads)) {
            return;
        }
        tally t = {0};
        const gru_pool pool = tally_team(&t, team);
        for (size_t i = 0; i < 24; i++) {
            if (!check_turn(i + threads, 6)) {
                continue;
            }
            problem p = draw(i, false);
            answer want = drive_reference(&p);
            way w = way_random(&p, check_this());
            w.pool = i % 3 == 0 ? gru_team_pool(team) : &pool;
            drive_compare(&p, &want, &w);
            guarded_free_all();
        }
        gru_team_destroy(team);
    }
}

/* --- Rows ------------------------------------------------------------------------------------------ */

/* The same problem with its rows in another order: row b of the new one is row order[b] of the old one. */
static problem permuted(const problem *p, const size_t *order)
{
    problem q = *p;
    size_t rows = p->shape.rows, hidden = p->shape.hidden;
    q.x = guarded_floats(p->shape.steps * rows * p->shape.input, GUARD_AFTER, 0);
    q.h0 = p->h0 ? guarded_floats(count_last(p), GUARD_AFTER, 0) : NULL;
    q.reset_to = p->reset_to ? guarded_floats(count_last(p), GUARD_AFTER, 0) : NULL;
    q.lengths = p->lengths ? guarded_bytes(rows * sizeof(size_t), GUARD_AFTER, 0) : NULL;
    q.mask = p->mask ? guarded_bytes(p->shape.steps * rows, GUARD_AFTER, 0) : NULL;
    for (size_t b = 0; b < rows; b++) {
        for (size_t t = 0; t < p->shape.steps; t++) {
            memcpy(q.x + at_x(p, t, b), p->x + at_x(p, t, order[b]), p->shape.input * sizeof(float));
            if (p->mask) {
                q.mask[t * rows + b] = p->mask[t * rows + order[b]];
            }
        }
        for (size_t d = 0; d < p->directions; d++) {
            if (p->h0) {
                memcpy(q.h0 + at_state(p, b, d), p->h0 + at_state(p, order[b], d), hidden * sizeof(float));
            }
            if (p->reset_to) {
                memcpy(q.reset_to + at_state(p, b, d), p->reset_to + at_state(p, order[b], d), hidden * sizeof(float));
            }
        }
        if (p->lengths) {
            q.lengths[b] = p->lengths[order[b]];
        }
    }
    return q;
}

static answer permuted_answer(const problem *p, const answer *a, const size_t *order)
{
    answer b = answer_make(p);
    size_t hidden = p->shape.hidden;
    for (size_t row = 0; row < p->shape.rows; row++) {
        for (size_t d = 0; d < p->directions; d++) {
            memcpy(b.last + at_state(p, row, d), a->last + at_state(p, order[row], d), hidden * sizeof(float));
        }
        for (size_t t = 0; t < p->shape.steps; t++) {
            memcpy(b.y + at_y(p, t, row, 0), a->y + at_y(p, t, order[row], 0), p->width * sizeof(float));
            for (int g = p->shape.reset == RESET_NOTHING; g < 3; g++) {
                memcpy(b.gates[g] + at_gate(p, t, row, 0), a->gates[g] + at_gate(p, t, order[row], 0),
                       p->directions * hidden * sizeof(float));
            }
        }
    }
    return b;
}

void test_bits_permuted(void)
{
    for (size_t i = 0; i < 48; i++) {
        if (!check_turn(i, 6)) {
            continue;
        }
        problem p = draw(i, false);
        answer straight = drive_reference(&p);
        size_t order[32];
        for (size_t b = 0; b < p.shape.rows; b++) {
            size_t k = check_below(b + 1);
            order[b] = order[k];
            order[k] = b;
        }
        if (straight.y != NULL) {
            problem q = permuted(&p, order);
            answer want = permuted_answer(&p, &straight, order);
            way w = way_random(&q, check_this());
            drive_compare(&q, &want, &w);
        }
        guarded_free_all();
    }
}

/* Sizes beyond what the slow definition is run on: several tiles in each direction, and blocks of steps. The fifth
 * one's input is longer than the block of weights that a product takes at a time. The last ones are too large for a
 * cache, so that their tiles fetch weights ahead: in each reset's number of gates, with more rows than go together. */
void test_bits_large(void)
{
    static const size_t sizes[][4] = {{300, 257, 3, 6}, {129, 384, 2, 33}, {20, 130, 140, 2}, {513, 96, 5, 9},
                                      {2100, 20, 2, 33}, {8, 364, 1, 12},  {8, 300, 1, 20},   {8, 520, 1, 24},
                                      {8, 364, 1, 70}};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        if (!check_turn(i, 3) && i != 8) {
            continue;
        }
        problem_shape s = {.input = sizes[i][0], .hidden = sizes[i][1], .steps = sizes[i][2], .rows = sizes[i][3]};
        s.reset = i < 5 ? (enum problem_reset)check_below(3) : (enum problem_reset)(i % 3);
        s.bias = BIAS_6;
        s.way = i == 3 ? WAY_BOTH : WAY_FORWARD;
        s.ragged = i % 2 == 0;
        s.initial = true;
        problem p = problem_make(&s);
        answer want = drive_reference(&p);
        way w = way_random(&p, check_this());
        drive_compare(&p, &want, &w);
        guarded_free_all();
    }
}

/* Layers whose weights steps walk through to and fro: a sequence, every other step of which goes backward, and steps
 * alone, which draw their way from the state unless they are told it. The first-level cache's share makes their pieces.
 * Sixteen rows fetch weights ahead, beginning with a narrow group where they go backward. Of 340 units z's weights
 * stand apart where the reset comes before, which is never left out. */
void test_bits_turning(void)
{
    static const size_t sizes[][3] = {{64, 9, 1},  {80, 5, 1},  {103, 5, 1}, {119, 5, 1},
                                      {136, 5, 1}, {230, 9, 1}, {257, 9, 1}, {272, 9, 1}, {340, 5, 1}, {363, 2, 16}};
    for (size_t i = 0; i < COUNT(sizes) * 3; i++) {
        if (!check_turn(i, 4) && i != 28) {
            continue;
        }
        const size_t *size = sizes[i / 3];
        problem_shape s = {.input = 8, .hidden = size[0], .steps = size[1], .rows = size[2]};
        s.reset = (enum problem_reset)(i % 3);
        s.bias = BIAS_6;
        s.initial = true;
        problem p = problem_make(&s);
        answer want = drive_reference(&p);
        for (size_t alone = 0; alone < 2; alone++) {
            way w = {.backend = check_this(), .step_chunk = alone, .in_place = alone != 0};
            way_want_gates(&w, false);
            drive_compare(&p, &want, &w);
        }
        guarded_free_all();
    }
}
