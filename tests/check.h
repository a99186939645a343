/* SPDX-License-Identifier: BSD-2-Clause */
/* check.h: the test harness: checks, choice of tests and back ends, random numbers, guarded memory. */
#ifndef GRU_CHECK_H
#define GRU_CHECK_H

#include <gru.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/*
 * How to write a test
 * -------------------
 *
 * 1. Write `void test_NAME(void)` in some tests/test_*.c that includes "check.h" alone.
 * 2. Add one row to tests/tests.def:
 *      TEST(NAME)       runs once; it may go through the back ends itself with check_backend(i);
 *      TEST_EACH(NAME)  runs once for each back end that this CPU has; check_this() is the one of this run.
 * 3. Add the file to the list of test sources in the build.
 *
 * What counts: each run of a test is one in the closing line `N passed, N failed, N skipped`, so a TEST_EACH row counts
 * once for each back end. A back end that libgru knows but this CPU (or build) doesn't have is one visible skip.
 * A run with a failed CHECK has failed; one that called SKIP was skipped; one that checked nothing at all has failed,
 * since a test that can't fail is none.
 *
 * A failed CHECK prints and goes on (after ten lines a run is silent); it returns its condition, so that
 * `if (!CHECK(...)) return;` leaves where going on would make no sense. Call CHECK from the main thread only.
 *
 * Everything random comes from the generator below. It starts each run from the seed and the test's name, not from
 * what ran before, so `--test=NAME --seed=N` repeats a failure, and a TEST_EACH sees the same numbers on each back end.
 *
 * Memory from guarded_* is checked and given back when the run ends.
 *
 * The program: gru-tests [--test=NAME]... [--backend=NAME] [--seed=N] [--list] [--stop] [--quick] [--long]
 * [--update-golden] [--no-guards] [--data=FOLDER]. NAME is a prefix or a pattern such as 'bits_*'. --stop ends at the first test that
 * fails. --long asks for sweeps of minutes;
 * --no-guards is for emulators that read a whole vector where a masked load reads a part.
 * --quick, for emulators and sanitizers, runs a part of the longest tests, which the seed chooses.
 */

/* Checks a condition; the rest is a printf format and its values. Gives the condition. */
#define CHECK(condition, ...) check_that((condition) ? true : false, __FILE__, __LINE__, __VA_ARGS__)

/* Checks that n floats of `got` and `want` have the same bits, each NaN being equal to each NaN. */
#define CHECK_BITS(got, want, n, ...) check_bits((got), (want), (n), __FILE__, __LINE__, __VA_ARGS__)

/* Checks that a call gave this status; for a failure also that the error carries it and a text. */
#define CHECK_STATUS(got, want, error, ...) check_status((got), (want), (error), __FILE__, __LINE__, __VA_ARGS__)

/* Whether a sanitizer watches that makes system calls, allocations and threads of its own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define CHECK_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define CHECK_SANITIZED 1
#endif
#endif
#ifndef CHECK_SANITIZED
#define CHECK_SANITIZED 0
#endif

/* Marks this run as skipped, with the reason, and returns from the function that says so. */
#define SKIP(...)                \
    do {                         \
        check_skip(__VA_ARGS__); \
        return;                  \
    } while (0)

/* Every test's prototype. */
#define TEST(name) void test_##name(void);
#define TEST_EACH(name) TEST(name)
#include "tests.def"
#undef TEST
#undef TEST_EACH

bool check_that(bool condition, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
bool check_bits(const float *got, const float *want, size_t n, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 6, 7)));
bool check_status(enum gru_status got, enum gru_status want, const gru_error *error, const char *file, int line,
                  const char *format, ...) __attribute__((format(printf, 6, 7)));
void check_skip(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The back ends under test: the i-th that this CPU has and --backend allows, or NULL past the last. */
const gru_backend *check_backend(size_t i);

/* The back end of this run of a TEST_EACH. */
const gru_backend *check_this(void);

/* The scalar back end, whatever --backend says: what the others are compared with. */
const gru_backend *check_scalar(void);

/* Whether --long or --update-golden was given. */
bool check_long(void);
bool check_update_golden(void);

/* Whether a read past guarded memory traps. Not with --no-guards. */
bool check_guarded(void);

/* Whether case number i is to run: always, but one of each `of` with --quick. */
bool check_turn(size_t i, size_t of);

/* Opens a file of test data by its name in the tests' folder (--data, else what the build says, else "tests"). */
FILE *check_open(const char *name, const char *mode);

/* Runs work(context) in a child of fork, which an alarm ends if it hangs: what it returns, from 0 to 255, or 256 and the
 * signal that has ended it. CHECK_CANNOT is for children that find that this system can't do what is to be tested. */
enum { CHECK_CANNOT = 77 };
int check_child(int (*work)(void *context), void *context);

/* ---------------------------------------------------------------------------------------------------
 * Random numbers (xoshiro256**), integers first: floats are made from them without libm, so they are the same anywhere.
 */
uint64_t check_random(void);
size_t check_below(size_t limit);           /* 0 .. limit - 1 */
float check_uniform(float low, float high); /* low <= value <= high */
void check_fill(float *array, size_t n, float low, float high);
void check_reseed(uint64_t seed); /* for inputs that must not depend on --seed */

/* FNV-1a, 64 bits, of the floats' bits in little-endian order, each NaN written as 0x7fc00000. Starts at CHECK_HASH. */
#define CHECK_HASH UINT64_C(0xcbf29ce484222325)
uint64_t check_hash(uint64_t hash, const float *array, size_t n);

/* A float's bits, and back. */
uint32_t check_bits_of(float value);
float check_float_of(uint32_t bits);

/* ---------------------------------------------------------------------------------------------------
 * Guarded memory
 *
 * A buffer with an unreadable page on each side, touching the one that `side` names but for `offset` elements; the
 * rest of its pages holds canaries. A read or write past the near end traps when offset is 0; a write past any end is
 * found when the run ends (or by guarded_check). offset also sets the alignment: GUARD_BEFORE with 0 is aligned to
 * a page, with 3 to 3 floats past that. n may be 0. Contents start as NaN (floats) or 0xa5 (bytes).
 */
enum guard_side { GUARD_BEFORE, GUARD_AFTER };

float *guarded_floats(size_t n, enum guard_side side, size_t offset);
void *guarded_bytes(size_t bytes, enum guard_side side, size_t offset);

/* Makes a buffer's pages read-only, so that a write to an input traps too. */
void guarded_freeze(const void *buffer);

/* Checks the canaries of one buffer; frees one or all (which checks them too) before the run ends. */
bool guarded_check(const void *buffer);
void guarded_free(const void *buffer);
void guarded_free_all(void);

/* ---------------------------------------------------------------------------------------------------
 * An allocator that counts, and fails when told to
 */
typedef struct check_memory {
    size_t calls;    /* of allocate */
    size_t live;     /* blocks not yet released */
    size_t bytes;    /* in them */
    size_t fail_at;  /* the number of the call that returns NULL, counting from 1; 0: none does */
    size_t mistakes; /* releases of a wrong size or an unknown block, odd alignments */
} check_memory;

/* An allocator whose context is `memory`; blocks are filled with 0xa5 first. */
gru_allocator check_allocator(check_memory *memory);

#endif
