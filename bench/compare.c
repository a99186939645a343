/* SPDX-License-Identifier: BSD-2-Clause */
/* compare.c: `grubench compare`: what changed between two files, and how sure that is. */
#include "bench.h"
#include "options.h"
#include "report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Runs a side below which nothing is said about a cell: with fewer, a rank test corrected for a grid of cells can't
 * reach significance whatever happened. */
enum { RUNS_NEEDED = 10 };
static const double significance = 0.05;

/* A cell that both files have; what one has alone is counted and left aside. */
struct pair {
    const struct filed_cell *old;
    const struct filed_cell *new;
    double ratio; /* of the medians, new to old: above 1 is slower */
    struct interval interval;
    double p;
    double adjusted;
    bool judged;
};

static size_t make_pairs(const struct filed_report *old, const struct filed_report *new, struct pair *pairs)
{
    size_t n = 0;
    for (size_t i = 0; i < old->count; i++)
        for (size_t k = 0; k < new->count; k++)
            if (strcmp(old->cells[i].name, new->cells[k].name) == 0)
                pairs[n++] = (struct pair){.old = &old->cells[i], .new = &new->cells[k]};
    return n;
}

static void judge(struct pair *pairs, size_t n)
{
    /* A seed of its own: the same two files always get the same words. */
    struct random random = {1};
    double *p = take(n, sizeof *p);
    double *adjusted = take(n, sizeof *adjusted);
    size_t judged = 0;
    for (size_t i = 0; i < n; i++) {
        struct pair *pair = &pairs[i];
        pair->ratio = filed_median(pair->new) / filed_median(pair->old);
        pair->judged = pair->old->runs >= RUNS_NEEDED && pair->new->runs >= RUNS_NEEDED;
        /* The interval shows how far the ratio can be trusted; what is decided by is the rank test. */
        pair->interval =
            stats_bootstrap_ratio(pair->old->ns, pair->old->runs, pair->new->ns, pair->new->runs, 0.95, 2000, &random);
        pair->p = stats_mann_whitney(pair->old->ns, pair->old->runs, pair->new->ns, pair->new->runs);
        if (pair->judged)
            p[judged++] = pair->p;
    }
    /* Over the cells that are judged alone: the others can raise no alarm, so they needn't be paid for. */
    stats_holm(p, judged, adjusted);
    for (size_t i = 0, k = 0; i < n; i++)
        pairs[i].adjusted = pairs[i].judged ? adjusted[k++] : 1.0;
    free(p);
    free(adjusted);
}

/* Significance alone would call a steady 0.3 % a regression, the threshold alone a noisy 6 %: both are asked. */
static const char *verdict(const struct pair *pair, double threshold)
{
    if (!pair->judged)
        return "can't tell: too few runs";
    if (pair->adjusted >= significance)
        return "no change seen";
    if (pair->ratio > 1.0 + threshold)
        return "SLOWER";
    /* The inverse, so that turning the files round turns the words round. */
    if (pair->ratio < 1.0 / (1.0 + threshold))
        return "faster";
    return "changed, within the threshold";
}

static bool slower(const struct pair *pair, double threshold)
{
    return pair->judged && pair->adjusted < significance && pair->ratio > 1.0 + threshold;
}

/* Counts and the geometric mean of the ratios of each family. */
static void print_families(const struct pair *pairs, size_t n, double threshold)
{
    bool *seen = take(n, sizeof *seen);
    printf("\n%-40s %6s %8s %8s %8s\n", "family", "cells", "ratio", "slower", "faster");
    for (size_t i = 0; i < n; i++) {
        if (seen[i])
            continue;
        size_t cells = 0, worse = 0, better = 0;
        double sum = 0.0;
        for (size_t k = i; k < n; k++) {
            if (strcmp(pairs[i].old->family, pairs[k].old->family) != 0)
                continue;
            seen[k] = true;
            cells++;
            sum += log(pairs[k].ratio);
            worse += slower(&pairs[k], threshold);
            better += strcmp(verdict(&pairs[k], threshold), "faster") == 0;
        }
        printf("%-40s %6zu %8.3f %8zu %8zu\n", pairs[i].old->family, cells, exp(sum / (double)cells), worse, better);
    }
    free(seen);
}

/* What makes times of one file not those of the other: another CPU, fewer of its cores, or, as virtual machines move,
 * the same model with other caches. The compiler is grubench's own; the library's isn't known. */
static void print_machines(const struct filed_report *old, const struct filed_report *new, const char *const *files)
{
    if (strcmp(old->machine.cpu, new->machine.cpu) != 0 || old->machine.cpus != new->machine.cpus ||
        memcmp(old->machine.cache, new->machine.cache, sizeof old->machine.cache) != 0)
        printf("WARNING: the files are from different machines, so the ratios tell about the machines:\n  %s: %s, %zu "
               "CPUs\n  %s: %s, %zu CPUs\n\n",
               files[0], old->machine.cpu, old->machine.cpus, files[1], new->machine.cpu, new->machine.cpus);
    else if (strcmp(old->machine.compiler, new->machine.compiler) != 0)
        printf("note: grubench was built with %s and %s\n\n", old->machine.compiler, new->machine.compiler);
}

int compare_main(int argc, char **argv)
{
    double percent = 5.0;
    const struct option options[] = {
        {"threshold", OPTION_NUMBER, &percent, "percent that a cell may get slower (5)", NULL, 0, 1000},
    };
    const struct command_line line = {
        "compare OLD.json NEW.json [options]",
        "Compares two files of `grubench speed --runs N --json`; the unit is a process run. Exit 1: a cell is slower.",
        options,
        1,
        2,
        2};
    const char *files[2];
    options_parse(&line, argc, argv, files);
    double threshold = percent / 100.0;
    struct filed_report old, new;
    report_read(&old, files[0]);
    report_read(&new, files[1]);
    struct pair *pairs = take(old.count * new.count, sizeof *pairs);
    size_t n = make_pairs(&old, &new, pairs);
    if (n == 0)
        fail("%s and %s have no cell in common", files[0], files[1]);
    judge(pairs, n);

    print_machines(&old, &new, files);
    int width = 28;
    for (size_t i = 0; i < n; i++)
        width = (int)fmax(width, (double)strlen(cell_label(&pairs[i].old->spec)));
    printf("%-*s %11s %11s %6s  %-15s %8s  %s\n", width, "cell", "old ns", "new ns", "ratio", "95 % interval",
           "p (Holm)", "verdict");
    bool found = false;
    size_t untold = 0;
    for (size_t i = 0; i < n; i++) {
        const struct pair *pair = &pairs[i];
        printf("%-*s %11s %11s %6.3f  %6.3f to %6.3f %8.2g  %s\n", width, cell_label(&pair->old->spec),
               number_text(filed_median(pair->old)), number_text(filed_median(pair->new)), pair->ratio,
               pair->interval.low, pair->interval.high, pair->adjusted, verdict(pair, threshold));
        found |= slower(pair, threshold);
        untold += !pair->judged;
    }
    print_families(pairs, n, threshold);
    if (untold)
        printf("\n%zu of %zu cells have fewer than %d runs a side: of these nothing can be told (speed --runs %d).\n",
               untold, n, RUNS_NEEDED, RUNS_NEEDED);
    if (n < old.count || n < new.count)
        printf("\nonly in %s: %zu cells, only in %s: %zu.\n", files[0], old.count - n, files[1], new.count - n);
    printf("\n%s\n", found ? "slower by more than the threshold" : "nothing is slower by more than the threshold");
    free(pairs);
    report_release(&old);
    report_release(&new);
    return found ? EXIT_FOUND : 0;
}
