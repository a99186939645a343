/* SPDX-License-Identifier: BSD-2-Clause */
/* test_wake.c: which runs wake the threads of a team that sleep: the rule, by a clock of the test's own, and a team. */
#include "check.h"
#include "team.h"
#include "wake.h"

#include <sched.h>
#include <stdatomic.h>
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
    while (runs < 10000 && spares(wake, clock, work, takes) == spared) {
        *clock += APART;
        runs++;
    }
    return runs;
}

/* What is long is known from the last run that was spared a wake, and from the last wake. */
void test_wake_long_runs(void)
{
    struct gru_wake wake;
    size_t clock = SIZE_MAX - MILLISECOND; /* soon wraps round */
    gru_wake_begin(&wake, clock);
    CHECK(spares(&wake, &clock, 1000, 100 * MICROSECOND), "a first run that is short by any measure");
    clock += APART;
    CHECK(spares(&wake, &clock, 1000, 100 * MICROSECOND), "100 us beside 400");
    clock += APART;
    CHECK(!spares(&wake, &clock, 100000, 0), "a hundred times as much as takes 100 us");
    gru_wake_came(&wake, 10 * MICROSECOND);
    CHECK(!spares(&wake, &clock, 1000, 0), "100 us where threads come after 10");
    CHECK(spares(&wake, &clock, 200, 0), "20 us");
    gru_wake_came(&wake, 100 * MILLISECOND);
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

/* Neither is believed for ever. */
void test_wake_bad_moments(void)
{
    struct gru_wake wake;
    size_t clock = 0;
    gru_wake_begin(&wake, clock);
    CHECK(spares(&wake, &clock, 1000, 100 * MILLISECOND), "a run that was interrupted");
    clock += APART;
    size_t runs = many(&wake, &clock, 1000, 100 * MICROSECOND, false);
    CHECK(runs > 100 && runs < 1000, "%zu runs wake for it", runs);
    clock += APART;
    runs = many(&wake, &clock, 1000, 100 * MICROSECOND, true);
    CHECK(runs > 50 && runs < 200, "%zu runs don't wake until the lateness is forgotten", runs);
    gru_wake_came(&wake, 40 * MILLISECOND);
    runs = many(&wake, &clock, 10000, MILLISECOND, true);
    CHECK(runs > 100 && runs < 1000, "%zu runs don't wake since threads came late once", runs);
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
            gru_wake_came(&wake, MILLISECOND);
            clock += GRU_STAYS_AWAKE - 1;
            CHECK(spares(&wake, &clock, 1000, MICROSECOND), "run %zu of %zu", run, most);
        }
        gru_wake_came(&wake, MILLISECOND);
        clock += GRU_STAYS_AWAKE;
        CHECK(spares(&wake, &clock, 1000, MICROSECOND), "one that isn't close doesn't count");
        CHECK(gru_wake_spares(&wake, clock, 1000, true), "nobody is woken twice");
        CHECK(!spares(&wake, &clock, 1000, 0), "run %zu", most);
    }
    gru_wake_found(&wake);
    CHECK(!spares(&wake, &clock, 1000, 0), "once they were found awake, the first will do again");
}

/* --- A team ----------------------------------------------------------------------------------------- */

/* Whether its threads sleep, soon. */
static bool falls_asleep(const gru_pool *pool)
{
    for (int tries = 0; tries < 10000 && !gru_pool_sleeps(pool); tries++) {
        usleep(1000);
    }
    return gru_pool_sleeps(pool);
}

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
    for (int tries = 0; tries < 1000000 && !(atomic_load(&m->here) == 2 && (i == 0 || atomic_load(&m->over))); tries++) {
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
    CHECK(falls_asleep(m.pool), "a team without work sleeps");
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
    CHECK(falls_asleep(m.pool), "it sleeps again");
    gru_team_destroy(team);
}

/* No others than libgru's own teams are known to sleep. */
static void run_in_turn(void *context, void (*task)(void *argument, size_t i), void *argument, size_t count)
{
    (void)context;
    for (size_t i = 0; i < count; i++) {
        task(argument, i);
    }
}

void test_wake_others(void)
{
    const gru_pool pool = {.size = sizeof pool, .threads = 4, .run = run_in_turn};
    gru_team *alone = NULL;
    CHECK(!gru_pool_sleeps(&pool), "a caller's pool");
    if (CHECK(gru_team_create(&alone, 1, NULL, NULL) == GRU_OK, "a team of one")) {
        CHECK(!gru_pool_sleeps(gru_team_pool(alone)), "a team of one");
        gru_team_destroy(alone);
    }
}
