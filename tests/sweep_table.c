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

void figures_step_back(struct figures *f, float size, float at)
{
    f->backs++;
    if ((double)size > f->back.value)
        f->back = (struct witness){(double)size, at};
}

static void join_worst(struct witness *all, struct witness one)
{
    if (one.value > all->value)
        *all = one;
}

struct figures figures_join(const struct figures *blocks, size_t count)
{
    struct figures all = {0};
    uint64_t hash = 0;
    for (size_t i = 0; i < count; i++) {
        const struct figures *b = &blocks[i];
        const uint64_t both[2] = {hash, b->hash};
        hash = figures_hash(both, 2);
        join_worst(&all.absolute, b->absolute);
        join_worst(&all.ulp, b->ulp);
        join_worst(&all.small, b->small);
        join_worst(&all.back, b->back);
        all.backs += b->backs;
        if (b->broken > 0 && all.broken == 0)
            all.broken_at = b->broken_at;
        if (b->unequal > 0 && all.unequal == 0)
            all.unequal_at = b->unequal_at, all.unequal_name = b->unequal_name;
        all.broken += b->broken;
        all.unequal += b->unequal;
        /* The first half's results rise from block to block, the second's fall. */
        float away = i < count / 2 ? 1.0f : -1.0f;
        if (i != 0 && i != count / 2 && b->any && blocks[i - 1].any && away * (b->first - blocks[i - 1].last) < 0.0f)
            figures_step_back(&all, -away * (b->first - blocks[i - 1].last), b->first_at);
    }
    all.hash = hash;
    return all;
}

uint64_t figures_hash(const uint64_t *words, size_t count)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < count; i++)
        for (int shift = 0; shift < 64; shift += 8)
            hash = (hash ^ (words[i] >> shift & 0xff)) * UINT64_C(0x100000001b3);
    return hash;
}

static void print_row(char *text, size_t size, const struct row *row)
{
    const struct figures *f = row->figures;
    snprintf(text, size, "%-7s %-8s %4llu  %016llx  %.3e %15a  %12.4f %15a  %12.4f %15a  %9llu %.2e %15a", row->function_name,
             row->tier_name, (unsigned long long)row->stride, (unsigned long long)f->hash, f->absolute.value,
             (double)f->absolute.at, f->ulp.value, (double)f->ulp.at, f->small.value, (double)f->small.at,
             (unsigned long long)f->backs, f->back.value, (double)f->back.at);
}

/* Looks for a line that begins as `text` does up to its hash. Gives "" if there is none. */
static void find_row(char *found, size_t size, const char *table, const char *text)
{
    size_t key = strlen("sigmoid accurate 1234");
    FILE *file = fopen(table, "r");
    found[0] = '\0';
    while (file && fgets(found, (int)size, file)) {
        found[strcspn(found, "\n")] = '\0';
        if (strncmp(found, text, key) == 0)
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

int row_report(const struct row *row, const char *table)
{
    char text[320], found[320];
    int failed = check_promises(row) > 0;
    print_row(text, sizeof text, row);
    if (!table) {
        puts(text);
        return failed;
    }
    find_row(found, sizeof found, table, text);
    if (found[0] == '\0')
        printf("skip  %s %s, stride %llu: the table has no such row\n", row->function_name, row->tier_name,
               (unsigned long long)row->stride);
    else if (strcmp(found, text) != 0)
        failed = 1, printf("FAIL  %s %s differs\n      now   %s\n      table %s\n", row->function_name, row->tier_name, text, found);
    else if (!failed)
        printf("ok    %s %s, stride %llu: as in the table\n", row->function_name, row->tier_name, (unsigned long long)row->stride);
    return failed;
}
