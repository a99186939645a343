/* SPDX-License-Identifier: BSD-2-Clause */
/* test_dispatch.c: what any CPU and any operating system would get, first calls at once, and a library that comes and
 * goes. */
#include "check.h"

#include "../arch/cpu.h"
#include "backend.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__)

/* As the manuals number them; not taken from arch/cpu.c. */
#define FMA (1u << 12)
#define OSXSAVE (1u << 27)
#define AVX (1u << 28)
#define AVX2 (1u << 5)
#define F (1u << 16)
#define DQ (1u << 17)
#define BW (1u << 30)
#define VL (1u << 31)

static const struct {
    const char *name;
    uint32_t max_leaf, leaf1_ecx, leaf7_ebx;
    uint64_t xcr0;
    const char *best;
} cpus[] = {
    {"nothing at all", 0, 0, 0, 0, "scalar"},
    {"Conroe", 10, 0x0000e3bd, 0, 0, "scalar"},
    {"no AVX, but an OS that saves its registers", 13, OSXSAVE, 0, 7, "scalar"},
    {"AVX without AVX2 (Sandy Bridge)", 13, OSXSAVE | AVX, 0, 7, "scalar"},
    {"AVX and FMA without AVX2 (Piledriver)", 13, OSXSAVE | AVX | FMA, 0, 7, "scalar"},
    {"AVX2 without FMA", 13, OSXSAVE | AVX, AVX2, 7, "scalar"},
    {"AVX2 and FMA (Haswell)", 13, OSXSAVE | AVX | FMA, AVX2, 7, "avx2"},
    {"the same, but the OS doesn't save ymm", 13, OSXSAVE | AVX | FMA, AVX2, 3, "scalar"},
    {"the same, but the OS doesn't save xmm", 13, OSXSAVE | AVX | FMA, AVX2, 5, "scalar"},
    {"the same, but the OS has no XSAVE", 13, AVX | FMA, AVX2, 0xe7, "scalar"},
    {"the same, leaf 7 masked away", 6, OSXSAVE | AVX | FMA, AVX2, 7, "scalar"},
    {"AVX-512 in full (Skylake-X)", 22, OSXSAVE | AVX | FMA, AVX2 | F | DQ | BW | VL, 0xe7, "avx512"},
    {"AVX-512 without FMA", 22, OSXSAVE | AVX, AVX2 | F | DQ | BW | VL, 0xe7, "scalar"},
    {"AVX-512 without AVX2", 22, OSXSAVE | AVX | FMA, F | DQ | BW | VL, 0xe7, "scalar"},
    {"AVX-512F without BW (Knights Landing)", 13, OSXSAVE | AVX | FMA, AVX2 | F, 0xe7, "avx2"},
    {"AVX-512 without BW", 13, OSXSAVE | AVX | FMA, AVX2 | F | DQ | VL, 0xe7, "avx2"},
    {"AVX-512 without DQ", 13, OSXSAVE | AVX | FMA, AVX2 | F | BW | VL, 0xe7, "avx2"},
    {"AVX-512 without VL", 13, OSXSAVE | AVX | FMA, AVX2 | F | BW | DQ, 0xe7, "avx2"},
    {"AVX-512 BW, DQ, VL without F", 13, OSXSAVE | AVX | FMA, AVX2 | BW | DQ | VL, 0xe7, "avx2"},
    {"AVX-512, the OS saves ymm alone", 22, OSXSAVE | AVX | FMA, AVX2 | F | DQ | BW | VL, 0x07, "avx2"},
    {"AVX-512, the OS doesn't save the masks", 22, OSXSAVE | AVX | FMA, AVX2 | F | DQ | BW | VL, 0xc7, "avx2"},
    {"AVX-512, the OS doesn't save zmm16-31", 22, OSXSAVE | AVX | FMA, AVX2 | F | DQ | BW | VL, 0x67, "avx2"},
    {"AVX-512, the OS doesn't save the upper halves", 22, OSXSAVE | AVX | FMA, AVX2 | F | DQ | BW | VL, 0xa7, "avx2"},
    {"AVX-512, the OS saves zmm but not ymm", 22, OSXSAVE | AVX | FMA, AVX2 | F | DQ | BW | VL, 0xe3, "scalar"},
};

/* The words in which CPUID describes a cache: 31:22 ways, 21:12 partitions, 11:0 a line, and sets, each less one. */
static const struct {
    const char *name;
    uint32_t eax, ebx, ecx;
    bool large;
} caches[] = {
    {"a CPU that doesn't say", 0, 0, 0, false},
    {"32 KiB, 8 ways (Skylake)", 0x1c004121, 0x01c0003f, 63, false},
    {"32 KiB of AMD (Zen 4)", 0x00004121, 0x01c0003f, 63, false},
    {"one line less than 48 KiB", 0x121, 0x0000003f, 766, false},
    {"48 KiB, 12 ways (Ice Lake)", 0x1c004121, 0x02c0003f, 63, true},
    {"48 KiB of AMD (Zen 5)", 0x121, 0x02c0003f, 63, true},
    {"48 KiB in three partitions", 0x121, 0x00c0203f, 63, true},
    {"64 KiB by longer lines", 0x121, 0x01c0007f, 63, true},
    {"48 KiB for instructions", 0x122, 0x02c0003f, 63, false},
    {"48 KiB for both", 0x123, 0x02c0003f, 63, false},
    {"48 KiB of the second level", 0x141, 0x02c0003f, 63, false},
};

/* Whether this CPU has the back end and these bits are all that it needs. */
static bool fits(const char *name, uint32_t bits)
{
    const struct gru_backend *backend;
    for (size_t i = 0; (backend = gru_backend_at(i)) != NULL; i++) {
        if (strcmp(backend->name, name) == 0) {
            return (backend->needs & bits) == backend->needs;
        }
    }
    return false;
}

/* The first of the built back ends whose needs are met, as gru_backend_at finds it; the list is best first. */
static const char *best_of(uint32_t bits)
{
    return fits("avx512", bits) ? "avx512" : fits("avx2", bits) ? "avx2" : "scalar";
}

static bool is_here(const char *name)
{
    const gru_backend *found;
    return gru_backend_find(&found, name, NULL) == GRU_OK;
}

void test_dispatch_cpus(void)
{
    for (size_t i = 0; i < sizeof cpus / sizeof cpus[0]; i++) {
        const struct gru_cpu_registers registers = {
            .max_leaf = cpus[i].max_leaf,
            .leaf1_ecx = cpus[i].leaf1_ecx,
            .leaf7_ebx = cpus[i].leaf7_ebx,
            .xcr0 = cpus[i].xcr0,
        };
        uint32_t bits = gru_cpu_decide(&registers);
        const char *best = best_of(bits);
        CHECK(bits != 0, "%s: the word is never 0, which means that it isn't known yet", cpus[i].name);
        /* What this CPU can't run isn't in the list; the bits must at least be right. */
        CHECK(strcmp(best, cpus[i].best) == 0 || !is_here(cpus[i].best), "%s: %s instead of %s", cpus[i].name, best,
              cpus[i].best);
        CHECK((strcmp(cpus[i].best, "avx512") == 0) ==
                  ((bits & GRU_CPU_AVX512F) && (bits & GRU_CPU_AVX512BW) && (bits & GRU_CPU_AVX512DQ) &&
                   (bits & GRU_CPU_AVX512VL) && (bits & GRU_CPU_AVX2) && (bits & GRU_CPU_FMA)),
              "%s: the bits are %x", cpus[i].name, bits);
    }
    struct gru_cpu_registers mine = gru_cpu_read();
    CHECK(gru_cpu_decide(&mine) == gru_cpu_bits(), "the CPU is what it was");
}

void test_dispatch_caches(void)
{
    for (size_t i = 0; i < sizeof caches / sizeof caches[0]; i++) {
        const struct gru_cpu_registers registers = {
            .cache_eax = caches[i].eax,
            .cache_ebx = caches[i].ebx,
            .cache_ecx = caches[i].ecx,
        };
        bool large = (gru_cpu_decide(&registers) & GRU_CPU_LARGE_CACHE) != 0;
        CHECK(large == caches[i].large, "%s: large is %d", caches[i].name, large);
    }
}

#else

void test_dispatch_caches(void)
{
    CHECK(gru_first_cache() == GRU_NEAR_WEIGHTS, "this CPU doesn't say how large its cache is, but it is known");
}

void test_dispatch_cpus(void)
{
    struct gru_cpu_registers mine = gru_cpu_read(), none = {.hwcap = 0};
    CHECK(gru_cpu_decide(&mine) == gru_cpu_bits(), "the CPU is what it was");
    CHECK(gru_cpu_decide(&none) != 0, "the word is never 0, which means that it isn't known yet");
}

#endif

/* --- The shared library ---------------------------------------------------------------------------- */

/* The functions of a copy of the library that has just been loaded and knows nothing yet. */
typedef struct loaded {
    void *handle;
    const gru_backend *(*at)(size_t i);
    const char *(*name)(const gru_backend *backend);
    enum gru_status (*create)(gru_team **team, size_t threads, const gru_allocator *allocator, gru_error *error);
    void (*destroy)(gru_team *team);
    const gru_pool *(*pool)(const gru_team *team);
} loaded;

static void find(void *handle, const char *name, void *function)
{
    void *symbol = dlsym(handle, name);
    memcpy(function, &symbol, sizeof symbol);
}

static bool load(loaded *l)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 64);
    if (length <= 0) {
        return false;
    }
    path[length] = '\0';
    snprintf(strrchr(path, '/'), 64, "/../libgru.so.%d", GRU_ABI);
    l->handle = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (l->handle == NULL) {
        return false;
    }
    find(l->handle, "gru_backend_at", &l->at);
    find(l->handle, "gru_backend_name", &l->name);
    find(l->handle, "gru_team_create", &l->create);
    find(l->handle, "gru_team_destroy", &l->destroy);
    find(l->handle, "gru_team_pool", &l->pool);
    return true;
}

enum { CROWD = 64 };

static struct {
    loaded library;
    pthread_barrier_t start;
    const char *names[CROWD];
} crowd;

static void *first_call(void *argument)
{
    size_t i = (size_t)(uintptr_t)argument;
    pthread_barrier_wait(&crowd.start);
    crowd.names[i] = crowd.library.name(crowd.library.at(0));
    return NULL;
}

/* 64 threads make the first call of a fresh library at once: all get the same answer, the one that this program got. */
void test_dispatch_crowd(void)
{
    pthread_t threads[CROWD];
    if (!load(&crowd.library)) {
        SKIP("the shared library isn't where it is built");
    }
    pthread_barrier_init(&crowd.start, NULL, CROWD);
    for (size_t i = 0; i < CROWD; i++) {
        if (!CHECK(pthread_create(&threads[i], NULL, first_call, (void *)(uintptr_t)i) == 0, "a thread starts")) {
            abort();
        }
    }
    for (size_t i = 0; i < CROWD; i++) {
        pthread_join(threads[i], NULL);
        CHECK(strcmp(crowd.names[i], gru_backend_name(gru_backend_at(0))) == 0, "thread %zu gets %s", i,
              crowd.names[i]);
    }
    pthread_barrier_destroy(&crowd.start);
    dlclose(crowd.library.handle);
}

static void count_task(void *argument, size_t i)
{
    (void)i;
    atomic_fetch_add((atomic_size_t *)argument, 1);
}

/* Loads and unloads it; now and then a team is left behind, whose threads must not find their code gone. */
static int come_and_go(void *context)
{
    (void)context;
    gru_team *left = NULL;
    for (size_t i = 0; i < 1000; i++) {
        loaded l;
        atomic_size_t tasks = 0;
        if (!load(&l)) {
            return 1;
        }
        if (left != NULL) {
            l.pool(left)->run(l.pool(left)->context, count_task, &tasks, 2);
            l.destroy(left);
            left = NULL;
            if (tasks != 2) {
                return 1;
            }
        }
        if (i % 25 == 0 && l.create(&left, 2, NULL, NULL) != GRU_OK) {
            return 1;
        }
        if (i % 50 == 0) {
            usleep(2000); /* so that the worker sleeps when its code might go */
        }
        dlclose(l.handle);
        if (i % 25 == 0) {
            usleep(1000);
        }
    }
    return 0;
}

void test_dispatch_unload(void)
{
    loaded l;
    if (!load(&l)) {
        SKIP("the shared library isn't where it is built");
    }
    dlclose(l.handle);
    int status = check_child(come_and_go, NULL);
    CHECK(status == 0, "a thousand times dlopen and dlclose, workers alive: %d", status);
}

/* --- Raised privileges ----------------------------------------------------------------------------- */

enum { IGNORED = 10, HEEDED };

/* The copy of this program does the rest of the test. */
static int run_privileged(void *context)
{
    const char *copy = context;
    setenv("GRU_BACKEND", "scalar", 1);
    setenv("GRU_TESTS_PRIVILEGED", "1", 1);
    execl(copy, copy, "--test=dispatch_privileged", (char *)NULL);
    return CHECK_CANNOT; /* it can't be started: under an emulator, whose programs the system doesn't know */
}

/* Copies this program and gives it away with the setuid bit. */
static bool copy_self(char *copy)
{
    int fd = mkstemp(copy);
    FILE *from = fopen("/proc/self/exe", "rb"), *to = fd >= 0 ? fdopen(fd, "wb") : NULL;
    static char buffer[1 << 16];
    bool good = from != NULL && to != NULL;
    for (size_t n = 1; good && n > 0;) {
        n = fread(buffer, 1, sizeof buffer, from);
        good = fwrite(buffer, 1, n, to) == n;
    }
    good = (from == NULL || fclose(from) == 0) && (to == NULL || fclose(to) == 0) && good;
    return good && chown(copy, 65534, 65534) == 0 && chmod(copy, 04755) == 0;
}

void test_dispatch_privileged(void)
{
    if (getenv("GRU_TESTS_PRIVILEGED") != NULL) {
        const gru_backend *found = NULL;
        bool best = gru_backend_find(&found, NULL, NULL) == GRU_OK && found == gru_backend_at(0);
        _exit(getauxval(AT_SECURE) == 0 ? CHECK_CANNOT : best ? IGNORED : HEEDED);
    }
    if (gru_backend_at(1) == NULL) {
        SKIP("there is one back end alone");
    }
    if (geteuid() != 0) {
        SKIP("only root can give a program away");
    }
    char copy[] = "/tmp/gru-tests-XXXXXX";
    int answer = copy_self(copy) ? check_child(run_privileged, copy) : CHECK_CANNOT;
    unlink(copy);
    if (answer == CHECK_CANNOT) {
        SKIP("this system, or what emulates it, doesn't raise a program's privileges");
    }
    CHECK(answer == IGNORED, "GRU_BACKEND is ignored in a setuid program: %d", answer);
}
