/* SPDX-License-Identifier: BSD-2-Clause */
/* options.h: command lines of the form --name value, --name=value or --name, and lists a,b,c. */
#ifndef BENCH_OPTIONS_H
#define BENCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum { OPTION_LIST_MAX = 64 };

struct size_list {
    size_t count;
    size_t at[OPTION_LIST_MAX];
};

/* Words of a list, as indices into the option's `words`, or as they are if it has none. */
struct word_list {
    size_t count;
    size_t at[OPTION_LIST_MAX];
    const char *text[OPTION_LIST_MAX];
};

enum option_kind {
    OPTION_FLAG,   /* bool: true when given */
    OPTION_NUMBER, /* double within [low, high] */
    OPTION_SIZE,   /* size_t within [low, high] */
    OPTION_SIZES,  /* struct size_list, each within [low, high] */
    OPTION_WORDS,  /* struct word_list */
    OPTION_TEXT    /* const char * */
};

struct option {
    const char *name; /* without the dashes */
    enum option_kind kind;
    void *value; /* keeps what it has when the option isn't given */
    const char *help;
    const char *const *words; /* OPTION_WORDS: the legal ones, ending in NULL; NULL: any */
    double low;
    double high;
};

/* A subcommand's whole command line. */
struct command_line {
    const char *usage; /* "compare OLD.json NEW.json" */
    const char *about; /* for --help */
    const struct option *options;
    size_t count;
    size_t operands_min;
    size_t operands_max;
};

/* Fills the options' values and `operands`, gives the number of operands. A mistake is one line and exit 2; --help
 * prints the usage and exits 0. */
size_t options_parse(const struct command_line *line, int argc, char **argv, const char **operands);

#endif
