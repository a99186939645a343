/* SPDX-License-Identifier: BSD-2-Clause */
/* main.c: the test program: which tests run on which back ends, and the closing line. */
#include "runner.h"

#include <errno.h>
#include <fnmatch.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

typedef struct test {
    const char *name;
    void (*run)(void);
    bool each; /* once for each back end */
} test;

static const test tests[] = {
#define TEST(name) {#name, test_##name, false},
#define TEST_EACH(name) {#name, test_##name, true},
#include "tests.def"
#undef TEST
#undef TEST_EACH
};

/* All that libgru knows (arch/meson.build), so that those which this CPU can't run are seen to be missing. */
#define NAME(name) #name,
static const char *const known_backends[] = {GRU_KNOWN_BACKENDS(NAME)};
#undef NAME

#define MAX_PATTERNS 32

static struct {
    const char *patterns[MAX_PATTERNS];
    size_t pattern_count;
    bool list, stop;
    size_t passed, failed, skipped;
    size_t matched;    /* tests that the patterns chose: none is a mistake of the caller's */
    char current[160]; /* "name [back end]", for the signal handler */
} self;

static bool wanted(const char *name)
{
    if (self.pattern_count == 0) {
        return true;
    }
    for (size_t i = 0; i < self.pattern_count; i++) {
        const char *pattern = self.patterns[i];
        if (strncmp(name, pattern, strlen(pattern)) == 0 || fnmatch(pattern, name, 0) == 0) {
            return true;
        }
    }
    return false;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A trap on a guard page kills the program, but the line must still say which test it was, and where it trapped. The
 * program is lost anyway, so printf's family may be called here. */
static void on_signal(int number, siginfo_t *info, void *context)
{
    /* Not on the stack: qemu-x86_64 7.2 gives a handler a stack that isn't aligned for the instructions that clear it. */
    static char line[400], where[200];
    if (number == SIGSEGV || number == SIGBUS) {
        guarded_describe(info->si_addr, where, sizeof where);
    }
    int length = snprintf(line, sizeof line, "FAIL  %s: killed by signal %d (%s)%s\n", self.current, number,
                          number == SIGTERM ? "a time limit" : strsignal(number), where);
    (void)context;
    signal(number, SIG_DFL);
    raise(write(STDOUT_FILENO, line, (size_t)length) < 0 ? SIGABRT : number);
}

static void catch_signals(void)
{
    static const int numbers[] = {
        SIGTERM,
#if !CHECK_SANITIZED
        SIGSEGV, SIGBUS, SIGILL, SIGFPE,
#endif
    };
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
        sigaction(numbers[i], &action, NULL);
    }
}

static void run_one(const test *t, const gru_backend *backend)
{
    snprintf(self.current, sizeof self.current, backend ? "%s [%s]" : "%s", t->name,
             backend ? gru_backend_name(backend) : "");
    runner_begin(t->name, backend);
    double start = seconds();
    t->run();
    const runner_result *result = runner_end();
    double took = seconds() - start;
    if (result->failures > 0) {
        self.failed++;
        printf("FAIL  %s: %zu of %zu checks failed (--test=%s --seed=%llu)\n", self.current, result->failures,
               result->checks, t->name, (unsigned long long)runner_options.seed);
    } else if (result->skipped) {
        self.skipped++;
        printf("skip  %s: %s\n", self.current, result->reason);
    } else {
        self.passed++;
        printf("ok    %s (%zu checks, %.1f s)\n", self.current, result->checks, took);
    }
    fflush(stdout);
}

static void run_all(void)
{
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        if (!wanted(tests[i].name) || (self.stop && self.failed > 0)) {
            continue;
        }
        self.matched++;
        if (self.list) {
            puts(tests[i].name);
        } else if (!tests[i].each) {
            run_one(&tests[i], NULL);
        } else {
            for (size_t k = 0; check_backend(k) != NULL && !(self.stop && self.failed); k++) {
                run_one(&tests[i], check_backend(k));
            }
        }
    }
}

static void report_missing_backends(void)
{
    for (size_t i = 0; i < sizeof known_backends / sizeof known_backends[0]; i++) {
        const char *name = known_backends[i];
        if (runner_options.backend != NULL && strcmp(name, runner_options.backend) != 0) {
            continue;
        }
        bool found = false;
        for (size_t k = 0; check_backend(k) != NULL; k++) {
            found |= strcmp(gru_backend_name(check_backend(k)), name) == 0;
        }
        if (!found) {
            self.skipped++;
            printf("skip  back end %s: not in this build, or not on this CPU\n", name);
        }
    }
}

static bool known(const char *backend)
{
    for (size_t i = 0; i < sizeof known_backends / sizeof known_backends[0]; i++) {
        if (strcmp(backend, known_backends[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool parse_seed(const char *text)
{
    char *end;
    errno = 0;
    runner_options.seed = strtoull(text, &end, 0);
    return errno == 0 && end != text && *end == '\0';
}

static bool parse(const char *argument)
{
    const char *value = strchr(argument, '=');
    value = value ? value + 1 : "";
    size_t name = (size_t)(value - argument);
    if (strncmp(argument, "--test=", name) == 0 && self.pattern_count < MAX_PATTERNS) {
        self.patterns[self.pattern_count++] = value;
        return true;
    }
    if (strncmp(argument, "--backend=", name) == 0) {
        runner_options.backend = value;
        return known(value);
    }
    if (strncmp(argument, "--seed=", name) == 0) {
        return parse_seed(value);
    }
    if (strncmp(argument, "--data=", name) == 0) {
        runner_options.data = value;
        return true;
    }
    self.list |= strcmp(argument, "--list") == 0;
    self.stop |= strcmp(argument, "--stop") == 0;
    runner_options.full |= strcmp(argument, "--long") == 0;
    runner_options.quick |= strcmp(argument, "--quick") == 0;
    runner_options.update_golden |= strcmp(argument, "--update-golden") == 0;
    runner_options.no_guards |= strcmp(argument, "--no-guards") == 0;
    static const char *const words[] = {"--list", "--stop", "--no-guards", "--long", "--quick", "--update-golden"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(argument, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

int main(int count, char **arguments)
{
    runner_options.seed = (uint64_t)time(NULL) * UINT64_C(1000003) % UINT64_C(1000000007);
    for (int i = 1; i < count; i++) {
        if (!parse(arguments[i])) {
            fprintf(stderr,
                    "gru-tests: '%s'? It takes --test=NAME, --backend=NAME, --seed=N, "
                    "--list, --stop, --quick, --long, --update-golden, --no-guards, --data=FOLDER.\n",
                    arguments[i]);
            return 2;
        }
    }
    if (self.list) {
        run_all();
        return 0;
    }
    catch_signals();
    printf("seed %llu\n", (unsigned long long)runner_options.seed);
    report_missing_backends();
    run_all();
    printf("%zu passed, %zu failed, %zu skipped\n", self.passed, self.failed, self.skipped);
    if (self.matched == 0) {
        fprintf(stderr, "gru-tests: no test has such a name\n");
    }
    return self.failed > 0 || self.matched == 0;
}
