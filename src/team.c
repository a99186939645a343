/* SPDX-License-Identifier: BSD-2-Clause */
/* team.c: libgru's own threads, which sleep between calls. */
#define _GNU_SOURCE 1 /* sched_getaffinity and its like, clock_gettime */
#include "team.h"

#include "memory.h"
#include "size.h"
#include "status.h"
#include "wait.h"
#include "wake.h"

#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

/*
 * What a worker is doing. One word carries the whole conversation between the caller and one worker:
 *
 *     IDLE    -> ASLEEP    the worker has looked long enough for a call and waits for its semaphore
 *     IDLE    -> CALLED    the caller has a task for it; it is awake, or will be, and will see this
 *     ASLEEP  -> CALLED    the same, and the caller posts the semaphore: the one wake of a call
 *     CALLED  -> WORKING   the worker has begun: from now on the caller waits for it
 *     CALLED  -> IDLE      the caller was through before the worker began, takes the call back, and doesn't wait
 *     WORKING -> IDLE      the worker has returned from its task
 *     IDLE or ASLEEP -> LEAVING   the team is being destroyed
 *
 * A worker whose call was taken back while it slept wakes up all the same, finds IDLE (or a new call, for which
 * nobody posted again) and goes on. So there is never more than one post outstanding.
 *
 * Since only WORKING is waited for, and only a living worker makes it so, a team in the child of a fork, where the
 * workers don't exist, is merely a team whose workers are always late.
 */
enum state { IDLE, ASLEEP, CALLED, WORKING, LEAVING };

/* The call lies on the line of the state, so that one transfer from core to core brings all that a worker needs. */
struct worker {
    alignas(64) atomic_int state;
    void (*task)(void *argument, size_t i);
    void *argument;
    size_t number; /* of its task: always the same, so that the same slice of the weights stays in its core's cache */
    pthread_t thread;
    sem_t semaphore;
    atomic_size_t posted; /* when, if it hasn't come since; else 0 */
    struct gru_team *team;
};

struct gru_team {
    gru_pool pool;
    gru_allocator allocator;
    size_t bytes;
    pid_t process; /* that started the workers */
    bool may_yield;
    alignas(64) atomic_flag busy; /* the workers belong to the call that has set it */
    struct gru_wake wake;
    atomic_int cpu;         /* where the last call came from that found workers asleep */
    struct worker worker[]; /* pool.threads - 1 */
};

/* In nanoseconds, which may wrap round. */
static size_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (size_t)t.tv_sec * 1000000000u + (size_t)t.tv_nsec;
}

/* Whether a worker sleeps, or has been posted and hasn't come yet. */
static bool is_away(const struct worker *worker)
{
    return atomic_load_explicit(&worker->posted, memory_order_relaxed) ||
           atomic_load_explicit(&worker->state, memory_order_relaxed) == ASLEEP;
}

#ifdef CPU_COUNT

/*
 * Linux wakes a thread on the caller's CPU if it takes all others for busy, as on virtual machines those that sleep
 * are, and leaves it there, behind the caller, until some tick later: workers came 0.8 ms late, of which 0.05 were
 * needed. So while it sleeps, a worker may run anywhere but there. A call from another CPU than the last loses by it
 * what it would have lost anyway.
 */
struct cpus {
    cpu_set_t all, others;
    bool avoided;
};

static void note_cpu(struct gru_team *team)
{
    atomic_store_explicit(&team->cpu, sched_getcpu(), memory_order_relaxed);
}

static void avoid_cpu(struct cpus *cpus, const struct gru_team *team)
{
    const int cpu = atomic_load_explicit(&team->cpu, memory_order_relaxed);
    cpus->avoided = false;
    /* not covered: no machine here has so many CPUs */
    if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof cpus->all, &cpus->all))
        return;
    cpus->others = cpus->all;
    CPU_CLR((unsigned)cpu, &cpus->others);
    cpus->avoided = CPU_COUNT(&cpus->others) && !sched_setaffinity(0, sizeof cpus->others, &cpus->others);
}

/* Unless somebody else has moved the worker meanwhile, elsewhere than it had moved itself. */
static void allow_cpu(const struct cpus *cpus)
{
    cpu_set_t mine;
    if (cpus->avoided && !sched_getaffinity(0, sizeof mine, &mine) && CPU_EQUAL(&mine, &cpus->others))
        sched_setaffinity(0, sizeof cpus->all, &cpus->all);
}

#else

struct cpus {
    char none;
};

static void note_cpu(struct gru_team *team)
{
    (void)team;
}

static void avoid_cpu(struct cpus *cpus, const struct gru_team *team)
{
    (void)cpus;
    (void)team;
}

static void allow_cpu(const struct cpus *cpus)
{
    (void)cpus;
}

#endif

static void post(struct worker *worker)
{
    note_cpu(worker->team);
    atomic_store_explicit(&worker->posted, now() | 1, memory_order_relaxed);
    sem_post(&worker->semaphore);
}

static void sleep_until_posted(struct worker *worker)
{
    struct cpus cpus;
    avoid_cpu(&cpus, worker->team);
    while (sem_wait(&worker->semaphore))
        ; /* EINTR: a debugger's doing, since the workers block all signals */
    const size_t posted = atomic_exchange_explicit(&worker->posted, 0, memory_order_relaxed);
    gru_wake_came(&worker->team->wake, now() - posted);
    allow_cpu(&cpus);
}

/* Calls that follow one another closely, as when a program runs a sequence step by step, need no wake for this; the
 * price is so much burnt CPU after each call at most. */
static void look_for_call(const struct worker *worker)
{
    const size_t start = now();
    do {
        for (int looks = 0; looks < 64; looks++) {
            if (atomic_load_explicit(&worker->state, memory_order_relaxed) != IDLE)
                return;
            gru_relax();
        }
    } while (now() - start < GRU_STAYS_AWAKE);
}

static void *worker_loop(void *argument)
{
    struct worker *worker = argument;
    for (;;) {
        look_for_call(worker);
        int state = IDLE;
        if (atomic_compare_exchange_strong_explicit(&worker->state, &state, ASLEEP, memory_order_relaxed,
                                                    memory_order_relaxed)) {
            sleep_until_posted(worker);
            continue;
        }
        if (state == LEAVING)
            return NULL;
        state = CALLED;
        /* Acquire: the call's task and argument were written before it. */
        /* not covered: the caller may take its call back between the two instructions, which no test can time */
        if (atomic_compare_exchange_strong_explicit(&worker->state, &state, WORKING, memory_order_acquire,
                                                    memory_order_relaxed)) {
            worker->task(worker->argument, worker->number);
            atomic_store_explicit(&worker->state, IDLE, memory_order_release);
        }
    }
}

static void call(struct worker *worker, void (*task)(void *argument, size_t i), void *argument)
{
    worker->task = task;
    worker->argument = argument;
    if (atomic_exchange_explicit(&worker->state, CALLED, memory_order_release) == ASLEEP)
        post(worker);
}

/* Returns when the worker is through with its task, or takes the task back and does it here. */
static void finish(struct worker *worker, bool may_yield)
{
    int state = CALLED;
    if (atomic_compare_exchange_strong_explicit(&worker->state, &state, IDLE, memory_order_relaxed,
                                                memory_order_relaxed)) {
        worker->task(worker->argument, worker->number);
        return;
    }
    size_t looks = 0;
    while (atomic_load_explicit(&worker->state, memory_order_acquire) == WORKING)
        gru_wait(&looks, may_yield);
}

/* A gru_pool's run: each task is called exactly once, the first `threads` of them side by side where possible. */
static void run(void *context, void (*task)(void *argument, size_t i), void *argument, size_t count)
{
    struct gru_team *team = context;
    if (atomic_flag_test_and_set_explicit(&team->busy, memory_order_acquire)) {
        /* Another run has the team, perhaps one that this call is a part of. */
        for (size_t i = 0; i < count; i++)
            task(argument, i);
        return;
    }
    const size_t threads = gru_least(count, team->pool.threads);
    for (size_t i = 1; i < threads; i++)
        call(&team->worker[i - 1], task, argument);
    if (count > 0)
        task(argument, 0);
    for (size_t i = threads; i < count; i++)
        task(argument, i);
    for (size_t i = 1; i < threads; i++)
        finish(&team->worker[i - 1], team->may_yield);
    atomic_flag_clear_explicit(&team->busy, memory_order_release);
}

/*
 * A team with a CPU for each thread never yields, so that the promise of no system call between steps holds for it
 * without conditions. The price, when other programs take the CPUs all the same: a wait may last as long as the
 * scheduler leaves two of its threads on one CPU (with one of two CPUs kept busy by another program, phases took up
 * to twice as long as with sched_yield).
 */
bool gru_pool_may_yield(const gru_pool *pool)
{
    return pool->run != run || ((const struct gru_team *)pool->context)->may_yield;
}

/* The first worker speaks for all: every run that uses a team calls it. */
bool gru_pool_sleeps(const gru_pool *pool)
{
    if (pool->run != run)
        return false;
    struct gru_team *team = pool->context;
    if (team->pool.threads == 1)
        return false;
    if (is_away(&team->worker[0]))
        return true;
    gru_wake_found(&team->wake);
    return false;
}

bool gru_pool_spares(const gru_pool *pool, size_t work)
{
    struct gru_team *team = pool->context;
    note_cpu(team);
    return gru_wake_spares(&team->wake, now(), work,
                           atomic_load_explicit(&team->worker[0].posted, memory_order_relaxed));
}

void gru_pool_spared(const gru_pool *pool, size_t work)
{
    struct gru_team *team = pool->context;
    gru_wake_spared(&team->wake, now(), work);
}

/* The CPUs that this process may use; on machines with more than a cpu_set_t holds, those that there are. */
static size_t usable_cpus(void)
{
#ifdef CPU_COUNT
    cpu_set_t set;
    if (!sched_getaffinity(0, sizeof set, &set))
        return (size_t)CPU_COUNT(&set);
#endif
    const long online = sysconf(_SC_NPROCESSORS_ONLN);
    return online > 0 ? (size_t)online : 1;
}

static bool start(struct gru_team *team, size_t number)
{
    struct worker *worker = &team->worker[number - 1];
    atomic_init(&worker->state, IDLE);
    atomic_init(&worker->posted, 0);
    worker->team = team;
    worker->number = number;
    if (sem_init(&worker->semaphore, 0, 0))
        return false;
    if (pthread_create(&worker->thread, NULL, worker_loop, worker)) {
        sem_destroy(&worker->semaphore);
        return false;
    }
    return true;
}

/* Starts workers 1, 2, ... and returns how many threads the team has in the end, the caller's included. */
static size_t start_all(struct gru_team *team, size_t threads)
{
    /* A thread inherits its creator's mask, and the program's signal handlers are not to run in libgru's threads. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    size_t number = 1;
    while (number < threads && start(team, number))
        number++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return number;
}

static void stop_all(struct gru_team *team, size_t threads)
{
    for (size_t i = 1; i < threads; i++) {
        struct worker *worker = &team->worker[i - 1];
        if (atomic_exchange_explicit(&worker->state, LEAVING, memory_order_release) == ASLEEP)
            post(worker);
    }
    for (size_t i = 1; i < threads; i++) {
        pthread_join(team->worker[i - 1].thread, NULL);
        sem_destroy(&team->worker[i - 1].semaphore);
    }
}

enum gru_status gru_team_create(gru_team **team, size_t threads, const gru_allocator *allocator, gru_error *error)
{
    if (!team)
        return gru_fail(error, GRU_NULL_POINTER, "team is NULL");
    const size_t cpus = usable_cpus();
    if (threads == 0)
        threads = cpus;
    size_t bytes;
    if (!gru_mul(threads - 1, sizeof(struct worker), &bytes) || !gru_add(bytes, sizeof(gru_team), &bytes))
        return gru_fail(error, GRU_OVERFLOW, "a team of %zu threads doesn't fit in memory", threads);
    void *memory;
    enum gru_status status = gru_allocate(&memory, allocator, bytes, alignof(gru_team), "team", error);
    if (status != GRU_OK)
        return status;
    gru_team *made = memory;
    made->pool = (gru_pool){.size = sizeof(gru_pool), .threads = threads, .run = run, .context = made};
    made->allocator = allocator ? *allocator : (gru_allocator){0};
    made->bytes = bytes;
    made->process = getpid();
    made->may_yield = threads > cpus;
    atomic_flag_clear_explicit(&made->busy, memory_order_relaxed);
    gru_wake_begin(&made->wake, now());
    note_cpu(made);
    const size_t started = start_all(made, threads);
    if (started < threads) {
        stop_all(made, started);
        gru_release(allocator, made, bytes);
        return gru_fail(error, GRU_NO_THREAD, "the system refused thread %zu of a team of %zu", started + 1, threads);
    }
    *team = made;
    return GRU_OK;
}

void gru_team_destroy(gru_team *team)
{
    if (!team)
        return;
    /* In the child of a fork there is nothing to join. */
    if (team->process == getpid())
        stop_all(team, team->pool.threads);
    const gru_allocator allocator = team->allocator;
    gru_release(&allocator, team, team->bytes);
}

const gru_pool *gru_team_pool(const gru_team *team)
{
    return team ? &team->pool : NULL;
}
