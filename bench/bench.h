/* SPDX-License-Identifier: BSD-2-Clause */
/* bench.h: grubench's subcommands, and what they share. */
#ifndef BENCH_H
#define BENCH_H

#include "limits.h"

#include <stdio.h>

int limits_main(int argc, char **argv);
int speed_main(int argc, char **argv);
int compare_main(int argc, char **argv);
int cost_main(int argc, char **argv);
int ab_main(int argc, char **argv);
int activations_main(int argc, char **argv);
int ragged_main(int argc, char **argv);
int count_main(int argc, char **argv);
int track_main(int argc, char **argv);
int worker_main(int argc, char **argv);

/* Clock, pinning, quiet level: once, before anything is measured. */
void bench_start(void);

void machine_print(FILE *out, const struct machine *machine);
void limits_print(const struct limits *limits);

struct cell_spec;
struct measured;
struct report;
/* Named, empty cells for sample_cells; to be freed, and each name. */
struct measured *speed_prepare(const struct cell_spec *specs, size_t count);
/* Raises limits that cells have beaten; how many. */
size_t speed_raise(struct limits *limits, const struct measured *cells, size_t count);
/* Measures what sigmoid and tanh cost in each back end of report->limits. */
void speed_activations(struct report *report);

#endif
