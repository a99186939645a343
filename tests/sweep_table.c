/* SPDX-License-Identifier: BSD-2-Clause */
/* sweep_table.c: adds up the figures of a sweep, holds them against what each tier promises, and against a table. */
#include "sweep.h"

#include <stdio.h>
#include <string.h>

enum { TIERS = 4 };

/* What include/gru.h and README.md promise. A step back of `faster` may be twice its error; SLEEF promises 1.0 ULP for tanh
 * and for exp, which leaves 2.5 for a sum and a quotient after it, and no order. */
static const struct promise {
    double absolute, ulp, small, back;
} promises[2][TIERS] = {
    {{4e-7, 8.0, 8.0, 0.0}, {5e-5, 1e9, 1e9, 1e-4}, {1.2e-7, 1.0, 1.0, 0.0}, {1.2e-7, 2.5, 2.5, 2.4e-7}},
    {{4e-7, 1e9, 0.0, 0.0}, {5e-5, 1e9, 0.0, 1e-4}, {1.2e-7, 1.0, 0.0, 0.0}, {1.2e-7, 1.001, 0.0, 2.4e-7}},
};

void figures_step_back(struct witness *worst, uint64_t *count, float size, float at)
{
    ++*count;
    if ((double)size > worst->value)
        *worst = (struct witness){(double)size, at};
}

static uint64_t hash_words(const uint64_t *words, size_t count)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < count; i++)
        for (int shift = 0; shift < 64; shift += 8)
            hash = (hash ^ (words[i] >> shift & 0xff)) * UINT64_C(0x100000001b3);
    return hash;
}

/* Of a block, the list that a figure stands for. */
static const struct worst *list_of(const struct block *b, int figure)
{
    return figure == 0 ? &b->absolute : figure == 1 ? &b->ulp : &b->small;
}

/* The worst by MPFR among all that double can't tell apart. A list that was too short for its ties says so. */
static struct witness decide(int function, const struct block *blocks, size_t count, int figure)
{
    const double tie = figure == 0 ? 0x1p-24 * 1e-6 : 1e-6;
    struct witness worst = {0};
    double most = 0.0;
    for (size_t i = 0; i < count; i++)
        most = list_of(&blocks[i], figure)->value > most ? list_of(&blocks[i], figure)->value : most;
    for (size_t i = 0; i < count; i++) {
        const struct worst *list = list_of(&blocks[i], figure);
        size_t kept = list->found < SWEEP_TIES ? (size_t)list->found : SWEEP_TIES;
        for (size_t k = 0; list->value > most - tie && k < kept; k++) {
            struct error error = exact_error(function, list->at[k], list->results[k]);
            double value = figure == 0 ? error.absolute : error.ulp;
            if (value > worst.value)
                worst = (struct witness){value, list->at[k]};
        }
        if (list->value > most - tie && kept < list->found)
            printf("# %s: %llu inputs from %a on have the worst error within 1e-6 ULP; MPFR was asked about %zu\n",
                   function == SWEEP_TANH ? "tanh" : "sigmoid", (unsigned long long)list->found, (double)list->at[0], kept);
    }
    return worst;
}

void figures_join(struct figures *all, int function, const struct block *blocks, size_t count)
{
    *all = (struct figures){0};
    for (size_t i = 0; i < count; i++) {
        const struct block *b = &blocks[i];
        const uint64_t both[2] = {all->hash, hash_words(b->lanes, SWEEP_HASH_LANES)};
        all->hash = hash_words(both, 2);
        if (b->back.value > all->back.value)
            all->back = b->back;
        all->backs += b->backs;
        if (b->broken > 0 && all->broken == 0)
            all->broken_at = b->broken_at;
        if (b->unequal > 0 && all->unequal == 0)
            all->unequal_at = b->unequal_at, all->unequal_name = b->unequal_name;
        all->broken += b->broken;
        all->unequal += b->unequal;
        /* The first half's results rise from block to block, the second's fall. */
        float away = i < count / 2 ? 1.0f : -1.0f;
        if (i != 0 && i != count / 2 && b->any && blocks[i - 1].any && away * (b->first - blocks[i - 1].last) < 0.0f)
            figures_step_back(&all->back, &all->backs, -away * (b->first - blocks[i - 1].last), b->first_at);
    }
    all->absolute = decide(function, blocks, count, 0);
    all->ulp = decide(function, blocks, count, 1);
    all->small = decide(function, blocks, count, 2);
}

/* The widths are those of the table: what finds a row, and the hash after it. */
enum { KEY = 27, HASH = 18 };

static void print_row(char *text, size_t size, const struct row *row)
{
    const struct figures *f = row->figures;
    int length = snprintf(text, size, "%-7s %-8s %-10s  %016llx", row->function_name, row->tier_name,
                          row->inputs, (unsigned long long)f->hash);
    if (!row->hash_only)
        snprintf(text + length, size - (size_t)length, "  %.3e %15a  %12.4f %15a  %12.4f %15a  %9llu %.2e %15a",
                 f->absolute.value, (double)f->absolute.at, f->ulp.value, (double)f->ulp.at, f->small.value,
                 (double)f->small.at, (unsigned long long)f->backs, f->back.value, (double)f->back.at);
}

/* Looks for a line that begins as `text` does up to its hash. Gives "" if there is none. */
static void find_row(char *found, size_t size, const char *table, const char *text)
{
    FILE *file = fopen(table, "r");
    found[0] = '\0';
    while (file && fgets(found, (int)size, file)) {
        found[strcspn(found, "\n")] = '\0';
        if (strncmp(found, text, KEY) == 0)
            break;
        found[0] = '\0';
    }
    if (file)
        fclose(file);
}

static int complain(const struct row *row, const char *what, double value, float at)
{
    printf("FAIL  %s %s: %s: %g, first or worst at %a\n", row->function_name, row->tier_name, what, value, (double)at);
    return 1;
}

static int check_promises(const struct row *row)
{
    const struct figures *f = row->figures;
    const struct promise *p = &promises[row->function][row->tier];
    int failed = 0;
    if (f->unequal > 0)
        failed += complain(row, f->unequal_name, (double)f->unequal, f->unequal_at);
    if (f->broken > 0)
        failed += complain(row, "rules broken", (double)f->broken, f->broken_at);
    if (!(f->absolute.value <= p->absolute))
        failed += complain(row, "absolute error", f->absolute.value, f->absolute.at);
    if (!(f->ulp.value <= p->ulp))
        failed += complain(row, "ULP", f->ulp.value, f->ulp.at);
    if (!(f->small.value <= p->small))
        failed += complain(row, "ULP of small results", f->small.value, f->small.at);
    if (!(f->back.value <= p->back))
        failed += complain(row, "step back", f->back.value, f->back.at);
    return failed;
}

/* What is common to a row and its line in the table: all of it, or all up to the hash. */
static bool same(const struct row *row, const char *text, const char *line)
{
    return row->hash_only ? strncmp(text, line, KEY + HASH) == 0 : strcmp(text, line) == 0;
}

int row_report(const struct row *row, const char *table)
{
    char text[320], line[320];
    int failed = !row->hash_only && check_promises(row) > 0;
    print_row(text, sizeof text, row);
    if (!table) {
        puts(text);
        return failed;
    }
    find_row(line, sizeof line, table, text);
    if (line[0] == '\0')
        failed = 1, printf("FAIL  %s %s, inputs %s: the table has no such row\n", row->function_name, row->tier_name,
                           row->inputs);
    else if (!same(row, text, line))
        failed = 1, printf("FAIL  %s %s differs\n      now   %s\n      table %s\n", row->function_name, row->tier_name,
                           text, line);
    else if (!failed)
        printf("ok    %s %s, inputs %s: %s as in the table\n", row->function_name, row->tier_name, row->inputs,
               row->hash_only ? "bits" : "bits and errors");
    return failed;
}
