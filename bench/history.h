/* SPDX-License-Identifier: BSD-2-Clause */
/* history.h: a file of runs, one line of JSON each: commit, date, machine, and ns a step of each cell. */
#ifndef BENCH_HISTORY_H
#define BENCH_HISTORY_H

#include "report.h"

struct history_entry {
    char commit[64];
    char date[40];
    char machine[160];
    cJSON *cells; /* name -> [family, ns] */
};

enum { HISTORY_FAMILIES = 128 };

struct history {
    size_t count;
    struct history_entry *entries;
    size_t family_count;
    char *families[HISTORY_FAMILIES];
};

/* Adds one line for a file of `speed --json`; the history is made if it isn't there. */
void history_add(const char *file, const char *run, const char *commit);
void history_read(struct history *history, const char *file);
void history_release(struct history *history);

/* The series of a family on a machine: for each run the mean logarithm of ns over the cells that all its runs have.
 * Fills values and which entry each is of; gives how many there are. */
size_t history_series(const struct history *history, size_t family, const char *machine, double *values,
                      size_t *entries);

#endif
