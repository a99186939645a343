/* SPDX-License-Identifier: BSD-2-Clause */
/* test_hidden.c: a run under a filter that kills whoever calls the system, and with a memory allocator that
 * is watched. */
#include "rig.h"
#include "tally.h"
#include "tower.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#if defined(__linux__)
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

/* --- What may not be called ------------------------------------------------------------------------ */

/*
 * The linker leads each call of these that libgru makes (and the tests make) here: see the -Wl,--wrap options in meson.build.
 * While `watched` is on, calls are counted; they go through all the same.
 */
static atomic_bool watched;
static atomic_size_t watched_calls;

static void count_call(void)
{
    if (atomic_load_explicit(&watched, memory_order_relaxed)) {
        atomic_fetch_add_explicit(&watched_calls, 1, memory_order_relaxed);
    }
}

/* The names are the linker's. */
void *__real_malloc(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__real_realloc(void *memory, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
void __real_free(void *memory);
void __wrap_free(void *memory);
int __real_posix_memalign(void **memory, size_t alignment, size_t bytes);
int __wrap_posix_memalign(void **memory, size_t alignment, size_t bytes);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
char *__real_secure_getenv(const char *name);
char *__wrap_secure_getenv(const char *name);

void *__wrap_malloc(size_t bytes)
{
    count_call();
    return __real_malloc(bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
    count_call();
    return __real_calloc(count, bytes);
}

void *__wrap_realloc(void *memory, size_t bytes)
{
    count_call();
    return __real_realloc(memory, bytes);
}

void __wrap_free(void *memory)
{
    count_call();
    __real_free(memory);
}

int __wrap_posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    count_call();
    return __real_posix_memalign(memory, alignment, bytes);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    count_call();
    return __real_pthread_mutex_lock(mutex);
}

char *__wrap_secure_getenv(const char *name)
{
    count_call();
    return __real_secure_getenv(name);
}

/* --- Runs that are watched ------------------------------------------------------------------------- */

static tally all = {.temper = ALL};

/* Every other one with the pool. */
static rig draw(size_t i, const gru_pool *pool)
{
    rig_shape shape = rig_random(check_this(), 60, i % 8 == 0 ? 300 : 70, 6, 9);
    shape.pool = i % 2 ? pool : NULL;
    return rig_make(&shape, NULL);
}

/* Runs, good and refused, and the arrays: no call of any of the above. */
void test_hidden_allocations(void)
{
    atomic_store(&watched, true);
    free(malloc(1));
    atomic_store(&watched, false);
    /* A compiler may take that pair of calls away; one that it can't see through has to count. */
    void *volatile seen = malloc(1);
    atomic_store(&watched, true);
    free(seen);
    atomic_store(&watched, false);
    if (atomic_load(&watched_calls) == 0) {
        SKIP("the linker doesn't wrap functions");
    }
    const gru_pool pool = tally_pool(&all, 4);
    for (size_t i = 0; i < 200; i++) {
        if (!check_turn(i, 6)) {
            continue;
        }
        rig r = draw(i, &pool);
        if (r.layer == NULL) {
            return;
        }
        float y[33];
        rig_run(&r, NULL);
        atomic_store(&watched_calls, 0);
        atomic_store(&watched, true);
        enum gru_status status = rig_call(&r);
        gru_run(r.layer, &r.io, r.workspace, 3, NULL);
        gru_layer_repack(r.layer, r.views, NULL);
        gru_tanh(check_this(), r.shape.desc.tier, 33, y, y, NULL);
        atomic_store(&watched, false);
        size_t calls = atomic_load(&watched_calls);
        CHECK(status == GRU_OK && calls == 0, "%s: %zu allocations, releases, locks or looks at the environment",
              rig_text(&r.shape), calls);
        rig_free(&r);
        guarded_free_all();
    }
}

/* Two layers, one after the other or side by side in the pool's tasks. */
static tower draw_tower(void)
{
    const tower_shape shape = {2, 140, 3, 36, 40, true, true};
    return tower_draw(&shape);
}

void test_hidden_stack_allocations(void)
{
    const gru_pool pool = tally_pool(&all, 4);
    for (size_t i = 0; i < 4; i++) {
        tower t = draw_tower();
        tower_site site = tower_open(&t, i % 2 ? &pool : NULL, false);
        atomic_store(&watched_calls, 0);
        atomic_store(&watched, true);
        enum gru_status status = tower_call(&site, NULL);
        atomic_store(&watched, false);
        size_t calls = atomic_load(&watched_calls);
        CHECK(status == GRU_OK && calls == 0, "a stack: %zu allocations, releases, locks or looks at the environment",
              calls);
        tower_close(&site);
        guarded_free_all();
    }
}

#if defined(__linux__)

/* The child of a fork enters the strict mode, in which all but read, write and exit is punished by SIGKILL,
 * and runs. */
static int run_strictly(void *context)
{
    const rig *r = context;
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) {
        return CHECK_CANNOT;
    }
    enum gru_status status = rig_call(r);
    float y[33] = {0};
    if (status == GRU_OK) {
        status = gru_sigmoid(check_this(), r->shape.desc.tier, 33, y, y, NULL);
    }
    return (int)syscall(SYS_exit, status == GRU_OK ? 0 : 1);
}

static int run_stack_strictly(void *context)
{
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT) != 0) {
        return CHECK_CANNOT;
    }
    return (int)syscall(SYS_exit, tower_call(context, NULL) == GRU_OK ? 0 : 1);
}

void test_hidden_stack_system_calls(void)
{
    if (CHECK_SANITIZED) {
        SKIP("the sanitizer's own system calls would be punished");
    }
    const gru_pool pool = tally_pool(&all, 4);
    for (size_t i = 0; i < 4; i++) {
        tower t = draw_tower();
        tower_site site = tower_open(&t, i % 2 ? &pool : NULL, false);
        int status = check_child(run_stack_strictly, &site);
        tower_close(&site);
        guarded_free_all();
        if (status == CHECK_CANNOT) {
            SKIP("this system has no strict mode");
        }
        CHECK(status == 0, "a run of a stack called the system, or failed: %d", status);
    }
}

/* Whole runs of real layers, one thread or a caller's pool: no system call at all. */
void test_hidden_system_calls(void)
{
    if (CHECK_SANITIZED) {
        SKIP("the sanitizer's own system calls would be punished");
    }
    const gru_pool pool = tally_pool(&all, 4);
    for (size_t i = 0; i < 60; i++) {
        rig r = draw(i, &pool);
        if (r.layer == NULL) {
            return;
        }
        int status = check_child(run_strictly, &r);
        rig_free(&r);
        guarded_free_all();
        if (status == CHECK_CANNOT) {
            SKIP("this system has no strict mode");
        }
        CHECK(status == 0, "%s: a run called the system, or failed: %d", rig_text(&r.shape), status);
    }
}

#else

void test_hidden_system_calls(void)
{
    SKIP("only Linux has the strict mode");
}

void test_hidden_stack_system_calls(void)
{
    SKIP("only Linux has the strict mode");
}

#endif
