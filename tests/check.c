/* SPDX-License-Identifier: BSD-2-Clause */
/* check.c: checks and their bookkeeping, the choice of back ends, random numbers, hashes, the counting allocator. */
#include "runner.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef GRU_TEST_DATA
#define GRU_TEST_DATA "tests"
#endif

#define SHOWN_FAILURES 10

runner_settings runner_options;

static struct {
    const gru_backend *backend;
    runner_result result;
    uint64_t random[4];
} now;

/* --- Runs ------------------------------------------------------------------------------------------ */

void runner_begin(const char *name, const gru_backend *backend)
{
    now.backend = backend;
    now.result = (runner_result){0};
    uint64_t hash = CHECK_HASH;
    for (const char *c = name; *c != '\0'; c++) {
        hash = (hash ^ (unsigned char)*c) * UINT64_C(0x100000001b3);
    }
    check_reseed(runner_options.seed ^ hash);
}

const runner_result *runner_end(void)
{
    guarded_free_all();
    if (now.result.checks == 0 && !now.result.skipped) {
        now.result.failures++;
        printf("      it checked nothing\n");
    }
    return &now.result;
}

static bool fail(const char *file, int line, const char *format, va_list values)
{
    now.result.failures++;
    bool shown = now.result.failures <= SHOWN_FAILURES;
    if (shown) {
        const char *name = strrchr(file, '/');
        printf("      %s:%d: ", name ? name + 1 : file, line);
        vprintf(format, values);
    }
    return shown;
}

bool check_that(bool condition, const char *file, int line, const char *format, ...)
{
    now.result.checks++;
    if (!condition) {
        va_list values;
        va_start(values, format);
        if (fail(file, line, format, values)) {
            putchar('\n');
        }
        va_end(values);
    }
    return condition;
}

static bool is_nan(uint32_t bits)
{
    return (bits & 0x7fffffff) > 0x7f800000;
}

bool check_bits(const float *got, const float *want, size_t n, const char *file, int line, const char *format, ...)
{
    now.result.checks++;
    size_t first = n, count = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t a = check_bits_of(got[i]), b = check_bits_of(want[i]);
        if (a != b && !(is_nan(a) && is_nan(b))) {
            first = count == 0 ? i : first;
            count++;
        }
    }
    if (count > 0) {
        va_list values;
        va_start(values, format);
        if (fail(file, line, format, values)) {
            printf(": %zu of %zu differ, first [%zu]: got %08x (%.9g), want %08x (%.9g)\n", count, n, first,
                   check_bits_of(got[first]), (double)got[first], check_bits_of(want[first]), (double)want[first]);
        }
        va_end(values);
    }
    return count == 0;
}

bool check_status(enum gru_status got, enum gru_status want, const gru_error *error, const char *file, int line,
                  const char *format, ...)
{
    now.result.checks++;
    bool ended = error == NULL || memchr(error->text, '\0', sizeof error->text) != NULL;
    bool told = want == GRU_OK || error == NULL || (error->status == got && ended && error->text[0] != '\0');
    if (got != want || !told) {
        va_list values;
        va_start(values, format);
        if (fail(file, line, format, values)) {
            printf(": got %d (%s), want %d (%s); error %d '%.*s'\n", got, gru_status_text(got), want,
                   gru_status_text(want), error ? (int)error->status : -1, ended ? 251 : 0, error ? error->text : "");
        }
        va_end(values);
    }
    return got == want && told;
}

void check_skip(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    now.result.skipped = true;
    vsnprintf(now.result.reason, sizeof now.result.reason, format, values);
    va_end(values);
}

/* --- Choices --------------------------------------------------------------------------------------- */

const gru_backend *check_backend(size_t i)
{
    for (size_t k = 0; gru_backend_at(k) != NULL; k++) {
        const gru_backend *backend = gru_backend_at(k);
        bool allowed = runner_options.backend == NULL || strcmp(gru_backend_name(backend), runner_options.backend) == 0;
        if (allowed && i-- == 0) {
            return backend;
        }
    }
    return NULL;
}

const gru_backend *check_this(void)
{
    return now.backend;
}

const gru_backend *check_scalar(void)
{
    const gru_backend *backend = NULL;
    gru_error error = {0};
    CHECK_STATUS(gru_backend_find(&backend, "scalar", &error), GRU_OK, &error, "the scalar back end is always there");
    return backend;
}

bool check_long(void)
{
    return runner_options.full;
}

/* One of `of` neighbours, so that a test of as many cases is never left with none (one of 48 cases, each of which threw
 * a die of twelve, once was). Which one is mixed, by the first steps of splitmix64, so that the cases chosen don't all
 * have the same remainder in some other cycle of the test's. */
bool check_turn(size_t i, size_t of)
{
    uint64_t mixed = (runner_options.seed + i / of) * UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ mixed >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    return !runner_options.quick || (mixed >> 32) % of == i % of;
}

bool check_guarded(void)
{
    return !runner_options.no_guards;
}

bool check_update_golden(void)
{
    return runner_options.update_golden;
}

/* There in a build for tests/coverage alone. */
__attribute__((weak)) void __gcov_dump(void);

int check_child(int (*work)(void *context), void *context)
{
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        alarm(600);
        status = work(context);
        if (__gcov_dump) {
            __gcov_dump();
        }
        _exit(status);
    }
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

FILE *check_open(const char *name, const char *mode)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", runner_options.data ? runner_options.data : GRU_TEST_DATA, name);
    return fopen(path, mode);
}

/* --- Random numbers: xoshiro256** by Blackman and Vigna, its state filled by splitmix64 as they advise -------- */

void check_reseed(uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += UINT64_C(0x9e3779b97f4a7c15);
        uint64_t mixed = (seed ^ seed >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        mixed = (mixed ^ mixed >> 27) * UINT64_C(0x94d049bb133111eb);
        now.random[i] = mixed ^ mixed >> 31;
    }
}

static uint64_t rotate(uint64_t value, int by)
{
    return value << by | value >> (64 - by);
}

uint64_t check_random(void)
{
    uint64_t *s = now.random;
    uint64_t result = rotate(s[1] * 5, 7) * 9, shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = rotate(s[3], 45);
    return result;
}

size_t check_below(size_t limit)
{
    return (size_t)(check_random() % limit);
}

/* Steps of 2^-24 of the range: each operation here is exactly rounded, so every machine gets the same float. */
float check_uniform(float low, float high)
{
    double unit = (double)(check_random() >> 40) / 16777215.0;
    return (float)((double)low + ((double)high - (double)low) * unit);
}

void check_fill(float *array, size_t n, float low, float high)
{
    for (size_t i = 0; i < n; i++) {
        array[i] = check_uniform(low, high);
    }
}

uint64_t check_hash(uint64_t hash, const float *array, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t bits = check_bits_of(array[i]);
        bits = is_nan(bits) ? 0x7fc00000 : bits;
        for (int byte = 0; byte < 4; byte++) {
            hash = (hash ^ (bits >> 8 * byte & 0xff)) * UINT64_C(0x100000001b3);
        }
    }
    return hash;
}

uint32_t check_bits_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

float check_float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* --- The counting allocator ------------------------------------------------------------------------ */

/* Stands before each block, so that a release can be checked; `start` is what malloc gave. */
typedef struct header {
    void *start;
    size_t bytes;
    uint64_t mark;
} header;

#define LIVE_MARK UINT64_C(0x6c6976656c697665)

static void *counted_allocate(void *context, size_t bytes, size_t alignment)
{
    check_memory *memory = context;
    memory->calls++;
    if (alignment == 0 || (alignment & (alignment - 1)) != 0) {
        memory->mistakes++;
        return NULL;
    }
    size_t room = sizeof(header) + alignment;
    if (memory->calls == memory->fail_at || bytes > SIZE_MAX - room) {
        return NULL;
    }
    unsigned char *start = malloc(bytes + room);
    if (start == NULL) {
        return NULL;
    }
    uintptr_t first = (uintptr_t)start + sizeof(header);
    unsigned char *block = start + sizeof(header) + (alignment - first % alignment) % alignment;
    header head = {start, bytes, LIVE_MARK};
    memcpy(block - sizeof head, &head, sizeof head);
    memset(block, 0xa5, bytes);
    memory->live++;
    memory->bytes += bytes;
    return block;
}

static void counted_release(void *context, void *block, size_t bytes)
{
    check_memory *memory = context;
    header head;
    memcpy(&head, (unsigned char *)block - sizeof head, sizeof head);
    if (head.mark != LIVE_MARK || head.bytes != bytes) {
        memory->mistakes++;
        return;
    }
    memset((unsigned char *)block - sizeof head, 0, sizeof head);
    memory->live--;
    memory->bytes -= bytes;
    free(head.start);
}

gru_allocator check_allocator(check_memory *memory)
{
    return (gru_allocator){counted_allocate, counted_release, memory};
}
