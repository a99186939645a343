/* SPDX-License-Identifier: BSD-2-Clause */
/* test_wave.c: the layers of a stack side by side, each a chunk behind the one below. */
#include "tower.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* --- Pools that count what they are asked for, and run all of it, nothing, or every other task, last first ------- */

enum temper { ALL, NOTHING, SOME };

typedef struct tally {
    enum temper temper;
    size_t calls, tasks;
} tally;

static void run_tally(void *context, void (*task)(void *argument, size_t i), void *argument, size_t count)
{
    tally *t = context;
    t->calls++;
    t->tasks = count;
    for (size_t i = count; i-- > 0 && t->temper != NOTHING;) {
        if (t->temper == ALL || i % 2 == 1) {
            task(argument, i);
        }
    }
}

/* --- Which stacks go in a wave ---------------------------------------------------------------------- */

/* One call of the pool for all layers is a wave; `tasks` is how many it asks for. Otherwise layers of these sizes are
 * too small to be cut, and the pool isn't asked for anything. */
typedef struct wave_case {
    tower_shape shape;
    size_t threads, tasks;
} wave_case;

static const wave_case cases[] = {
    /* As many layers side by side as there are threads, or layers. */
    {{2, 130, 3, 40, 40, true, true}, 2, 2},
    {{2, 130, 3, 40, 40, true, true}, 8, 2},
    {{3, 130, 3, 40, 40, true, true}, 2, 2},
    {{3, 130, 3, 40, 40, true, true}, 3, 3},
    {{4, 180, 2, 44, 48, true, true}, 3, 3},
    {{4, 140, 1, 64, 64, true, true}, 2, 2},
    {{2, 700, 1, 20, 20, true, true}, 2, 2},
    {{2, 70, 1, 110, 112, true, true}, 2, 2},
    {{2, 100, 7, 40, 40, true, true}, 2, 2},
    /* One thread, one layer, many rows, a layer that runs backwards, a short run. */
    {{2, 130, 3, 40, 40, true, true}, 1, 0},
    {{1, 200, 3, 40, 40, true, true}, 2, 0},
    {{2, 16, 3, 40, 40, true, true}, 2, 0},
    {{2, 40, 7, 40, 40, true, true}, 2, 0},
    {{2, 100, 1, 16, 16, true, true}, 2, 0},
    {{4, 48, 7, 40, 40, true, true}, 4, 0},
};

static bool has_backward_layer(const tower *t)
{
    for (size_t i = 0; i < t->count; i++) {
        if (t->p[i].shape.way != WAY_FORWARD) {
            return true;
        }
    }
    return false;
}

void test_wave_cases(void)
{
    for (size_t i = 0; i < 3 * COUNT(cases); i++) {
        const wave_case *c = &cases[i / 3];
        if (!check_turn(i, 3)) {
            continue;
        }
        tally mine = {.temper = (enum temper)(i % 3)};
        const gru_pool pool = {sizeof pool, c->threads, run_tally, &mine};
        tower t = tower_draw(&c->shape);
        tower_run(&t, &pool, i % 2 == 0);
        CHECK(mine.tasks == c->tasks && mine.calls == (c->tasks > 0), "case %zu: the pool got %zu calls, of %zu tasks",
              i / 3, mine.calls, mine.tasks);
        guarded_free_all();
    }
}

/* Layers of any kind, with backward ones among them, and enough rows to be cut. */
void test_wave_others(void)
{
    for (size_t i = 0; i < 8; i++) {
        if (!check_turn(i, 4)) {
            continue;
        }
        tally mine = {.temper = ALL};
        const gru_pool pool = {sizeof pool, 2, run_tally, &mine};
        const tower_shape shape = {2 + i % 3, 120, i % 2 ? 12 : 3, 20, 40, i % 2 != 0, false};
        tower t = tower_draw(&shape);
        tower_run(&t, &pool, false);
        if (shape.rows > 7) {
            CHECK(mine.calls > 1, "each chunk of each layer is cut, and not all together: %zu calls", mine.calls);
        } else if (has_backward_layer(&t)) {
            CHECK(mine.calls == 0, "a stack with a backward layer is no wave: %zu calls", mine.calls);
        }
        guarded_free_all();
    }
}

/* --- Threads ---------------------------------------------------------------------------------------- */

void test_wave_teams(void)
{
    for (size_t threads = 2; threads <= 4; threads++) {
        gru_team *team = NULL;
        if (!CHECK(gru_team_create(&team, threads, NULL, NULL) == GRU_OK, "a team of %zu", threads)) {
            return;
        }
        for (size_t i = 0; i < 6; i++) {
            if (!check_turn(i, 3)) {
                continue;
            }
            const tower_shape shape = {2 + i % 3, 100 + check_below(100), 1 + check_below(7), 32, 56, true, false};
            tower t = tower_draw(&shape);
            tower_run(&t, gru_team_pool(team), false);
            guarded_free_all();
        }
        gru_team_destroy(team);
    }
}

/* --- Memory ----------------------------------------------------------------------------------------- */

enum { MANY = 1 << 30 };

/* The workspace of many steps and rows is enough for fewer, with any pool, and doesn't grow without end. */
void test_wave_workspace(void)
{
    static const size_t steps[] = {0, 1, 15, 16, 17, 31, 32, 47, 48, 49, 200, 512, 1023, 1024, 5000, MANY};
    static const size_t rows[] = {0, 1, 2, 5, 6, 7, 8, 9, 31, 64, 130};
    const tower_shape shape = {1, 1, 1, 40, 40, true, true};
    tower t = tower_draw(&shape);
    way plain = {.backend = check_this()};
    gru_layer *mine = drive_layer(&t.p[0], &plain);
    const gru_layer *layers[] = {mine, mine, mine};
    size_t least[COUNT(rows)] = {0};
    for (size_t s = 0; s < COUNT(steps); s++) {
        for (size_t b = 0, below = 0; b < COUNT(rows); b++) {
            size_t bytes = 0;
            CHECK(gru_stack_workspace_bytes(layers, COUNT(layers), steps[s], rows[b], &bytes, NULL) == GRU_OK &&
                      bytes >= below && bytes >= least[b],
                  "%zu steps of %zu rows need %zu bytes, fewer of either %zu and %zu", steps[s], rows[b], bytes, below,
                  least[b]);
            CHECK(steps[s] < MANY || bytes == least[b], "%zu bytes, which grow with the steps", bytes);
            below = least[b] = bytes;
        }
    }
    gru_layer_destroy(mine);
}
