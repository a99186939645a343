/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz_replay.c: the fuzz target without a fuzzer: the corpus, and random changes of it, in any compiler's build. */
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MOST_INPUTS = 1000, MOST_BYTES = 300 };

typedef struct program {
    uint8_t bytes[MOST_BYTES];
    size_t size;
} program;

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One line of hexadecimal digits. */
static void parse(program *p, const char *line)
{
    unsigned byte;
    for (p->size = 0; p->size < MOST_BYTES && sscanf(line + 2 * p->size, "%2x", &byte) == 1; p->size++) {
        p->bytes[p->size] = (uint8_t)byte;
    }
}

/* xorshift64*: a run is repeated by its seed. */
static uint64_t state;

static size_t below(size_t limit)
{
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return (size_t)((state * UINT64_C(0x2545f4914f6cdd1d)) >> 33) % limit;
}

/* What a fuzzer does first: other bytes here and there, and the end of another program. */
static void change(program *p, const program *other)
{
    size_t kept = below(p->size + 1), more = below(other->size + 1);
    if (below(4) == 0 && kept + more <= MOST_BYTES) {
        memcpy(p->bytes + kept, other->bytes + other->size - more, more);
        p->size = kept + more;
    }
    for (size_t changes = p->size > 0 ? below(5) : 0; changes > 0; changes--) {
        p->bytes[below(p->size)] = (uint8_t)(below(3) ? below(256) : 247 + below(9));
    }
}

/* Which program it was that ended all. */
static char current[80];

static void report(int number)
{
    ssize_t written = write(STDOUT_FILENO, current, strlen(current));
    signal(number, SIG_DFL);
    raise(written < 0 ? SIGKILL : number);
}

int main(int count, char **arguments)
{
    static program programs[MOST_INPUTS];
    static char line[2 * MOST_BYTES + 2];
    char *end = NULL;
    size_t inputs = 0, changed = count > 2 ? strtoull(arguments[2], &end, 0) : 0;
    uint64_t seed = count > 3 ? strtoull(arguments[3], NULL, 0) : (uint64_t)time(NULL);
    FILE *corpus = count > 1 ? fopen(arguments[1], "r") : NULL;
    if (corpus == NULL) {
        fprintf(stderr, "fuzz-replay CORPUS.TXT [HOW MANY CHANGED ONES] [SEED]: %s\n", count > 1 ? strerror(errno) : "which corpus?");
        return 2;
    }
    for (; inputs < MOST_INPUTS && fgets(line, sizeof line, corpus); inputs++) {
        parse(&programs[inputs], line);
    }
    fclose(corpus);
    if (inputs == 0) {
        fprintf(stderr, "fuzz-replay: %s has no programs\n", arguments[1]);
        return 2;
    }
    state = seed * 2 + 1;
    signal(SIGABRT, report);
    signal(SIGSEGV, report);
    for (size_t i = 0; i < inputs + changed; i++) {
        program now = programs[i < inputs ? i : below(inputs)];
        if (i >= inputs) {
            change(&now, &programs[below(inputs)]);
        }
        snprintf(current, sizeof current, "FAIL  fuzz-replay: program %zu of seed %llu\n", i, (unsigned long long)seed);
        LLVMFuzzerTestOneInput(now.bytes, now.size);
    }
    printf("ok    %zu programs of the corpus and %zu changed ones, seed %llu\n1 passed, 0 failed, 0 skipped\n", inputs, changed,
           (unsigned long long)seed);
    return 0;
}
