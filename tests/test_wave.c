/* SPDX-License-Identifier: BSD-2-Clause */
/* test_wave.c: layers side by side, each some chunks behind the one below. */
#include "tally.h"
#include "tower.h"
#include "wave.h"

#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* --- Waves of any work ------------------------------------------------------------------------------ */

enum { MOST_WAVE_LAYERS = 6, MOST_CHUNKS = 60 };

/* A job whose result shows each mistake: what a layer makes of a chunk depends on what it made of the chunk before and
 * on what the one below made of the same, and lies where the layer's chunk before last was. These values are plain
 * memory, and the counters relaxed, so nothing but the code under test orders the accesses, and ThreadSanitizer sees
 * when it doesn't. */
typedef struct job {
    size_t lowest, layers, chunks;
    bool disturbed; /* some calls lose their CPU for a while */
    uint64_t value[MOST_WAVE_LAYERS][2];
    atomic_size_t done[MOST_WAVE_LAYERS];
    atomic_uint mistakes;
    _Alignas(64) unsigned char state[MOST_WAVE_LAYERS * 64 + 64];
} job;

/* The first of the layers below layer i, which are those up to i; i if there are none. */
static size_t lowest_below(const job *j, size_t i)
{
    return i < j->lowest ? i : i == j->lowest ? 0 : i - 1;
}

static uint64_t value_of(const job *j, uint64_t value[][2], size_t i, size_t c)
{
    uint64_t a = 7 * value[i][(c + 1) % 2] + 1000 * i + c;
    for (size_t b = lowest_below(j, i); b < i; b++) {
        a = (a + value[b][c % 2]) * UINT64_C(0x9e3779b97f4a7c15);
    }
    a = (a + 1) * UINT64_C(0x9e3779b97f4a7c15);
    return a ^ (a >> 29);
}

static size_t done(job *j, size_t layer)
{
    return atomic_load_explicit(&j->done[layer], memory_order_relaxed);
}

static void work(void *context, size_t i, size_t c)
{
    job *j = context;
    const size_t above = i < j->lowest ? j->lowest : i + 1;
    bool ready = done(j, i) == c && (above >= j->layers || done(j, above) + 2 > c);
    for (size_t b = lowest_below(j, i); b < i; b++) {
        ready = ready && done(j, b) > c;
    }
    if (!ready) {
        atomic_fetch_add_explicit(&j->mistakes, 1, memory_order_relaxed);
    }
    j->value[i][c % 2] = value_of(j, j->value, i, c);
    if (j->disturbed && j->value[i][c % 2] % 16 == 0) {
        usleep(100);
    }
    atomic_store_explicit(&j->done[i], c + 1, memory_order_relaxed);
}

static void run_job(job *j, const gru_pool *pool, const char *what)
{
    uint64_t want[MOST_WAVE_LAYERS][2] = {{0}};
    for (size_t c = 0; c < j->chunks; c++) {
        for (size_t i = 0; i < j->layers; i++) {
            want[i][c % 2] = value_of(j, want, i, c);
        }
    }
    memset(j->value, 0, sizeof j->value);
    memset(j->state, 0xa5, sizeof j->state);
    for (size_t i = 0; i < j->layers; i++) {
        atomic_store(&j->done[i], 0);
    }
    atomic_store(&j->mistakes, 0);
    if (!CHECK(gru_wave_bytes(j->layers) < sizeof j->state, "%zu bytes of state", gru_wave_bytes(j->layers))) {
        return;
    }
    gru_wave_run(pool, j->lowest, j->layers, j->chunks, work, j, j->state);
    bool right = atomic_load(&j->mistakes) == 0;
    for (size_t i = gru_wave_bytes(j->layers); i < sizeof j->state; i++) {
        right = right && j->state[i] == 0xa5;
    }
    for (size_t i = 0; i < j->layers; i++) {
        right = right && done(j, i) == j->chunks && want[i][0] == j->value[i][0] && want[i][1] == j->value[i][1];
    }
    CHECK(right, "%zu layers, %zu the lowest, %zu chunks, %s: %u calls came too early or twice, or a state is small",
          j->layers, j->lowest, j->chunks, what, atomic_load(&j->mistakes));
}

static job draw_job(void)
{
    job j = {.layers = 1 + check_below(MOST_WAVE_LAYERS), .chunks = check_below(MOST_CHUNKS), .lowest = 1};
    if (j.layers > 2) {
        j.lowest += check_below(j.layers - 1);
    }
    j.disturbed = check_below(4) == 0;
    return j;
}

void test_wave_order(void)
{
    static const char *const tempers[] = {"all tasks, last first", "no task", "every other task"};
    for (size_t i = 0; i < 60; i++) {
        job j = draw_job();
        tally mine = {.temper = (enum temper)(i % TEMPERS)};
        const gru_pool pool = tally_pool(&mine, 1 + check_below(8));
        run_job(&j, NULL, "no pool");
        run_job(&j, &pool, tempers[i % 3]);
        const size_t tasks = pool.threads < j.layers ? pool.threads : j.layers;
        CHECK(mine.calls == 1 && mine.tasks == tasks, "%zu calls of the pool, %zu tasks", mine.calls, mine.tasks);
    }
}

/* More threads than CPUs among them, which give their CPUs away. */
void test_wave_team_order(void)
{
    for (size_t threads = 1; threads <= 5; threads++) {
        gru_team *team = NULL;
        if (!CHECK(gru_team_create(&team, threads, NULL, NULL) == GRU_OK, "a team of %zu", threads)) {
            return;
        }
        for (size_t i = 0; i < 200; i++) {
            job j = draw_job();
            run_job(&j, gru_team_pool(team), "a team");
        }
        gru_team_destroy(team);
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
    {{2, 40, 7, 40, 40, true, true}, 2, 2},
    /* One layer, whose inputs go ahead of its steps. */
    {{1, 200, 3, 40, 40, true, true}, 2, 2},
    /* One thread, too few chunks, a lone step, too little work. */
    {{2, 130, 3, 40, 40, true, true}, 1, 0},
    {{2, 16, 3, 40, 40, true, true}, 2, 0},
    {{2, 20, 7, 40, 40, true, true}, 2, 0},
    {{2, 1, 3, 40, 40, true, true}, 2, 0},
    {{2, 100, 1, 16, 16, true, true}, 2, 0},
    {{4, 20, 7, 40, 40, true, true}, 2, 0},
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
        tally mine = {.temper = (enum temper)(i % TEMPERS)};
        const gru_pool pool = tally_pool(&mine, c->threads);
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
        const gru_pool pool = tally_pool(&mine, 2);
        /* Of 40 units a chunk of twelve rows is worth two threads, with two gates and one input, too. */
        const tower_shape shape = {2 + i % 3, 120, i % 2 ? 12 : 3, 40, 56, i % 2 != 0, false};
        tower t = tower_draw(&shape);
        tower_run(&t, &pool, false);
        if (shape.rows > 7) {
            CHECK(mine.calls > 1, "each chunk of each layer is cut, and not all together: %zu calls", mine.calls);
        } else if (has_backward_layer(&t)) {
            CHECK(mine.calls <= 2 * t.count, "with a backward layer each direction asks once at most: %zu calls",
                  mine.calls);
        }
        guarded_free_all();
    }
}

/* Where slices of units are the better way: large weights, and few layers for many threads. */
void test_wave_slices(void)
{
    static const tower_shape shapes[] = {{2, 40, 1, 216, 216, true, true}, {2, 70, 1, 112, 112, true, true}};
    for (size_t i = 0; i < COUNT(shapes); i++) {
        tally mine = {.temper = ALL};
        const gru_pool pool = tally_pool(&mine, i == 0 ? 2 : 8);
        tower t = tower_draw(&shapes[i]);
        tower_run(&t, &pool, false);
        CHECK(mine.calls > 1, "a stack of layers to be cut, case %zu: %zu calls", i, mine.calls);
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
        tally all = {0};
        const gru_pool pool = tally_team(&all, team);
        for (size_t i = 0; i < 6; i++) {
            if (!check_turn(i, 3)) {
                continue;
            }
            const tower_shape shape = {2 + i % 3, 100 + check_below(100), 1 + check_below(7), 32, 56, true, false};
            tower t = tower_draw(&shape);
            tower_run(&t, &pool, false);
            guarded_free_all();
        }
        gru_team_destroy(team);
    }
}

/* Short runs let a team sleep, and are as they would be without one: stacks that would go in a wave and that wouldn't. */
void test_wave_asleep(void)
{
    static const tower_shape shapes[] = {{3, 100, 1, 56, 56, true, true}, {2, 20, 9, 40, 40, true, false}};
    for (size_t i = 0; i < COUNT(shapes); i++) {
        gru_team *team = NULL;
        if (!CHECK(gru_team_create(&team, 2, NULL, NULL) == GRU_OK, "a team of 2")) {
            return;
        }
        const gru_pool *pool = gru_team_pool(team);
        CHECK(tally_sleeps(pool), "a team without work sleeps");
        tower t = tower_draw(&shapes[i]);
        tower_run(&t, pool, false);
        gru_team_destroy(team);
        guarded_free_all();
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
