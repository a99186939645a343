/* SPDX-License-Identifier: BSD-2-Clause */
/* test_check.c: the harness itself: its random numbers, its hash, its guards. */
#include "check.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

/* The golden hashes hang on these numbers being the same on every machine. */
void test_check_random(void)
{
    check_reseed(1);
    uint64_t first = check_random();
    check_reseed(1);
    CHECK(check_random() == first, "the same seed gives the same numbers");
    float values[64];
    check_fill(values, 64, -1.0f, 1.0f);
    for (size_t i = 0; i < 64; i++) {
        CHECK(values[i] >= -1.0f && values[i] <= 1.0f, "value %zu is %g", i, (double)values[i]);
    }

    /* FNV-1a of the byte string 00 00 80 3f, and that of a NaN by any other name. */
    float one = 1.0f, nan_a = check_float_of(0xffc12345), nan_b = check_float_of(0x7f800001);
    uint64_t hash = CHECK_HASH;
    static const unsigned char bytes[] = {0x00, 0x00, 0x80, 0x3f};
    for (size_t i = 0; i < sizeof bytes; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    }
    CHECK(check_hash(CHECK_HASH, &one, 1) == hash, "the hash of 1.0f");
    CHECK(check_hash(CHECK_HASH, &nan_a, 1) == check_hash(CHECK_HASH, &nan_b, 1), "each NaN hashes alike");
}

static sigjmp_buf trapped;

static void on_trap(int number)
{
    siglongjmp(trapped, number);
}

static bool traps(const volatile float *address)
{
    if (sigsetjmp(trapped, 1) != 0) {
        return true;
    }
    (void)*address;
    return false;
}

typedef struct last_words {
    const volatile float *after; /* a guarded array's end */
    int output;
} last_words;

static int touch(void *context)
{
    const last_words *words = context;
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    dup2(words->output, STDOUT_FILENO);
    dup2(words->output, STDERR_FILENO); /* an emulator has a word to add */
    (void)*words->after;
    return 0;
}

/* What the program says when it touches byte 40 of 40 for good. */
static void check_last_words(void)
{
    char said[400] = "";
    int ends[2];
    const float *array = guarded_floats(10, GUARD_AFTER, 0);
    if (!CHECK(pipe(ends) == 0, "a pipe")) {
        return;
    }
    int ended = check_child(touch, &(last_words){array + 10, ends[1]});
    close(ends[1]);
    ssize_t length = read(ends[0], said, sizeof said - 1);
    close(ends[0]);
    CHECK(ended == 256 + SIGSEGV, "the program ends as without its handler, but this is %d", ended);
    CHECK(length > 0 && strncmp(said, "FAIL  check_guards: killed by signal 11 ", 40) == 0 &&
              strstr(said, ", byte 40 of a guarded buffer of 40\n") != NULL,
          "its last words: %s", said);
}

void test_check_guards(void)
{
    if (!check_guarded()) {
        SKIP("with --no-guards");
    }
    struct sigaction trap = {.sa_handler = on_trap}, before_segv, before_bus;
    sigaction(SIGSEGV, &trap, &before_segv);
    sigaction(SIGBUS, &trap, &before_bus);
    for (size_t n = 0; n < 40; n += 13) {
        float *after = guarded_floats(n, GUARD_AFTER, 0), *before = guarded_floats(n, GUARD_BEFORE, 0);
        CHECK(traps(after + n), "reading past the end of %zu floats traps", n);
        CHECK(traps(before - 1), "reading before the start of %zu floats traps", n);
        CHECK(n == 0 || (!traps(after) && !traps(after + n - 1)), "%zu floats can be read", n);
        float *shifted = guarded_floats(n, GUARD_BEFORE, 3);
        CHECK((uintptr_t)shifted % 64 == 12, "the offset sets the alignment");
        CHECK(guarded_check(shifted), "fresh canaries are whole");
    }
    sigaction(SIGSEGV, &before_segv, NULL);
    sigaction(SIGBUS, &before_bus, NULL);
    /* A sanitizer has last words of its own. */
    if (!CHECK_SANITIZED) {
        check_last_words();
    }
}
