/* SPDX-License-Identifier: BSD-2-Clause */
/* main.c: grubench's subcommands. */
#include "bench.h"
#include "clock.h"
#include "quiet.h"
#include "util.h"

#include <string.h>

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *about;
};

static const struct command commands[] = {
    {"limits", limits_main, "what this machine can do: FMA peak, read bandwidth by working set"},
    {"speed", speed_main, "what libgru does with it: ns a step over a grid of sizes"},
    {"cost", cost_main, "what each size costs here, or on a machine of which the limits are known"},
    {"compare", compare_main, "two files of `speed --json`: what changed, and how sure that is"},
    {"ab", ab_main, "two builds of the library, interleaved"},
    {"count", count_main, "instructions a call instead of time, against a baseline"},
    {"track", track_main, "a history of runs: what changed, and with which commit"},
    {"activations", activations_main, "sigmoid, tanh and the gate block beside SLEEF, libmvec and libm"},
    {"ragged", ragged_main, "rows of different lengths, beside whole ones"},
    {"worker", worker_main, "serves bench/peers: one request a line on stdin"},
};

void bench_start(void)
{
    /* In this order: the probe needs the clock, and what quiet is must be learnt on the CPU that is measured on. */
    clock_start();
    machine_pin(0);
    quiet_start();
}

static void print_usage(void)
{
    puts("usage: grubench COMMAND [options]; grubench COMMAND --help says more");
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        printf("  %-11s %s\n", commands[i].name, commands[i].about);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fail("a command is missing; grubench --help lists them");
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage();
        flush_stdout();
        return 0;
    }
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0) {
            int status = commands[i].run(argc - 1, argv + 1);
            flush_stdout();
            return status;
        }
    fail("unknown command '%s'; grubench --help lists them", argv[1]);
}
