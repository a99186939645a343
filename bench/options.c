/* SPDX-License-Identifier: BSD-2-Clause */
/* options.c: reads command lines; each mistake is one clear line. */
#include "options.h"

#include "util.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static double number_of(const struct option *option, const char *text)
{
    char *end;
    errno = 0;
    double value = strtod(text, &end);
    if (end == text || *end || isspace((unsigned char)*text) || !isfinite(value))
        fail("--%s: '%s' is not a number", option->name, text);
    if (value < option->low || value > option->high)
        fail("--%s: %s is out of range, %.10g to %.10g are allowed", option->name, text, option->low, option->high);
    return value;
}

static size_t size_of(const struct option *option, const char *text)
{
    /* Digits alone: 1e3, 0x40 and 64.0 are numbers too, but nobody means them. */
    for (const char *c = text; *c; c++)
        if (*c < '0' || *c > '9')
            fail("--%s: '%s' is not a whole number", option->name, text);
    if (!*text)
        fail("--%s: a number is missing", option->name);
    return (size_t)number_of(option, text);
}

static size_t word_of(const struct option *option, const char *text)
{
    if (!*text)
        fail("--%s: a word is missing", option->name);
    if (!option->words)
        return 0;
    char known[512] = "";
    for (size_t i = 0; option->words[i]; i++) {
        if (strcmp(option->words[i], text) == 0)
            return i;
        if (strlen(known) + strlen(option->words[i]) + 3 < sizeof known)
            strcat(strcat(known, i ? ", " : ""), option->words[i]);
    }
    fail("--%s: '%s' is unknown, there are: %s", option->name, text, known);
}

static void take_list(const struct option *option, const char *text)
{
    /* Cut up in a copy, since argv is handed on to child processes by `speed --runs`. The pieces live as long as the
     * program, since word lists point to them. */
    char *pieces = take_text("%s", text);
    struct size_list sizes = {0};
    struct word_list words = {0};
    size_t count = 0;
    for (char *piece = pieces, *next; piece; piece = next) {
        next = strchr(piece, ',');
        if (next)
            *next++ = '\0';
        if (count == OPTION_LIST_MAX)
            fail("--%s: more than %d values", option->name, OPTION_LIST_MAX);
        if (option->kind == OPTION_SIZES) {
            sizes.at[count] = size_of(option, piece);
        } else {
            words.at[count] = word_of(option, piece);
            words.text[count] = piece;
        }
        /* Twice the same would be two cells of one name, which no comparison can tell apart. */
        for (size_t i = 0; i < count; i++)
            if (option->kind == OPTION_SIZES ? sizes.at[i] == sizes.at[count] : strcmp(words.text[i], piece) == 0)
                fail("--%s: %s is there twice", option->name, piece);
        count++;
    }
    sizes.count = words.count = count;
    if (option->kind == OPTION_SIZES) {
        *(struct size_list *)option->value = sizes;
        free(pieces);
    } else {
        *(struct word_list *)option->value = words;
    }
}

static void take_value(const struct option *option, const char *text)
{
    switch (option->kind) {
    case OPTION_FLAG:
        *(bool *)option->value = true;
        break;
    case OPTION_NUMBER:
        *(double *)option->value = number_of(option, text);
        break;
    case OPTION_SIZE:
        *(size_t *)option->value = size_of(option, text);
        break;
    case OPTION_SIZES:
    case OPTION_WORDS:
        take_list(option, text);
        break;
    case OPTION_TEXT:
        *(const char **)option->value = text;
        break;
    }
}

static void print_help(const struct command_line *line)
{
    printf("usage: grubench %s\n%s\n", line->usage, line->about);
    for (size_t i = 0; i < line->count; i++)
        printf("  --%-14s %s\n", line->options[i].name, line->options[i].help);
    flush_stdout();
    exit(EXIT_SUCCESS);
}

static const struct option *find(const struct command_line *line, const char *name, size_t length)
{
    for (size_t i = 0; i < line->count; i++)
        if (strlen(line->options[i].name) == length && memcmp(line->options[i].name, name, length) == 0)
            return &line->options[i];
    fail("unknown option --%.*s; grubench %.*s --help lists them", (int)length, name, (int)strcspn(line->usage, " "),
         line->usage);
}

size_t options_parse(const struct command_line *line, int argc, char **argv, const char **operands)
{
    size_t given = 0;
    for (int i = 1; i < argc; i++) {
        const char *word = argv[i];
        if (strncmp(word, "--", 2) != 0 || !word[2]) {
            if (word[0] == '-' && word[1])
                fail("unknown option %s; options start with two dashes", word);
            if (given == line->operands_max)
                fail("'%s' is one argument too many; usage: grubench %s", word, line->usage);
            operands[given++] = word;
            continue;
        }
        if (strcmp(word, "--help") == 0)
            print_help(line);
        size_t length = strcspn(word + 2, "=");
        const struct option *option = find(line, word + 2, length);
        const char *value = word[2 + length] ? word + 3 + length : NULL;
        if (option->kind == OPTION_FLAG && value)
            fail("--%s takes no value", option->name);
        if (option->kind != OPTION_FLAG && !value) {
            if (i + 1 == argc)
                fail("--%s needs a value", option->name);
            value = argv[++i];
        }
        take_value(option, value);
    }
    if (given < line->operands_min)
        fail("an argument is missing; usage: grubench %s", line->usage);
    return given;
}
