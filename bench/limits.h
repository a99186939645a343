/* SPDX-License-Identifier: BSD-2-Clause */
/* limits.h: what the machine can do at best, the figures that everything else is divided by. */
#ifndef BENCH_LIMITS_H
#define BENCH_LIMITS_H

#include "json.h"
#include "machine.h"

#include <stdbool.h>
#include <stddef.h>

enum { LIMITS_SIZES = 32, LIMITS_ISAS = 4, LIMITS_STEPS = 32 };
enum limits_pages { PAGES_SMALL, PAGES_HUGE };

/* Read bandwidth of a working set, GB/s; `all` is the sum over all threads, each with a set of `bytes` of its own. */
struct limits_read {
    double bytes;
    double one[2]; /* by enum limits_pages */
    double all[2];
    size_t streams; /* what reached one[PAGES_HUGE] */
    size_t ahead;
    double fed; /* one thread again, whose multiply-adds read; on huge pages */
};

/* A single step of libgru, I = H, one thread. */
struct limits_step {
    size_t hidden;
    size_t batch;
    double ns;
};

struct limits_backend {
    char name[16];
    size_t lanes;
    double peak_one; /* GFLOP/s */
    double peak_all;
    double ghz;         /* the core's frequency while at it */
    double fma_ns;      /* latency of one fused multiply-add */
    double division_ns; /* of one value, where nothing waits: a vector has `lanes` of them */
    size_t reads;
    struct limits_read read[LIMITS_SIZES];
    size_t steps;
    struct limits_step step[LIMITS_STEPS];
};

struct limits {
    struct machine machine;
    size_t threads;    /* of the "all" figures */
    double barrier_ns; /* a meeting of all of them; 0 if there is one */
    double quiet_level;
    double quiet_share;
    double seconds;
    size_t backends;
    struct limits_backend backend[LIMITS_ISAS];
};

/* Measures; `quick` takes fewer sizes and trials. `only` names one back end, NULL means all. After `seconds` (0: 45,
 * quick 9) what is left is done once and briefly. Prints progress to stderr on a terminal. */
void limits_measure(struct limits *limits, bool quick, const char *only, double seconds);

/* Adds the steps, which need the library. */
void limits_measure_steps(struct limits *limits, bool quick);

void limits_to_json(cJSON *json, const struct limits *limits);
void limits_from_json(struct limits *limits, const cJSON *json, const char *file);
void limits_read_file(struct limits *limits, const char *file);
/* The same, of a file that must be this machine's and have that back end: shares of another's limits mean nothing. */
void limits_read_here(struct limits *limits, const char *file, const char *backend);
cJSON *machine_to_json(cJSON *parent, const char *key, const struct machine *machine);
void machine_from_json(struct machine *machine, const cJSON *json, const char *file);

/* NULL if the limits have no such back end. */
const struct limits_backend *limits_backend(const struct limits *limits, const char *name);

/* GFLOP/s of so many threads, between the figures of one and of all. */
double limits_peak(const struct limits *limits, const struct limits_backend *backend, size_t threads);

/* ns of a meeting of so many threads: each is handed one line after the other. */
double limits_barrier(const struct limits *limits, size_t threads);

/* GB/s of so many threads that share `bytes` of weights between them, on the better kind of pages; linear between the
 * measured sizes in the logarithm of the size. */
double limits_bandwidth(const struct limits *limits, const struct limits_backend *backend, size_t threads,
                        double bytes);

/* The part of that which one thread's multiply-adds reach: a core runs wide ones at a lower frequency than loads. */
double limits_fed_share(const struct limits *limits, const struct limits_backend *backend, double bytes);

/*
 * What one trial has shown to be possible bounds other figures too: a smaller set can be read at least as fast as a
 * larger one, and a thread alone is at least as fast as among others. Where the figures say otherwise, a neighbour or
 * bad pages disturbed them, and they are raised to that.
 */
void limits_make_consistent(struct limits_backend *backend, size_t threads);

/* The same for a cell that read `bytes` of weights at `rate` GB/s: if the figures say less, they were taken in a
 * worse moment than the cell, and are raised to it. True if so. */
bool limits_raise(struct limits *limits, const char *name, size_t threads, double bytes, double rate);

#endif
