/* SPDX-License-Identifier: BSD-2-Clause */
/* test_wake.c: which runs wake the threads of a team that sleep: the rule, by a clock of the test's own, and a team. */
#include "drive.h"
#include "layer.h"
#include "plan.h"
#include "tally.h"
#include "team.h"
#include "wake.h"

#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- The rule --------------------------------------------------------------------------------------- */

enum { MICROSECOND = 1000, MILLISECOND = 1000000, APART = 10 * MILLISECOND };

/* Whether a run of so much work, which would take so long, goes without the threads; the clock goes on by as much. */
static bool spares(struct gru_wake *wake, size_t *clock, size_t work, size_t takes)
{
    if (!gru_wake_spares(wake, *clock, work, false)) {
        return false;
    }
    *clock += takes;
    gru_wake_spared(wake, *clock, work);
    return true;
}

/* How many runs that are far apart go without the threads, or with them, before one doesn't; 10,000 at most. */
static size_t many(struct gru_wake *wake, size_t *clock, size_t work, size_t takes, bool spared)
{
    size_t runs = 0;
    do {
        *clock += APART;
    } while (spares(wake, clock, work, takes) == spared && ++runs < 10000);
    *clock += APART;
    return runs;
}

/* Threads come so late, as often as it takes to know that. */
static void come(struct gru_wake *wake, size_t late)
{
    for (int times = 0; times < 50; times++) {
        gru_wake_came(wake, late);
    }
}

/* What is long is known from the runs that were spared a wake, and from wakes. */
void test_wake_long_runs(void)
{
    struct gru_wake wake;
    size_t clock = SIZE_MAX - 500 * MILLISECOND; /* soon wraps round */
    gru_wake_begin(&wake, clock);
    for (int run = 0; run < 80; run++) {
        CHECK(spares(&wake, &clock, 1000, 100 * MICROSECOND), "100 us beside 400, run %d", run);
        clock += APART;
        come(&wake, 400 * MICROSECOND);
    }
    CHECK(!spares(&wake, &clock, 100000, 0), "a hundred times as much as takes 100 us");
    come(&wake, 30 * MICROSECOND);
    CHECK(!spares(&wake, &clock, 1000, 0), "100 us where threads come after 30");
    CHECK(spares(&wake, &clock, 400, 40 * MICROSECOND), "40 us");
    come(&wake, 100 * MILLISECOND);
    clock += APART;
    CHECK(spares(&wake, &clock, 100000, 10 * MILLISECOND), "10 ms where they come after 100");
}

void test_wake_first_run(void)
{
    struct gru_wake wake;
    gru_wake_begin(&wake, 0);
    CHECK(gru_wake_spares(&wake, 1, 19000000, false), "19 million multiply-adds");
    CHECK(!gru_wake_spares(&wake, 1, 21000000, false), "21 million");
}

/* A run that is interrupted, or a thread that once comes very late, changes little. Nothing is believed for ever, but
 * that the shortest runs aren't worth a wake. */
void test_wake_bad_moments(void)
{
    struct gru_wake wake;
    size_t clock = 0;
    gru_wake_begin(&wake, clock);
    for (int run = 0; run < 80; run++, clock += APART) {
        come(&wake, 200 * MICROSECOND);
        spares(&wake, &clock, 1000, 200 * MICROSECOND);
    }
    come(&wake, 200 * MICROSECOND);
    CHECK(spares(&wake, &clock, 1000, 900 * MILLISECOND), "a run that is interrupted");
    clock += APART;
    CHECK(spares(&wake, &clock, 1000, 200 * MICROSECOND), "the next one is short again");
    come(&wake, 50 * MICROSECOND);
    gru_wake_came(&wake, 900 * MILLISECOND);
    CHECK(!spares(&wake, &clock, 2000, 0), "400 us where threads come after 50, but for once");

    come(&wake, 40 * MILLISECOND);
    size_t runs = many(&wake, &clock, 10000, MILLISECOND, true);
    CHECK(runs > 100 && runs < 1000, "%zu runs don't wake threads that came after 40 ms", runs);
    come(&wake, 200 * MICROSECOND);
    runs = many(&wake, &clock, 1000000, 10 * MICROSECOND, false);
    CHECK(runs > 100 && runs < 1000, "%zu runs wake threads since others took long", runs);
    runs = many(&wake, &clock, 1000, 40 * MICROSECOND, true);
    CHECK(runs == 10000, "after %zu runs of 40 us one is worth a wake", runs);
}

/* Short runs that follow one another closely wake threads together, at last only every 256th. */
void test_wake_close_runs(void)
{
    struct gru_wake wake;
    size_t clock = 5;
    gru_wake_begin(&wake, clock);
    CHECK(spares(&wake, &clock, 1000, MICROSECOND), "nothing came before the first run");
    for (size_t patience = 1; patience <= 1024; patience *= 2) {
        const size_t most = patience < 256 ? patience : 256;
        for (size_t run = 1; run < most; run++) {
            come(&wake, MILLISECOND);
            clock += GRU_STAYS_AWAKE - 1;
            CHECK(spares(&wake, &clock, 1000, MICROSECOND), "run %zu of %zu", run, most);
        }
        come(&wake, MILLISECOND);
        clock += GRU_STAYS_AWAKE;
        CHECK(spares(&wake, &clock, 1000, MICROSECOND), "one that isn't close doesn't count");
        CHECK(gru_wake_spares(&wake, clock, 1000, true), "nobody is woken twice");
        CHECK(!spares(&wake, &clock, 1000, 0), "run %zu", most);
    }
    gru_wake_found(&wake);
    CHECK(!spares(&wake, &clock, 1000, 0), "once they were found awake, the first will do again");
}

/* --- A team ----------------------------------------------------------------------------------------- */

typedef struct meeting {
    const gru_pool *pool;
    atomic_size_t here;
    atomic_bool over;
    bool awake; /* as the caller sees it while the worker is there */
} meeting;

/* Two tasks, of which the worker's ends after the caller's. */
static void meet(void *argument, size_t i)
{
    meeting *m = argument;
    atomic_fetch_add(&m->here, 1);
    for (int tries = 0; tries < 1000000 && !(atomic_load(&m->here) == 2 && (i == 0 || atomic_load(&m->over)));
         tries++) {
        sched_yield();
    }
    if (i == 0) {
        m->awake = !gru_pool_sleeps(m->pool);
        atomic_store(&m->over, true);
    }
}

void test_wake_team(void)
{
    gru_team *team = NULL;
    if (!CHECK(gru_team_create(&team, 2, NULL, NULL) == GRU_OK, "a team of 2")) {
        return;
    }
    meeting m = {.pool = gru_team_pool(team)};
    CHECK(tally_sleeps(m.pool), "a team without work sleeps");
    CHECK(gru_pool_spares(m.pool, 1000), "it sleeps through a first, short run");
    CHECK(!gru_pool_spares(m.pool, 100000000), "but not through a long one");
    bool close = false;
    for (int tries = 0; tries < 1000 && !close; tries++) {
        gru_pool_spared(m.pool, 1000000000); /* it was short */
        close = !gru_pool_spares(m.pool, 1000);
    }
    CHECK(close, "a run at once after a short one never woke it");
    m.pool->run(m.pool->context, meet, &m, 2);
    CHECK(m.awake, "it is awake in a run");
    CHECK(tally_sleeps(m.pool), "it sleeps again");
    gru_team_destroy(team);
}

/* A lone step that is cut for a team, but too short to wake it, goes as one without a pool. */
void test_wake_lone(void)
{
    const problem p = problem_make(&(problem_shape){.input = 8, .hidden = 256, .steps = 1, .rows = 1, .initial = true});
    const answer want = drive_reference(&p);
    gru_team *team = NULL;
    if (CHECK(gru_team_create(&team, 2, NULL, NULL) == GRU_OK, "a team of 2")) {
        const way w = {.backend = check_this(), .pool = gru_team_pool(team), .no_gate = {true, true, true}};
        gru_layer *layer = drive_layer(&p, &w);
        CHECK(layer != NULL && gru_is_cut(gru_plan_cut(layer, w.pool, 1, 1)), "it is cut");
        gru_layer_destroy(layer);
        CHECK(tally_sleeps(w.pool), "the team sleeps");
        drive_compare(&p, &want, &w);
        CHECK(gru_pool_sleeps(w.pool), "it sleeps on");
        gru_team_destroy(team);
    }
    guarded_free_all();
}

/* --- Where threads sleep ---------------------------------------------------------------------------- */

/* The worker says which thread it is, and where it may run. */
typedef struct place {
    meeting m;
    int thread;
    cpu_set_t cpus;
} place;

static void say_place(void *argument, size_t i)
{
    place *p = argument;
    if (i == 1) {
        sched_getaffinity(0, sizeof p->cpus, &p->cpus);
        p->thread = (int)syscall(SYS_gettid);
    }
    meet(&p->m, i);
}

static place find_worker(const gru_pool *pool)
{
    place p = {.m.pool = pool};
    pool->run(pool->context, say_place, &p, 2);
    return p;
}

/* Where a worker that sleeps may run, soon: not where its caller does. */
static bool avoids_caller(int thread, int allowed)
{
    cpu_set_t cpus;
    for (int tries = 0; tries < 10000; tries++) {
        if (!sched_getaffinity(thread, sizeof cpus, &cpus) && CPU_COUNT(&cpus) == allowed - 1) {
            return true;
        }
        usleep(1000);
    }
    return false;
}

void test_wake_cpus(void)
{
    cpu_set_t all, one;
    gru_team *team = NULL;
    if (sched_getaffinity(0, sizeof all, &all) || CPU_COUNT(&all) < 2) {
        SKIP("there are no two CPUs");
    }
    if (!CHECK(gru_team_create(&team, 2, NULL, NULL) == GRU_OK, "a team of 2")) {
        return;
    }
    const gru_pool *pool = gru_team_pool(team);
    for (int tries = 0; tries < 3; tries++) {
        const place p = find_worker(pool);
        CHECK(p.m.awake && CPU_EQUAL(&p.cpus, &all), "awake, it may run everywhere");
        CHECK(avoids_caller(p.thread, CPU_COUNT(&all)), "asleep, everywhere but where it was called from");
    }
    const int thread = find_worker(pool).thread;
    CHECK(avoids_caller(thread, CPU_COUNT(&all)) && !sched_getaffinity(thread, sizeof one, &one), "once more");
    CPU_XOR(&one, &one, &all);
    CHECK(!sched_setaffinity(thread, sizeof one, &one), "somebody moves it");
    const place p = find_worker(pool);
    CHECK(CPU_EQUAL(&p.cpus, &one), "there it stays");
    gru_team_destroy(team);
}

/* No others than libgru's own teams are known to sleep. */
void test_wake_others(void)
{
    tally all = {.temper = ALL};
    const gru_pool pool = tally_pool(&all, 4);
    gru_team *alone = NULL;
    CHECK(!gru_pool_sleeps(&pool), "a caller's pool");
    if (CHECK(gru_team_create(&alone, 1, NULL, NULL) == GRU_OK, "a team of one")) {
        CHECK(!gru_pool_sleeps(gru_team_pool(alone)), "a team of one");
        gru_team_destroy(alone);
    }
}
