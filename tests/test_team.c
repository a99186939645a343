/* SPDX-License-Identifier: BSD-2-Clause */
/* test_team.c: a team's life and refusals, the system calls of a run, and the memory that objects live in. */
#define _GNU_SOURCE 1
#include "check.h"
#include "memory.h"
#include "phases.h"
#include "rig.h"
#include "tally.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* The threads of this process as the system counts them, or 0 if it doesn't say. */
static unsigned count_threads(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    unsigned threads = 0;
    char line[256];
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Threads: %u", &threads) == 1)
            break;
    if (file)
        fclose(file);
    return threads;
}

/*
 * Whether there are soon as few threads as before. One that has been joined is still counted for a moment, after the
 * last call and, from a test that ran earlier, before the first: hence fewer is right, too. A thread of each of a
 * thousand lives couldn't hide behind that.
 */
static bool settles_at(unsigned threads)
{
    for (int tries = 0; tries < 5000 && count_threads() > threads; tries++)
        usleep(1000);
    return count_threads() <= threads;
}

static void mark(void *context, size_t phase, size_t slice)
{
    atomic_fetch_add_explicit((atomic_size_t *)context, 1 + phase + slice, memory_order_relaxed);
}

/* The signals that every system has; glibc and emulators keep some of those above to themselves. */
enum { MASKED = 3, SIGNALS = 32 };

/* Which of them this thread blocks, without those that nobody can. */
static uint32_t blocked(void)
{
    sigset_t set;
    uint32_t bits = 0;
    pthread_sigmask(SIG_BLOCK, NULL, &set);
    for (int i = 1; i < SIGNALS; i++)
        if (i != SIGKILL && i != SIGSTOP && sigismember(&set, i) == 1)
            bits |= UINT32_C(1) << i;
    return bits;
}

struct masks {
    uint32_t bits[MASKED];
    atomic_uint told;
};

/* The caller stays in its own task until the workers have told, so that none is taken back from them. */
static void tell_mask(void *argument, size_t i)
{
    struct masks *masks = argument;
    masks->bits[i] = blocked();
    atomic_fetch_add(&masks->told, 1);
    for (int tries = 0; i == 0 && tries < 60000 && atomic_load(&masks->told) < MASKED; tries++)
        usleep(1000);
}

/* A program's handlers never run in a worker, which blocks all signals; and its own thread blocks those that it did. */
static void check_signals(void)
{
    const uint32_t all = UINT32_MAX << 1 & ~(UINT32_C(1) << SIGKILL) & ~(UINT32_C(1) << SIGSTOP);
    sigset_t some, before;
    sigemptyset(&some);
    sigaddset(&some, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &some, &before);
    const uint32_t mine = blocked();
    struct masks masks = {.told = 0};
    gru_team *team = NULL;
    if (CHECK(gru_team_create(&team, MASKED, NULL, NULL) == GRU_OK, "a team of %d", MASKED)) {
        CHECK(blocked() == mine, "the caller blocked signals %#x, and then %#x", mine, blocked());
        const gru_pool *pool = gru_team_pool(team);
        pool->run(pool->context, tell_mask, &masks, MASKED);
        CHECK(masks.bits[0] == mine, "its task blocks %#x", masks.bits[0]);
        for (size_t i = 1; i < MASKED; i++)
            CHECK(masks.bits[i] == all, "worker %zu blocks signals %#x of %#x", i, masks.bits[i], all);
    }
    gru_team_destroy(team);
    CHECK(blocked() == mine, "the caller blocked signals %#x, and in the end %#x", mine, blocked());
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* A thousand lives, with and without work, leave no memory, no thread and no blocked signal behind. */
void test_team_lives(void)
{
    _Alignas(64) unsigned char state[1024];
    check_memory memory = {0};
    const gru_allocator allocator = check_allocator(&memory);
    check_signals();
    const unsigned threads = count_threads();
    for (size_t life = 0; life < 1000; life++) {
        gru_team *team = NULL;
        gru_error error = {0};
        if (!CHECK_STATUS(gru_team_create(&team, 1 + life % 4, life % 2 ? &allocator : NULL, &error), GRU_OK, &error,
                          "life %zu", life))
            return;
        if (life % 3 == 0) {
            atomic_size_t sum = 0;
            gru_phases_run(gru_team_pool(team), 2, 2, mark, &sum, state);
            CHECK(sum == 8, "two phases of two slices, %zu", (size_t)sum);
        }
        gru_team_destroy(team);
    }
    CHECK(memory.calls == 500 && memory.live == 0 && memory.mistakes == 0, "%zu blocks of %zu are left, %zu mistakes",
          memory.live, memory.calls, memory.mistakes);
    CHECK(settles_at(threads), "%u threads before, %u after", threads, count_threads());
}

/* Each refusal has its status, writes nothing and keeps nothing. */
void test_team_refusals(void)
{
    gru_error error = {0};
    gru_team *const untouched = (gru_team *)&error, *team = untouched;
    check_memory memory = {.fail_at = 1};
    const gru_allocator full = check_allocator(&memory);
    gru_allocator half = full;
    half.release = NULL;
    CHECK_STATUS(gru_team_create(NULL, 2, NULL, &error), GRU_NULL_POINTER, &error, "no team");
    CHECK_STATUS(gru_team_create(&team, 2, &half, &error), GRU_NULL_POINTER, &error, "half an allocator");
    CHECK_STATUS(gru_team_create(&team, 2, &full, &error), GRU_NO_MEMORY, &error, "no memory");
    CHECK_STATUS(gru_team_create(&team, SIZE_MAX, NULL, &error), GRU_OVERFLOW, &error, "more threads than bytes");
    CHECK_STATUS(gru_team_create(&team, SIZE_MAX / 4096, NULL, &error), GRU_NO_MEMORY, &error, "too many threads");
    CHECK(team == untouched && memory.live == 0, "a refusal writes nothing and keeps nothing");
    CHECK(gru_team_pool(NULL) == NULL, "no team has no pool");
}

/* In a child, with a user id of its own where that is possible, since the limit counts all threads of a user. */
static int create_without_threads(void *context)
{
    (void)context;
    check_memory memory = {0};
    const gru_allocator allocator = check_allocator(&memory);
    const unsigned threads = count_threads();
    const struct rlimit limit = {3, 3};
    if (setrlimit(RLIMIT_NPROC, &limit))
        return CHECK_CANNOT;
    if (geteuid() == 0 && setuid(65534))
        return CHECK_CANNOT;
    gru_error error = {0};
    gru_team *team = NULL;
    const enum gru_status status = gru_team_create(&team, 16, &allocator, &error);
    if (status == GRU_OK) /* a system that doesn't keep the limit */
        return CHECK_CANNOT;
    const bool undone = !team && memory.live == 0 && memory.mistakes == 0;
    /* ThreadSanitizer starts a thread of its own with a program's first. */
    const bool gone = CHECK_SANITIZED || settles_at(threads);
    return status == GRU_NO_THREAD && error.status == status && undone && gone ? 0 : 1;
}

/* If the system refuses a thread, those that have been started are gone again. */
void test_team_no_thread(void)
{
    const int status = check_child(create_without_threads, NULL);
    if (status == CHECK_CANNOT)
        SKIP("this system doesn't limit a user's threads");
    CHECK(status == 0, "a refused thread is reported and undone: %d", status);
}

/* ---------------------------------------------------------------------------------------------------
 * System calls
 *
 * Children enter strict mode, in which the kernel kills whoever calls anything but read, write and exit, and then tell
 * through a pipe that they have got through.
 */
enum strict { ALONE, IN_TURN, TEAM, CLOCK, ASLEEP, STRICTS };
static const char *const stricts[STRICTS] = {"one thread", "a caller's pool in turn", "a team between two phases",
                                             "the clock", "a step too short to wake a team"};

/* The kernel's own strict mode would also punish reading the time stamp counter, which clock_gettime does. */
static bool enter_strict(void)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_THREAD),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog filter = {sizeof code / sizeof *code, code};
    return !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) && !prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter);
}

/* Each thread of the team enters in its first slice; from then on, to its last, it can call nothing. */
static void mark_strictly(void *context, size_t phase, size_t slice)
{
    static _Thread_local bool entered;
    if (!entered) {
        entered = true;
        enter_strict();
    }
    /* Now and then the others wait long enough to give the CPU away, if they did such a thing. */
    if (slice == 0 && phase % 1000 == 999)
        for (volatile int i = 0; i < 1000000; i++)
            ;
    mark(context, phase, slice);
}

static char read_clock_strictly(void)
{
    struct timespec now;
    return !enter_strict() ? 's' : clock_gettime(CLOCK_MONOTONIC, &now) ? 'n' : 'y';
}

/* A lone step that would be cut for two threads which were awake. */
static char step_strictly(void)
{
    gru_team *team = NULL;
    if (gru_team_create(&team, 2, NULL, NULL) != GRU_OK)
        return 'n';
    const gru_desc desc = {.size = sizeof desc, .input = 130, .hidden = 130};
    const rig_shape shape = {.desc = desc, .steps = 1, .rows = 1, .pool = gru_team_pool(team)};
    const rig r = rig_make(&shape, NULL);
    if (!r.layer || !tally_sleeps(shape.pool))
        return 'n';
    return !enter_strict() ? 's' : rig_call(&r) == GRU_OK ? 'y' : 'n';
}

static char phases_strictly(enum strict strict)
{
    static _Alignas(64) unsigned char state[4096];
    atomic_size_t sum = 0;
    gru_team *team = NULL;
    tally all = {.temper = ALL};
    gru_pool pool = tally_pool(&all, strict == ALONE ? 1 : 4);
    /* As many threads as CPUs, since a larger team may yield; at most four, which is what `sum` below supposes. */
    if (strict == TEAM && gru_team_create(&team, 0, NULL, NULL) == GRU_OK)
        pool = *gru_team_pool(team);
    const bool possible = strict == TEAM ? team && pool.threads > 1 : enter_strict();
    if (possible)
        gru_phases_run(&pool, 5000, 4, strict == TEAM ? mark_strictly : mark, &sum, state);
    return !possible ? 's' : sum == 5000 * 4 + 4 * (4999 * 5000 / 2) + 5000 * 6 ? 'y' : 'n';
}

static void child_strict(enum strict strict, int out)
{
    const char answer = strict == CLOCK    ? read_clock_strictly()
                        : strict == ASLEEP ? step_strictly()
                                           : phases_strictly(strict);
    if (write(out, &answer, 1) == 1)
        syscall(SYS_exit, 0);
}

/* What a child says: a letter, or 'k' if it was killed or hangs, as it would if one of its threads were killed. */
static char ask_strict(enum strict strict)
{
    int ends[2];
    if (pipe(ends))
        return 'p';
    const pid_t child = fork();
    if (child == 0) {
        close(ends[0]);
        child_strict(strict, ends[1]);
        for (;;)
            pause();
    }
    close(ends[1]);
    char answer = 'k';
    struct pollfd wait = {.fd = ends[0], .events = POLLIN};
    if (poll(&wait, 1, 60000) != 1 || read(ends[0], &answer, 1) != 1)
        answer = 'k';
    close(ends[0]);
    kill(child, SIGKILL); /* its idle workers are past their strict lives */
    waitpid(child, NULL, 0);
    return answer;
}

/* No system call with one thread, none in a caller's pool that never waits, none between two phases of a team, and
 * none in a run that lets a team sleep, if reading the clock is none. */
void test_team_no_system_call(void)
{
    if (CHECK_SANITIZED)
        SKIP("the sanitizer's own system calls would be punished");
    for (enum strict strict = ALONE; strict < STRICTS; strict++) {
        const char answer = ask_strict(strict);
        if (answer == 's' && strict == ALONE)
            SKIP("this system has no strict mode");
        if (answer == 'k' && strict == CLOCK)
            SKIP("reading the clock is a system call here");
        CHECK(answer == 'y' || answer == 's', "%s calls nothing: %c", stricts[strict], answer);
    }
}

/* ---------------------------------------------------------------------------------------------------
 * Memory
 */
static void *allocate(const gru_allocator *allocator, size_t bytes, size_t alignment)
{
    void *memory = NULL;
    gru_error error = {0};
    enum gru_status status = gru_allocate(&memory, allocator, bytes, alignment, "test", &error);
    CHECK_STATUS(status, memory ? GRU_OK : GRU_NO_MEMORY, &error, "%zu bytes aligned to %zu", bytes, alignment);
    return memory;
}

void test_memory(void)
{
    const size_t mib = (size_t)1 << 20;
    const size_t sizes[] = {0, 1, 63, 1000, mib - 1, mib, mib + 1, 2 * mib, 2 * mib + 1, 5 * mib + 7};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        for (size_t alignment = 1; alignment <= 4 * mib; alignment *= 4) {
            unsigned char *memory = allocate(NULL, sizes[i], alignment);
            if (!CHECK(memory && (uintptr_t)memory % alignment == 0, "%zu bytes aligned to %zu", sizes[i], alignment))
                return;
            memset(memory, 0x5a, sizes[i]);
            gru_release(NULL, memory, sizes[i]);
        }
    }
    for (size_t shift = 0; shift < 6; shift++)
        CHECK(!allocate(NULL, SIZE_MAX >> shift, 64), "SIZE_MAX >> %zu bytes are refused", shift);
    gru_release(NULL, NULL, 1);

    check_memory counted = {0};
    const gru_allocator allocator = check_allocator(&counted), zero = {0};
    void *memory = allocate(&allocator, 3 * mib, 128);
    CHECK(memory && counted.live == 1 && counted.bytes == 3 * mib, "an allocator is asked for what is needed");
    gru_release(&allocator, memory, 3 * mib);
    CHECK(counted.live == 0 && counted.mistakes == 0, "and gets it back");
    memory = allocate(&zero, 100, 64);
    CHECK(memory, "an allocator of zeros is none");
    gru_release(&zero, memory, 100);
}

/* The pages of this process's address range as the system counts them, or 0 if it doesn't say. */
static size_t count_pages(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    size_t pages = 0;
    if (file && fscanf(file, "%zu", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return pages;
}

/*
 * Large blocks come and go without a trace: neither what was mapped for aligning them is left, nor the rest of their
 * last page. Nothing is written to them, so that hundreds cost nothing. Those that are held meanwhile, and an alignment
 * that no system gives by itself, keep the next ones from being aligned by chance. Any of the three remainders would be
 * several hundred MiB.
 */
void test_memory_space(void)
{
    enum { ROUNDS = 8, HELD = 64, KINDS = 4 };
    const size_t mib = (size_t)1 << 20, sizes[KINDS] = {mib + 1, mib, 3 * mib - 5, 2 * mib + 1};
    const size_t before = count_pages(), page = (size_t)sysconf(_SC_PAGESIZE);
    if (!before)
        SKIP("this system doesn't say how much memory is mapped");
    for (int round = 0; round < ROUNDS; round++) {
        void *memory[HELD];
        for (int i = 0; i < HELD; i++)
            memory[i] = allocate(NULL, sizes[i % KINDS], i % 2 ? 64 : 32 * mib);
        for (int i = 0; i < HELD; i++)
            gru_release(NULL, memory[i], sizes[i % KINDS]);
    }
    const size_t after = count_pages();
    CHECK(after < before + 64 * mib / page, "%zu pages are mapped, and before %d large blocks there were %zu", after,
          ROUNDS * HELD, before);
}
