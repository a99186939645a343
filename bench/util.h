/* SPDX-License-Identifier: BSD-2-Clause */
/* util.h: what each part of grubench needs: errors, memory, random numbers, files written whole. */
#ifndef BENCH_UTIL_H
#define BENCH_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* The exit codes of grubench: a found regression is 1, so that scripts can tell it from a mistake in the call. */
enum { EXIT_FOUND = 1, EXIT_MISUSE = 2 };

/* Prints one line to stderr and leaves with EXIT_MISUSE. Half-written files are removed. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Zeroed memory, or fail(). */
void *take(size_t count, size_t size);
char *take_text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A small generator (splitmix64): seeds are printed, so that a run's order can be repeated. */
struct random {
    uint64_t state;
};
uint64_t random_next(struct random *random);
size_t random_below(struct random *random, size_t n); /* 0 .. n - 1 */
double random_unit(struct random *random);            /* [0, 1) */
double random_normal(struct random *random);
void random_shuffle(struct random *random, size_t *order, size_t n);

/* Fails if what was printed could not be written: a table that a full disk has cut off is no success. */
void flush_stdout(void);

/* A file that appears under its name only when it is complete. "-" is standard output, and devices and pipes are
 * written to as they are. */
struct whole_file {
    FILE *stream;
    const char *asked; /* the name as it was given */
    char *name;        /* NULL: nothing is renamed */
    char *temporary;
};
void whole_open(struct whole_file *file, const char *name);
void whole_close(struct whole_file *file);
/* Fails now if one of the files (NULL: none) couldn't be written later, or two are the same, before minutes are spent
 * on their content. */
void whole_check(const char *const *names, size_t count);

/* "12 KiB", "1.5 MiB": into a buffer that is good until the eighth next call. */
const char *bytes_text(double bytes);
/* Three significant digits without an exponent. */
const char *number_text(double value);

#endif
