/* SPDX-License-Identifier: BSD-2-Clause */
/* util.c: errors, memory, random numbers, files written whole. */
#include "util.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The one file that may be half-written when an error is found; fail() removes it. */
static char *unfinished;

static void take_back(void)
{
    if (unfinished)
        unlink(unfinished);
    unfinished = NULL;
}

void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text;
    if (vasprintf(&text, format, arguments) < 0)
        text = NULL;
    va_end(arguments);
    /* What comes from a file or the command line may hold anything, and is to stay one line. */
    for (char *c = text; c && *c; c++)
        if (iscntrl((unsigned char)*c))
            *c = '?';
    fprintf(stderr, "grubench: %s\n", text ? text : "out of memory");
    take_back();
    exit(EXIT_MISUSE);
}

void *take(size_t count, size_t size)
{
    void *memory = calloc(count ? count : 1, size ? size : 1);
    if (!memory)
        fail("out of memory (%zu x %zu bytes)", count, size);
    return memory;
}

char *take_text(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text;
    if (vasprintf(&text, format, arguments) < 0)
        fail("out of memory");
    va_end(arguments);
    return text;
}

/* SplitMix64, with its author's constants: any seed is a good one, 0 too, and a copied struct repeats the sequence. */
uint64_t random_next(struct random *random)
{
    uint64_t z = random->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

size_t random_below(struct random *random, size_t n)
{
    /* The bias of a plain remainder is n / 2^64, far below anything a benchmark could see. */
    return (size_t)(random_next(random) % n);
}

double random_unit(struct random *random)
{
    return (double)(random_next(random) >> 11) * 0x1p-53; /* the 53 bits that a double holds: never 1 */
}

/* Box and Muller's transform; 1 - u, since the logarithm of 0 isn't wanted and u may be 0. */
double random_normal(struct random *random)
{
    double u = 1.0 - random_unit(random);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * random_unit(random));
}

void random_shuffle(struct random *random, size_t *order, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = random_below(random, i);
        size_t kept = order[i - 1];
        order[i - 1] = order[j];
        order[j] = kept;
    }
}

void flush_stdout(void)
{
    if (fflush(stdout) != 0 || ferror(stdout))
        fail("can't write standard output: %s", strerror(errno));
}

/* The file that a name leads to: a link stays a link, and what it points to is replaced. */
static char *resolved(const char *name)
{
    char *real = realpath(name, NULL);
    char *text = take_text("%s", real ? real : name);
    free(real);
    return text;
}

void whole_open(struct whole_file *file, const char *name)
{
    *file = (struct whole_file){.asked = name};
    if (strcmp(name, "-") == 0) {
        file->stream = stdout;
        return;
    }
    struct stat about;
    bool there = stat(name, &about) == 0;
    if (!*name || (there && S_ISDIR(about.st_mode)))
        fail("can't write '%s': %s", name, *name ? strerror(EISDIR) : "a file's name is empty");
    if (there && !S_ISREG(about.st_mode)) {
        /* A device or a pipe is written to; a file in its place would be the end of it. */
        file->stream = fopen(name, "w");
    } else {
        file->name = resolved(name);
        file->temporary = take_text("%s.%ld.part", file->name, (long)getpid());
        /* Renaming would need the folder's permission alone, and overwrite what the file's own forbids. */
        if (!there || access(name, W_OK) == 0)
            file->stream = fopen(file->temporary, "w");
    }
    if (!file->stream)
        fail("can't write %s: %s", name, strerror(errno));
    unfinished = file->temporary;
}

void whole_close(struct whole_file *file)
{
    bool bad = fflush(file->stream) != 0 || ferror(file->stream);
    int error = errno;
    if (file->stream != stdout && fclose(file->stream) != 0 && !bad) {
        bad = true;
        error = errno;
    }
    if (!bad && file->name && rename(file->temporary, file->name) != 0) {
        bad = true;
        error = errno;
    }
    if (bad)
        fail("can't write %s: %s", file->stream == stdout ? "standard output" : file->asked, strerror(error));
    unfinished = NULL;
    free(file->name);
    free(file->temporary);
}

void whole_check(const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!names[i])
            continue;
        for (size_t k = 0; k < i; k++)
            if (names[k] && strcmp(names[k], names[i]) == 0)
                fail("'%s' can't take two outputs", names[i]);
        struct stat about;
        if (strcmp(names[i], "-") == 0)
            continue;
        if (stat(names[i], &about) == 0 && S_ISFIFO(about.st_mode))
            continue; /* opening it twice would end whoever reads it */
        struct whole_file file;
        whole_open(&file, names[i]);
        fclose(file.stream);
        take_back();
        free(file.name);
        free(file.temporary);
    }
}

/* Eight in turn, so that one printf can take as many texts; cost_table's longest takes five. */
static char *next_buffer(void)
{
    static char buffers[8][32];
    static size_t turn;
    return buffers[turn++ % 8];
}

const char *bytes_text(double bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t unit = 0;
    while (bytes >= 1023.5 && unit < 4) { /* from where "1024 KiB" would be printed */
        bytes /= 1024.0;
        unit++;
    }
    char *buffer = next_buffer();
    bool whole = bytes >= 100.0 || fabs(bytes - round(bytes)) < 0.05;
    snprintf(buffer, 32, whole ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
    return buffer;
}

/* Three digits: no measured figure here is known better than to a percent or so. */
const char *number_text(double value)
{
    char *buffer = next_buffer();
    double magnitude = fabs(value);
    int digits = magnitude >= 99.95 ? 0 : magnitude >= 9.995 ? 1 : magnitude >= 0.9995 ? 2 : magnitude > 0.0 ? 3 : 0;
    if (magnitude > 0.0 && magnitude < 0.0995)
        digits = magnitude < 0.000995 ? 6 : magnitude < 0.00995 ? 5 : 4;
    snprintf(buffer, 32, "%.*f", digits, value);
    return buffer;
}
