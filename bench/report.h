/* SPDX-License-Identifier: BSD-2-Clause */
/* report.h: measured cells as a table and in Google Benchmark's JSON format, and files of that format read back. */
#ifndef BENCH_REPORT_H
#define BENCH_REPORT_H

#include "sample.h"

/* What belongs to a measurement besides its cells. */
struct report {
    const struct limits *limits;
    struct activation_cost activations[LIMITS_ISAS]; /* by the limits' back ends */
    uint64_t seed;
    double seconds;
    size_t raised; /* how many cells have read faster than the limits knew, which were raised to them */
};

struct bound report_bound(const struct report *report, const struct cell_spec *spec);

void report_table(const struct report *report, const struct measured *cells, size_t count);
/* That limits were raised, if they were. */
void report_print_raised(FILE *out, const struct report *report);

/* The whole file: context, then each repetition and the aggregates of each cell. */
cJSON *report_json(const struct report *report, const struct measured *cells, size_t count);

/* The aggregates of one cell over `count` entries of run_type iteration, appended to `benchmarks`. */
void report_aggregates(cJSON *benchmarks, const cJSON *const *entries, size_t count);

/* A cell of a file: one time per process run. */
enum { RUNS_MAX = 1024 };
struct filed_cell {
    char *name;
    char *family; /* path, reset, back end: what a summary counts together */
    struct cell_spec spec;
    size_t runs;
    double ns[RUNS_MAX]; /* of each run: the median of its repetitions */
};

struct filed_report {
    struct machine machine;
    char commit[64]; /* empty if unknown */
    char date[40];
    size_t count;
    struct filed_cell *cells;
};

/* Fails with one line where the file isn't one of `grubench speed --json` or `bench/peers/run`. */
void report_read(struct filed_report *report, const char *file);
void report_release(struct filed_report *report);
/* ns a step, in the median over its runs. */
double filed_median(const struct filed_cell *cell);

#endif
