/* SPDX-License-Identifier: BSD-2-Clause */
/* runs.h: several process runs of one measurement gathered in one file. */
#ifndef BENCH_RUNS_H
#define BENCH_RUNS_H

#include <stddef.h>
#include <stdint.h>

/* Starts `grubench <argv>` so many times without --runs, each with a seed of its own and the first one's limits, and
 * writes all entries, numbered by run, with aggregates over the runs. The exit code is grubench's. */
int runs_main(int argc, char **argv, size_t runs, size_t seed, const char *json_file);

#endif
