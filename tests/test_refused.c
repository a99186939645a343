/* SPDX-License-Identifier: BSD-2-Clause */
/* test_refused.c: the system and the CPU say no where a test can't ask them to: threads, semaphores, CPUs, text,
 * memory. */
#include "check.h"

#include "backend.h"
#include "memory.h"
#include "phases.h"
#include "status.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

/*
 * The linker leads each call of these here: see the -Wl,--wrap options in meson.build. Each has a number: of the call that fails,
 * counting from 1; of calls that fail, for sem_wait. 0 is none.
 */
static atomic_size_t refused_thread, refused_semaphore, interrupted_waits;
static bool refused_affinity, refused_count;

static bool is_refused(atomic_size_t *number)
{
    return atomic_load(number) > 0 && atomic_fetch_sub(number, 1) == 1;
}

/* The names are the linker's. */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);
int __real_sem_init(sem_t *semaphore, int shared, unsigned value);
int __wrap_sem_init(sem_t *semaphore, int shared, unsigned value);
int __real_sem_wait(sem_t *semaphore);
int __wrap_sem_wait(sem_t *semaphore);
int __real_sched_getaffinity(pid_t process, size_t bytes, cpu_set_t *set);
int __wrap_sched_getaffinity(pid_t process, size_t bytes, cpu_set_t *set);
long __real_sysconf(int name);
long __wrap_sysconf(int name);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    return is_refused(&refused_thread) ? EAGAIN : __real_pthread_create(thread, attributes, start, argument);
}

int __wrap_sem_init(sem_t *semaphore, int shared, unsigned value)
{
    if (is_refused(&refused_semaphore)) {
        errno = ENOSPC;
        return -1;
    }
    return __real_sem_init(semaphore, shared, value);
}

int __wrap_sem_wait(sem_t *semaphore)
{
    size_t left = atomic_load(&interrupted_waits);
    while (left > 0 && !atomic_compare_exchange_weak(&interrupted_waits, &left, left - 1)) {
    }
    if (left > 0) {
        errno = EINTR;
        return -1;
    }
    return __real_sem_wait(semaphore);
}

int __wrap_sched_getaffinity(pid_t process, size_t bytes, cpu_set_t *set)
{
    if (refused_affinity) {
        errno = EINVAL; /* what a machine with more CPUs than a cpu_set_t holds says */
        return -1;
    }
    return __real_sched_getaffinity(process, bytes, set);
}

long __wrap_sysconf(int name)
{
    return refused_count ? -1 : __real_sysconf(name);
}

/* Each of a team's threads and each of its semaphores is refused once: everything is undone. */
void test_refused_threads(void)
{
    atomic_size_t *const numbers[] = {&refused_thread, &refused_semaphore};
    for (size_t i = 0; i < 2 * 5; i++) {
        check_memory memory = {0};
        const gru_allocator allocator = check_allocator(&memory);
        gru_team *const untouched = (gru_team *)&memory, *team = untouched;
        gru_error error = {0};
        char said[32];
        snprintf(said, sizeof said, "thread %zu of a team of 6", 2 + i / 2);
        atomic_store(numbers[i % 2], 1 + i / 2);
        CHECK_STATUS(gru_team_create(&team, 6, &allocator, &error), GRU_NO_THREAD, &error, "%s refused", said);
        CHECK(strstr(error.text, said) != NULL, "'%s' names %s", error.text, said);
        CHECK(team == untouched && memory.calls == 1 && memory.live == 0 && memory.mistakes == 0, "%s: all is undone", said);
    }
}

static void add(void *context, size_t phase, size_t slice)
{
    atomic_fetch_add((atomic_size_t *)context, 1 + phase + slice);
}

/* A debugger may interrupt a worker's sleep: it sleeps on. */
void test_refused_sleep(void)
{
    static _Alignas(64) unsigned char state[1024];
    gru_team *team = NULL;
    atomic_store(&interrupted_waits, 5);
    if (!CHECK(gru_team_create(&team, 3, NULL, NULL) == GRU_OK, "a team")) {
        return;
    }
    for (int tries = 0; tries < 10000 && atomic_load(&interrupted_waits) > 0; tries++) {
        usleep(1000);
    }
    CHECK(atomic_load(&interrupted_waits) == 0, "idle workers sleep, and sleep again");
    atomic_size_t sum = 0;
    gru_phases_run(gru_team_pool(team), 100, 3, add, &sum, state);
    CHECK(sum == 100 * 3 + 3 * (99 * 100 / 2) + 100 * 3, "all is done, %zu", (size_t)sum);
    gru_team_destroy(team);
    atomic_store(&interrupted_waits, 0);
}

static size_t threads_by_default(void)
{
    gru_team *team = NULL;
    gru_error error = {0};
    CHECK_STATUS(gru_team_create(&team, 0, NULL, &error), GRU_OK, &error, "as many threads as CPUs");
    size_t threads = team ? gru_team_pool(team)->threads : 0;
    gru_team_destroy(team);
    return threads;
}

/* Where the system doesn't say which CPUs the process may use, those that there are count; else one. */
void test_refused_cpus(void)
{
    cpu_set_t set;
    size_t usable = sched_getaffinity(0, sizeof set, &set) ? 0 : (size_t)CPU_COUNT(&set), threads = threads_by_default();
    CHECK(usable == 0 || threads == usable, "%zu threads for %zu CPUs", threads, usable);
    refused_affinity = true;
    threads = threads_by_default();
    CHECK((long)threads == sysconf(_SC_NPROCESSORS_ONLN), "%zu threads for the CPUs that there are", threads);
    refused_count = true;
    threads = threads_by_default();
    refused_affinity = refused_count = false;
    CHECK(threads == 1, "%zu threads for an unknown number of CPUs", threads);
}

/* A team's bytes near SIZE_MAX, whatever the size of a worker is. */
void test_refused_sizes(void)
{
    for (size_t worker = 64; worker <= 1024; worker += 64) {
        for (size_t more = 0; more < 4; more++) {
            check_memory memory = {.fail_at = 1};
            const gru_allocator allocator = check_allocator(&memory);
            gru_team *team = NULL;
            gru_error error = {0};
            enum gru_status status = gru_team_create(&team, SIZE_MAX / worker + more, &allocator, &error);
            CHECK(team == NULL && (status == GRU_OVERFLOW || status == GRU_NO_MEMORY), "SIZE_MAX / %zu + %zu threads: %s",
                  worker, more, error.text);
            CHECK(worker > 64 || status == GRU_OVERFLOW, "SIZE_MAX / %zu + %zu threads: %s", worker, more, error.text);
        }
    }
    const size_t half = SIZE_MAX / 2 + 1;
    void *memory;
    CHECK(gru_allocate(&memory, NULL, (size_t)1 << 21, half, "test", NULL) == GRU_NO_MEMORY,
          "2 MiB aligned to half of the address range");
    /* AddressSanitizer ends a program that asks its allocator for such a thing. */
    CHECK(CHECK_SANITIZED || gru_allocate(&memory, NULL, 100, half, "test", NULL) == GRU_NO_MEMORY,
          "100 bytes aligned to half of the address range");
}

/* The C library can't write every text, and a cut may fall into bytes that are no UTF-8 at all. */
void test_refused_text(void)
{
    gru_error error;
    static const wchar_t foreign[] = {0x1f600, 0};
    memset(&error, 0xa5, sizeof error);
    CHECK(gru_fail(&error, GRU_BAD_VALUE, "%ls", foreign) == GRU_BAD_VALUE, "the status comes back");
    CHECK(strcmp(error.text, gru_status_text(GRU_BAD_VALUE)) == 0, "in the C locale that has no such character: '%.40s'",
          error.text);
    char torn[400];
    memset(torn, 0x80, sizeof torn - 1);
    torn[sizeof torn - 1] = '\0';
    gru_fail(&error, GRU_BAD_VALUE, "%s", torn);
    CHECK(strnlen(error.text, sizeof error.text) == sizeof error.text - 1, "bytes without a character's start are kept");
}

/* A CPU without what SLEEF's functions need: a back end that asks for a bit which no CPU has stands for it. */
void test_refused_tier(void)
{
    struct gru_backend poor = *check_this();
    static const float numbers[4] = {0.5f, 0.25f, 0.125f, 1.0f};
    poor.sleef_needs = UINT32_C(1) << 31;
    gru_error error = {0};
    float y[4] = {7.0f};
    CHECK_STATUS(gru_sigmoid(&poor, GRU_TIER_SLEEF, 4, numbers, y, &error), GRU_UNSUPPORTED, &error, "sigmoid");
    CHECK_STATUS(gru_tanh(&poor, GRU_TIER_SLEEF, 4, numbers, y, &error), GRU_UNSUPPORTED, &error, "tanh");
    CHECK(y[0] == 7.0f, "nothing is written");
    CHECK_STATUS(gru_tanh(&poor, GRU_TIER_ACCURATE, 4, numbers, y, &error), GRU_OK, &error, "another tier");
    gru_desc desc = {.size = sizeof desc, .input = 1, .hidden = 1, .tier = GRU_TIER_SLEEF, .backend = &poor};
    size_t bytes = 7;
    CHECK_STATUS(gru_layer_bytes(&desc, &bytes, &error), GRU_UNSUPPORTED, &error, "a layer");
    gru_gate_desc gate_desc = {.size = sizeof gate_desc, .units = 1, .inputs = 1, .w = {numbers, 1, 1},
                               .tier = GRU_TIER_SLEEF, .backend = &poor};
    gru_gate *gate = NULL;
    CHECK_STATUS(gru_gate_create(&gate, &gate_desc, NULL, &error), GRU_UNSUPPORTED, &error, "a gate");
    CHECK(gate == NULL && bytes == 7, "nothing is written");
}
