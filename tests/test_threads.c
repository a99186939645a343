/* SPDX-License-Identifier: BSD-2-Clause */
/* test_threads.c: phases and slices on pools of every temper, and libgru's own team of threads. */
#define _GNU_SOURCE 1
#include "check.h"
#include "phases.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_PHASES = 300, MOST_SLICES = 16, MOST_THREADS = 8 };

/*
 * A job whose result shows each mistake: a slice's value depends on all values of the phase before. These are plain
 * memory, and the counters beside them are relaxed, so nothing but the code under test orders the accesses, and
 * ThreadSanitizer sees when it doesn't.
 */
struct job {
    size_t phases, slices;
    unsigned disturb;      /* one slice in this many loses its CPU for a while; 0: none */
    const gru_pool *inner; /* if not NULL, each slice of phase 1 runs a job of its own on this pool */
    uint64_t value[2][MOST_SLICES];
    atomic_uint calls[MOST_PHASES][MOST_SLICES];
    atomic_uint complete[MOST_PHASES];
    atomic_uint mistakes;
    _Alignas(64) unsigned char state[MOST_SLICES * 256];
};

static uint64_t mixed(uint64_t a)
{
    a = (a ^ (a >> 31)) * UINT64_C(0x9e3779b97f4a7c15);
    return a ^ (a >> 29);
}

static uint64_t slice_value(const uint64_t *before, size_t phase, size_t slice, size_t slices)
{
    uint64_t sum = phase * 1000 + slice;
    for (size_t s = 0; s < slices; s++)
        sum = mixed(sum + (phase ? before[s] : s));
    return sum;
}

static struct job *new_job(size_t phases, size_t slices)
{
    struct job *job = aligned_alloc(64, (sizeof *job + 63) / 64 * 64);
    *job = (struct job){.phases = phases, .slices = slices};
    return job;
}

static bool run_job(struct job *job, const gru_pool *pool);

static void work(void *context, size_t phase, size_t slice)
{
    struct job *job = context;
    if (phase > 0 && atomic_load_explicit(&job->complete[phase - 1], memory_order_relaxed) != job->slices)
        atomic_fetch_add_explicit(&job->mistakes, 1, memory_order_relaxed);
    const uint64_t value = slice_value(job->value[(phase + 1) & 1], phase, slice, job->slices);
    if (job->disturb && mixed(value) % job->disturb == 0)
        usleep(100);
    if (job->inner && phase == 1) {
        struct job *inside = new_job(5, 3);
        if (!run_job(inside, job->inner))
            atomic_fetch_add_explicit(&job->mistakes, 1, memory_order_relaxed);
        free(inside);
    }
    job->value[phase & 1][slice] = value;
    atomic_fetch_add_explicit(&job->calls[phase][slice], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&job->complete[phase], 1, memory_order_relaxed);
}

/* Runs a job whose sizes are set, and says whether all that should have happened did, once. Any thread may call it. */
static bool run_job(struct job *job, const gru_pool *pool)
{
    memset(job->calls, 0, sizeof job->calls);
    memset(job->complete, 0, sizeof job->complete);
    memset(job->state, 0xa5, sizeof job->state);
    atomic_store(&job->mistakes, 0);
    if (gru_phases_bytes(job->slices) > sizeof job->state)
        return false;
    gru_phases_run(pool, job->phases, job->slices, work, job, job->state);

    uint64_t want[2][MOST_SLICES];
    for (size_t p = 0; p < job->phases; p++)
        for (size_t s = 0; s < job->slices; s++)
            want[p & 1][s] = slice_value(want[(p + 1) & 1], p, s, job->slices);
    bool right = atomic_load(&job->mistakes) == 0;
    for (size_t p = 0; p < MOST_PHASES; p++)
        for (size_t s = 0; s < MOST_SLICES; s++)
            right = right && atomic_load(&job->calls[p][s]) == (p < job->phases && s < job->slices);
    if (job->phases)
        right = right && !memcmp(want[(job->phases - 1) & 1], job->value[(job->phases - 1) & 1], 8 * job->slices);
    return right;
}

/* ---------------------------------------------------------------------------------------------------
 * Callers' pools
 */
enum temper { NONE, FORWARD, BACKWARD, SHUFFLED, SOME, ONE_BY_ONE, LATE, TEMPERS };
static const char *const tempers[TEMPERS] = {"none", "forward", "backward", "shuffled", "some", "one by one", "late"};

struct errand {
    void (*task)(void *argument, size_t i);
    void *argument;
    size_t i;
    unsigned delay;
};

static void *do_errand(void *argument)
{
    const struct errand *errand = argument;
    if (errand->delay)
        usleep(errand->delay);
    errand->task(errand->argument, errand->i);
    return NULL;
}

static void run_pool(void *context, void (*task)(void *argument, size_t i), void *argument, size_t count)
{
    const enum temper temper = *(const enum temper *)context;
    struct errand errands[MOST_THREADS];
    pthread_t threads[MOST_THREADS];
    size_t n = 0;
    for (size_t i = 0; i < count && temper != NONE; i++) {
        if ((temper != SOME && temper != LATE) || check_below(3))
            errands[n++] = (struct errand){task, argument, temper == BACKWARD ? count - 1 - i : i, 0};
    }
    for (size_t i = n; i > 1 && temper >= SHUFFLED; i--) {
        const size_t j = check_below(i);
        const struct errand other = errands[j];
        errands[j] = errands[i - 1];
        errands[i - 1] = other;
    }
    for (size_t i = 0; i < n; i++) {
        if (temper < ONE_BY_ONE) {
            do_errand(&errands[i]);
            continue;
        }
        errands[i].delay = temper == LATE ? (unsigned)check_below(300) : 0;
        if (!CHECK(!pthread_create(&threads[i], NULL, do_errand, &errands[i]), "a thread starts"))
            abort();
        if (temper == ONE_BY_ONE)
            pthread_join(threads[i], NULL);
    }
    for (size_t i = 0; i < n && temper == LATE; i++)
        pthread_join(threads[i], NULL);
}

/* Whatever a pool does with its tasks, each slice of each phase runs once and in its turn. */
void test_threads_pools(void)
{
    struct job *job = new_job(0, 0);
    for (enum temper temper = NONE; temper < TEMPERS; temper++) {
        gru_pool pool = {.size = sizeof pool, .run = run_pool, .context = &temper};
        for (int repeat = 0; repeat < 60; repeat++) {
            pool.threads = 1 + check_below(MOST_THREADS);
            job->phases = check_below(repeat % 2 ? 5 : MOST_PHASES + 1);
            job->slices = repeat % 2 ? check_below(MOST_SLICES + 1) : pool.threads;
            job->disturb = repeat % 3 ? 0 : 100;
            CHECK(run_job(job, &pool), "pool %s, %zu threads, %zu phases of %zu slices", tempers[temper], pool.threads,
                  job->phases, job->slices);
        }
    }
    free(job);
}

/* Without a pool: a plain loop that doesn't touch `state`. */
void test_threads_alone(void)
{
    struct job *job = new_job(7, 5);
    CHECK(run_job(job, NULL), "a run without a pool");
    unsigned char before[sizeof job->state];
    memset(before, 0xa5, sizeof before);
    CHECK(!memcmp(job->state, before, sizeof before), "a plain loop leaves its state alone");
    free(job);
}

/* ---------------------------------------------------------------------------------------------------
 * The team
 */
static gru_team *new_team(size_t threads)
{
    gru_team *team = NULL;
    gru_error error = {0};
    CHECK_STATUS(gru_team_create(&team, threads, NULL, &error), GRU_OK, &error, "a team of %zu", threads);
    if (!team)
        abort();
    return team;
}

void test_threads_team(void)
{
    struct job *job = new_job(0, 0);
    for (size_t threads = 1; threads <= MOST_THREADS; threads++) {
        gru_team *team = new_team(threads);
        CHECK(gru_team_pool(team)->threads == threads, "the team says its size");
        for (int repeat = 0; repeat < 40; repeat++) {
            job->phases = check_below(repeat % 2 ? 4 : MOST_PHASES + 1);
            job->slices = repeat % 4 ? threads : check_below(MOST_SLICES + 1);
            job->disturb = repeat % 5 ? 0 : 50;
            if (repeat % 10 == 9)
                usleep(2000); /* long enough for the workers to fall asleep */
            CHECK(run_job(job, gru_team_pool(team)), "team of %zu, %zu phases of %zu slices", threads, job->phases,
                  job->slices);
        }
        gru_team_destroy(team);
    }
    gru_team *team = new_team(0);
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set))
        CHECK(gru_team_pool(team)->threads == (size_t)CPU_COUNT(&set), "0 is one thread for each usable CPU");
    gru_team_destroy(team);
    gru_team_destroy(NULL);
    free(job);
}

static void count_task(void *argument, size_t i)
{
    atomic_fetch_add_explicit(&((atomic_uint *)argument)[i], 1, memory_order_relaxed);
}

/* A team's pool calls each task exactly once, more of them than it has threads or fewer. */
void test_threads_tasks(void)
{
    gru_team *team = new_team(3);
    const gru_pool *pool = gru_team_pool(team);
    for (size_t count = 0; count <= MOST_SLICES; count++) {
        atomic_uint calls[MOST_SLICES] = {0};
        pool->run(pool->context, count_task, calls, count);
        for (size_t i = 0; i < MOST_SLICES; i++)
            CHECK(calls[i] == (i < count), "task %zu of %zu was called %u times", i, count, calls[i]);
    }
    gru_team_destroy(team);
}

enum { INNER = 6 }; /* three for each thread of two */

struct nest {
    const gru_pool *pool;
    atomic_uint calls[2][INNER];
};

static void run_inside(void *argument, size_t i)
{
    struct nest *nest = argument;
    nest->pool->run(nest->pool->context, count_task, nest->calls[i], INNER);
}

/* Who finds the team busy does all tasks alone, and not only as many as there are threads. */
static void check_nested(const gru_pool *pool)
{
    for (size_t outer = 1; outer <= 2; outer++) {
        struct nest nest = {.pool = pool};
        pool->run(pool->context, run_inside, &nest, outer);
        for (size_t i = 0; i < 2 * INNER; i++) {
            const unsigned calls = nest.calls[i / INNER][i % INNER];
            CHECK(calls == (i / INNER < outer), "task %zu of %d inside task %zu was called %u times", i % INNER, INNER,
                  i / INNER, calls);
        }
    }
}

struct user {
    const gru_pool *pool;
    struct job *job;
    size_t right;
    atomic_bool *stop; /* NULL: after 200 runs */
};

static void *use(void *argument)
{
    struct user *user = argument;
    for (size_t i = 0; user->stop ? !atomic_load(user->stop) : i < 200; i++)
        user->right += run_job(user->job, user->pool);
    return NULL;
}

/* Three threads use one team at once, and a slice uses the team that it runs on: those that come second work alone. */
void test_threads_shared_team(void)
{
    gru_team *team = new_team(2);
    struct user users[3];
    pthread_t threads[3];
    for (size_t i = 0; i < 3; i++) {
        users[i] = (struct user){.pool = gru_team_pool(team), .job = new_job(30 + i, 2 + i)};
        CHECK(!pthread_create(&threads[i], NULL, use, &users[i]), "a thread starts");
    }
    for (size_t i = 0; i < 3; i++) {
        pthread_join(threads[i], NULL);
        CHECK(users[i].right == 200, "of 200 runs of user %zu, %zu were right", i, users[i].right);
        free(users[i].job);
    }
    struct job *job = new_job(4, 4);
    job->inner = gru_team_pool(team);
    for (int repeat = 0; repeat < 20; repeat++)
        CHECK(run_job(job, gru_team_pool(team)), "a run inside a run");
    check_nested(gru_team_pool(team));
    free(job);
    gru_team_destroy(team);
}

struct heritage {
    gru_team *team;
    struct job *job;
};

static int use_heritage(void *context)
{
    const struct heritage *heritage = context;
    const gru_pool *pool = gru_team_pool(heritage->team);
    const bool right = run_job(heritage->job, pool) && run_job(heritage->job, pool);
    gru_team_destroy(heritage->team);
    return right ? 0 : 1;
}

/* In the child of a fork the team's threads don't exist; runs end and are right all the same, and so is destruction. */
void test_threads_fork(void)
{
    gru_team *team = new_team(4);
    struct job *job = new_job(50, 4);
    struct heritage heritage = {team, job};
    atomic_bool stop = false;
    struct user user = {.pool = gru_team_pool(team), .job = new_job(40, 3), .stop = &stop};
    pthread_t thread;
    for (int busy = 0; busy < 2; busy++) {
        /* The second time another thread's run is under way, for ever as far as the child is concerned. */
        if (busy)
            CHECK(!pthread_create(&thread, NULL, use, &user), "a thread starts");
        for (int repeat = 0; repeat < 10; repeat++) {
            const int status = check_child(use_heritage, &heritage);
            CHECK(status == 0, "a child uses its parent's team (%s): %d", busy ? "busy" : "idle", status);
            CHECK(run_job(job, gru_team_pool(team)), "the parent goes on");
        }
    }
    atomic_store(&stop, true);
    pthread_join(thread, NULL);
    gru_team_destroy(team);
    free(user.job);
    free(job);
}
