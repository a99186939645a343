/* SPDX-License-Identifier: BSD-2-Clause */
/* test_cut.c: runs of a layer that are cut for a pool: into what, and to the same bits. */
#include "drive.h"
#include "layer.h"
#include "phases.h"
#include "tally.h"
#include "wave.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* In one call, any other way. */
static void compare(const problem *p, const answer *want, const gru_pool *pool)
{
    way w = way_random(p, check_this());
    w.pool = pool;
    w.step_chunk = w.row_chunk = 0;
    drive_compare(p, want, &w);
}

/* Runs that are large enough to be cut: the first four into parts of rows, and the last, where a part is ragged to
 * nothing, beside a row that has all the steps; the others into slices of units, since the weights are many or the rows
 * few. Of 700 units each group is a slice where there are threads enough, which takes all of the workspace. 258 steps
 * are three blocks. */
void test_cut_bits(void)
{
    static const size_t sizes[][4] = {{20, 24, 9, 17}, {24, 33, 12, 9}, {16, 40, 4, 64},
                                      {20, 60, 1, 40}, {4, 340, 2, 9},  {4, 700, 2, 1},  {20, 100, 1, 4},
                                      {3, 100, 258, 1}, {8, 16, 64, 16}};
    tally all = {.temper = ALL}, nothing = {.temper = NOTHING}, some = {.temper = EVERY_OTHER};
    const gru_pool pools[] = {tally_pool(&all, 3), tally_pool(&nothing, 2), tally_pool(&some, 300)};
    gru_team *team = NULL;
    gru_error error = {0};
    if (!CHECK_STATUS(gru_team_create(&team, 3, NULL, &error), GRU_OK, &error, "a team of 3")) {
        return;
    }
    for (size_t i = 0; i < 6 * COUNT(sizes); i++) {
        const size_t *size = sizes[i / 6];
        if (!check_turn(i, 6) && i != 33 && i != 43 && i != 45) {
            continue;
        }
        problem_shape s = {.input = size[0], .hidden = size[1], .steps = size[2], .rows = size[3], .bias = BIAS_6};
        s.reset = (enum problem_reset)(i % 3);
        s.way = size[2] > 1 ? (enum problem_way)check_below(PROBLEM_WAYS) : WAY_FORWARD;
        s.ragged = i % 2 == 0;
        s.initial = true;
        s.masked = s.reset_state = size[2] > 1 && check_below(2);
        problem p = problem_make(&s);
        if (s.ragged && i / 6 == COUNT(sizes) - 1) {
            memset(p.lengths, 0, s.rows * sizeof *p.lengths);
            p.lengths[5] = s.steps;
        }
        answer want = drive_reference(&p);
        for (size_t k = 0; k <= COUNT(pools); k++) {
            compare(&p, &want, k < COUNT(pools) ? &pools[k] : gru_team_pool(team));
        }
        guarded_free_all();
    }
    gru_team_destroy(team);
}

/* --- What goes side by side ------------------------------------------------------------------------- */

/* How often the pool is asked (by each of two directions that take turns), and for how many tasks the last time. */
typedef struct cut_case {
    size_t input, hidden, steps, rows;
    enum problem_way way;
    size_t threads, calls, tasks;
} cut_case;

static const cut_case cases[] = {
    /* Two directions, and these in parts and slices, such that each thread has as much. */
    {40, 40, 60, 1, WAY_BOTH, 2, 1, 2},
    {40, 40, 60, 1, WAY_BOTH, 8, 1, 2},
    {40, 40, 60, 3, WAY_BOTH, 3, 1, 2},
    {16, 24, 20, 16, WAY_BOTH, 2, 1, 2},
    {16, 24, 20, 16, WAY_BOTH, 8, 1, 8},
    {16, 24, 20, 16, WAY_BOTH, 3, 1, 3},
    {16, 24, 20, 17, WAY_BOTH, 5, 1, 4},
    {8, 16, 3, 140, WAY_BOTH, 3, 1, 2},
    {12, 100, 12, 1, WAY_BOTH, 2, 1, 2},
    {12, 100, 12, 1, WAY_BOTH, 4, 1, 4},
    {12, 130, 3, 2, WAY_BOTH, 3, 1, 3},
    {12, 130, 1, 1, WAY_BOTH, 2, 1, 2},
    {12, 130, 1, 3, WAY_BOTH, 4, 1, 4},
    /* In turn: a sum, weights that fill a cache, one thread, too little work. */
    {16, 24, 20, 16, WAY_BOTH_SUM, 2, 2, 2},
    {40, 40, 60, 1, WAY_BOTH_SUM, 2, 0, 0},
    {12, 264, 3, 1, WAY_BOTH, 2, 2, 2},
    {40, 40, 60, 1, WAY_BOTH, 1, 0, 0},
    {8, 16, 20, 1, WAY_BOTH, 2, 0, 0},
    /* Parts of rows, and slices. */
    {16, 24, 20, 16, WAY_FORWARD, 2, 1, 2},
    {12, 100, 12, 1, WAY_REVERSE, 2, 1, 2},
    {12, 110, 40, 1, WAY_FORWARD, 4, 1, 3},
    {12, 100, 12, 1, WAY_FORWARD, 1, 0, 0},
    /* Inputs ahead of the steps, in one piece or in two. */
    {40, 48, 100, 1, WAY_FORWARD, 2, 1, 2},
    {40, 48, 61, 2, WAY_REVERSE, 4, 1, 2},
    {40, 40, 33, 7, WAY_FORWARD, 3, 1, 2},
    {40, 40, 290, 7, WAY_REVERSE, 2, 1, 2},
    {130, 40, 260, 1, WAY_FORWARD, 2, 1, 2},
    {130, 40, 100, 1, WAY_REVERSE, 4, 1, 3},
    {130, 20, 40, 5, WAY_FORWARD, 3, 1, 3},
    {60, 90, 40, 1, WAY_FORWARD, 4, 1, 2},
    {40, 48, 100, 1, WAY_BOTH_SUM, 2, 2, 2},
    /* Too little work, too few inputs, too few steps. */
    {40, 48, 60, 1, WAY_FORWARD, 2, 0, 0},
    {16, 48, 300, 1, WAY_FORWARD, 2, 0, 0},
    {130, 70, 31, 3, WAY_FORWARD, 2, 0, 0},
};

static problem problem_of(const cut_case *c, size_t i)
{
    problem_shape s = {.input = c->input, .hidden = c->hidden, .steps = c->steps, .rows = c->rows, .way = c->way};
    s.bias = BIAS_6;
    s.reset = i % 2 ? RESET_STATE : RESET_PRODUCT;
    s.initial = true;
    s.masked = s.reset_state = i % 3 == 0;
    s.computed_order = check_below(2);
    return problem_make(&s);
}

void test_cut_cases(void)
{
    for (size_t i = 0; i < TEMPERS * COUNT(cases); i++) {
        const cut_case *c = &cases[i / TEMPERS];
        if (!check_turn(i, 3)) {
            continue;
        }
        tally mine = {.temper = (enum temper)(i % TEMPERS)};
        const gru_pool pool = tally_pool(&mine, c->threads);
        problem p = problem_of(c, i);
        answer want = drive_reference(&p);
        compare(&p, &want, &pool);
        CHECK(mine.calls == c->calls && mine.tasks == c->tasks, "case %zu: the pool got %zu calls, of %zu tasks",
              i / TEMPERS, mine.calls, mine.tasks);
        guarded_free_all();
    }
}

/* The same in threads, and with rows of different lengths, which end at different times in the two directions. */
void test_cut_teams(void)
{
    for (size_t threads = 2; threads <= 4; threads++) {
        gru_team *team = NULL;
        if (!CHECK(gru_team_create(&team, threads, NULL, NULL) == GRU_OK, "a team of %zu", threads)) {
            return;
        }
        tally t = {0};
        const gru_pool pool = tally_team(&t, team);
        for (size_t i = 0; i < COUNT(cases); i++) {
            if (!check_turn(i + threads, 4)) {
                continue;
            }
            problem_shape s = problem_of(&cases[i], i).shape;
            s.ragged = true;
            problem p = problem_make(&s);
            answer want = drive_reference(&p);
            compare(&p, &want, &pool);
            guarded_free_all();
        }
        gru_team_destroy(team);
    }
}

/* Batches of which hardly more than one row or two have any steps, so that some part has a single row: its arrays have
 * room for a batch's few steps at a time, not for as many as those of a run of one row. */
void test_cut_lone_rows(void)
{
    static const size_t hidden[] = {96, 128, 160, 250};
    tally all = {.temper = ALL}, nothing = {.temper = NOTHING};
    const gru_pool pools[] = {tally_pool(&all, 2), tally_pool(&nothing, 2), tally_pool(&all, 3)};
    for (size_t i = 0; i < 2 * COUNT(hidden); i++) {
        if (!check_turn(i, 4)) {
            continue;
        }
        problem_shape s = {.input = hidden[i / 2], .hidden = hidden[i / 2], .steps = 210, .rows = 8 + check_below(9)};
        s.reset = i % 2 ? RESET_STATE : RESET_PRODUCT;
        s.bias = BIAS_6;
        s.ragged = s.initial = true;
        s.way = (enum problem_way)check_below(PROBLEM_WAYS);
        problem p = problem_make(&s);
        size_t second = check_below(s.rows);
        for (size_t b = 0; b < s.rows; b++) {
            if (p.lengths[b] < s.steps && b != second) {
                p.lengths[b] = p.lengths[b] > 0;
            }
        }
        answer want = drive_reference(&p);
        for (size_t k = 0; k < COUNT(pools); k++) {
            compare(&p, &want, &pools[k]);
        }
        guarded_free_all();
    }
}

/* Where all rows together have fewer steps than there are parts, some parts have no row. */
void test_cut_empty_parts(void)
{
    enum { SIZE = 128, STEPS = 2, ROWS = 24 };
    tally all = {.temper = ALL};
    const gru_pool pool = tally_pool(&all, 4);
    for (size_t i = 0; i < 4; i++) {
        problem_shape s = {.input = SIZE, .hidden = SIZE, .steps = STEPS, .rows = ROWS, .initial = true};
        s.reset = i < 2 ? RESET_PRODUCT : RESET_STATE;
        problem p = problem_make(&s);
        p.lengths = guarded_bytes(ROWS * sizeof *p.lengths, GUARD_AFTER, 0);
        memset(p.lengths, 0, ROWS * sizeof *p.lengths);
        p.lengths[check_below(ROWS)] = 1 + i % 2;
        answer want = drive_reference(&p);
        all.tasks = 0;
        compare(&p, &want, &pool);
        CHECK(all.tasks == 4, "the pool got %zu tasks, not one for each part", all.tasks);
        guarded_free_all();
    }
}

/* --- Room ------------------------------------------------------------------------------------------- */

/* The end of the arrays of the last part of the rows; without a reset before, there are no s and z. */
static size_t end_of_rows(const struct gru_plan *plan, const gru_layer *layer, size_t rows, size_t parts)
{
    const size_t last = rows / parts;
    const size_t z = layer->desc.reset == GRU_RESET_BEFORE ? last * layer->h_row * sizeof(float) : 0;
    return gru_plan_part(plan, layer, parts - 1, rows - last, last).z + z;
}

/* Whatever the number of threads, what they share fits in the plan, and so do the rows of each and two chunks. */
static void check_room(const gru_layer *layer, size_t steps, size_t rows)
{
    struct gru_plan plan;
    gru_plan_make(&plan, layer, steps, rows);
    for (size_t threads = 1; threads <= 300; threads++) {
        tally all = {.temper = ALL};
        const gru_pool pool = tally_pool(&all, threads);
        const struct gru_cut cut = gru_plan_cut(layer, &pool, steps, rows);
        const size_t bytes = cut.feeders ? gru_wave_bytes(cut.feeders + 1)
                                       : gru_phases_bytes(cut.directions * cut.slices * cut.parts);
        CHECK(bytes <= plan.bytes - plan.shared && (!cut.feeders || 2 * cut.chunk <= plan.block_steps),
              "%zu steps of %zu rows, %zu threads: %zu directions, %zu slices, %zu parts, %zu feeders", steps, rows,
              threads, cut.directions, cut.slices, cut.parts, cut.feeders);
        CHECK(end_of_rows(&plan, layer, rows, cut.parts) + (cut.directions - 1) * plan.apart <= plan.shared,
              "%zu steps of %zu rows, %zu threads, %zu parts", steps, rows, threads, cut.parts);
    }
}

void test_cut_room(void)
{
    static const size_t hidden[] = {5, 17, 40, 64, 100, 130, 250}, steps[] = {1, 2, 31, 32, 100, 1000, 5000};
    static const size_t rows[] = {1, 2, 7, 8, 63, 140, 600, 1100};
    for (size_t i = 0; i < COUNT(hidden) * PROBLEM_WAYS; i++) {
        if (!check_turn(i, 2)) {
            continue;
        }
        problem_shape s = {.input = 1 + check_below(100), .hidden = hidden[i / PROBLEM_WAYS], .steps = 1, .rows = 1};
        s.reset = (enum problem_reset)check_below(3);
        s.way = (enum problem_way)(i % PROBLEM_WAYS);
        problem p = problem_make(&s);
        way plain = {.backend = check_this()};
        gru_layer *layer = drive_layer(&p, &plain);
        for (size_t k = 0; layer != NULL && k < COUNT(steps) * COUNT(rows); k++) {
            check_room(layer, steps[k / COUNT(rows)], rows[k % COUNT(rows)]);
        }
        gru_layer_destroy(layer);
        guarded_free_all();
    }
}

/* Inputs ahead of the steps, of one group of units, so that no other cut needs as much room for what threads share: no
 * byte past the workspace of a run, which begins where aligning it takes most of the line that there is for that. */
void test_cut_feeders_room(void)
{
    for (int temper = 0; temper < TEMPERS; temper++) {
        tally mine = {.temper = (enum temper)temper};
        const gru_pool pool = tally_pool(&mine, 3);
        problem_shape s = {.input = 400, .hidden = check_this()->lanes, .steps = 200, .rows = 1, .bias = BIAS_6};
        s.hidden += s.hidden < 4 ? 3 : 0; /* scalar's inputs take too little time */
        problem p = problem_make(&s);
        answer want = drive_reference(&p);
        const way w = {.backend = check_this(), .pool = &pool, .offset = GRU_LINE - 1, .side = GUARD_AFTER};
        drive_compare(&p, &want, &w);
        CHECK(mine.calls == 1 && mine.tasks == 3, "the pool got %zu calls, of %zu tasks", mine.calls, mine.tasks);
        guarded_free_all();
    }
}

/* Room for both directions at once is no more than twice that of one. */
void test_cut_workspace(void)
{
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t bytes[2] = {0};
        for (int both = 0; both < 2; both++) {
            problem_shape s = problem_of(&cases[i], i).shape;
            s.way = both ? WAY_BOTH : WAY_FORWARD;
            problem p = problem_make(&s);
            way plain = {.backend = check_this()};
            gru_layer *layer = drive_layer(&p, &plain);
            CHECK(layer != NULL && gru_workspace_bytes(layer, s.steps, s.rows, &bytes[both], NULL) == GRU_OK,
                  "workspace");
            gru_layer_destroy(layer);
            guarded_free_all();
        }
        CHECK(bytes[1] <= 2 * bytes[0] + 4096, "case %zu: %zu bytes of one direction, %zu of both", i, bytes[0],
              bytes[1]);
    }
}
