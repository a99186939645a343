/* SPDX-License-Identifier: BSD-2-Clause */
/* track.c: `grubench track`: keeps a history of runs, says what changed, and finds the run where a step happened. */
#include "bench.h"
#include "history.h"
#include "options.h"
#include "track.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Entries a side that a step needs: with two, ranks can't be significant in any series short enough to be read. */
enum { SIDE = 3 };

/*
 * The split that explains most: where the sum of squares between the two sides is greatest. That place was chosen out
 * of n - 2 SIDE + 1, so its p is multiplied by as many; ranks judge it, since one wild run would move a mean. Below 2 %
 * nothing is said: two links of the same objects differ by as much.
 */
struct track_step track_find_step(const double *log_ns, size_t n)
{
    struct track_step best = {0, 1.0, 1.0};
    double most = 0.0;
    for (size_t at = SIDE; at + SIDE <= n; at++) {
        double left = 0.0, right = 0.0;
        for (size_t i = 0; i < n; i++)
            *(i < at ? &left : &right) += log_ns[i];
        left /= (double)at;
        right /= (double)(n - at);
        double between = (right - left) * (right - left) * (double)at * (double)(n - at) / (double)n;
        if (between > most) {
            most = between;
            best.at = at;
        }
    }
    if (best.at == 0)
        return best;
    double *sides = take(n, sizeof *sides);
    memcpy(sides, log_ns, n * sizeof *sides);
    best.p = stats_mann_whitney(log_ns, best.at, log_ns + best.at, n - best.at) * (double)(n - 2 * SIDE + 1);
    best.p = best.p < 1.0 ? best.p : 1.0;
    double before = stats_median(sides, best.at);
    best.ratio = exp(stats_median(sides + best.at, n - best.at) - before);
    free(sides);
    if (best.p > 0.05 || fabs(log(best.ratio)) < 0.02)
        best.at = 0;
    return best;
}

/* The last value against the median and spread of up to ten before it. */
static void print_last(const char *name, const double *log_ns, size_t n)
{
    if (n < 4)
        return;
    size_t before = n - 1 < 10 ? n - 1 : 10;
    double values[10];
    memcpy(values, log_ns + n - 1 - before, before * sizeof *values);
    double median = stats_median(values, before);
    for (size_t i = 0; i < before; i++)
        values[i] = fabs(values[i] - median);
    /* 1.48 times the median deviation is a normal distribution's; half a percent is what no machine is steadier than.
     * */
    double spread = fmax(1.48 * stats_median(values, before), 0.005);
    /* Four times: of twenty families, one says so for nothing in some hundreds of runs, if noise were normal. 3 %,
     * since this is one run against others, and placement alone makes 2. */
    double change = log_ns[n - 1] - median;
    if (fabs(change) > 4.0 * spread && fabs(change) > 0.03)
        printf("  %-40s %+6.1f %% against the last %zu runs (spread %.1f %%)\n", name, 100.0 * expm1(change), before,
               100.0 * spread);
}

/* Eight heights, scaled to the series' range, which is printed beside it. */
static void print_sparkline(const char *name, const double *log_ns, size_t n)
{
    static const char *const bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double low = log_ns[0], high = log_ns[0];
    for (size_t i = 1; i < n; i++) {
        low = fmin(low, log_ns[i]);
        high = fmax(high, log_ns[i]);
    }
    size_t first = n > 60 ? n - 60 : 0; /* what stands in a line of a terminal */
    printf("  %-40s ", name);
    for (size_t i = first; i < n; i++) {
        double place = high > low ? (log_ns[i] - low) / (high - low) : 0.0;
        fputs(bars[(size_t)(place * 7.0 + 0.5)], stdout);
    }
    printf("  %.1f %% from the least to the greatest\n", 100.0 * expm1(high - low));
}

static void print_steps(const struct history *history, const char *name, const double *log_ns, const size_t *entry,
                        size_t n)
{
    struct track_step step = track_find_step(log_ns, n);
    if (step.at == 0)
        return;
    const struct history_entry *now = &history->entries[entry[step.at]];
    const struct history_entry *was = &history->entries[entry[step.at - 1]];
    printf("  %-40s %+6.1f %% between %s and %s (%s), p %.2g\n", name, 100.0 * (step.ratio - 1.0),
           was->commit[0] ? was->commit : "?", now->commit[0] ? now->commit : "?", now->date, step.p);
}

static void show(const char *file, const char *machine, const char *html)
{
    struct history history;
    history_read(&history, file);
    if (history.count == 0)
        fail("%s has no runs", file);
    const char *which = machine ? machine : history.entries[history.count - 1].machine;
    double *values = take(history.count, sizeof *values);
    size_t *entries = take(history.count, sizeof *entries);
    size_t runs = 0;
    for (size_t i = 0; i < history.count; i++)
        runs += strcmp(history.entries[i].machine, which) == 0;
    printf("%s: %zu runs of %zu are of %s\n", file, runs, history.count, which);
    static const char *const titles[] = {"last run", "steps", "history"};
    for (int part = 0; part < 3; part++) {
        printf("%s:\n", titles[part]);
        for (size_t f = 0; f < history.family_count; f++) {
            size_t n = history_series(&history, f, which, values, entries);
            if (n == 0)
                continue;
            if (part == 0)
                print_last(history.families[f], values, n);
            else if (part == 1)
                print_steps(&history, history.families[f], values, entries, n);
            else
                print_sparkline(history.families[f], values, n);
        }
    }
    if (html)
        track_page(&history, which, html);
    free(values);
    free(entries);
    history_release(&history);
}

int track_main(int argc, char **argv)
{
    const char *commit = NULL;
    const char *machine = NULL;
    const char *html = NULL;
    const struct option options[] = {
        {"commit", OPTION_TEXT, &commit, "of the run that is added, instead of its file's", NULL, 0, 0},
        {"machine", OPTION_TEXT, &machine, "show the runs of this machine instead of the last run's", NULL, 0, 0},
        {"html", OPTION_TEXT, &html, "write a page that draws each family's history to a file", NULL, 0, 0},
    };
    const struct command_line line = {"track HISTORY [RUN.json] [options]",
                                      "With RUN.json (of `speed --json`), adds it to the history first. Then says what "
                                      "changed in the last run, where the\n"
                                      "steps are, and draws each family's history. Families are the cells of a path, "
                                      "reset, back end and thread count.",
                                      options,
                                      sizeof options / sizeof *options,
                                      1,
                                      2};
    const char *files[2];
    size_t given = options_parse(&line, argc, argv, files);
    if (html && strcmp(html, files[0]) == 0)
        fail("'%s' is the history, which the page would replace", html);
    whole_check(&html, 1);
    if (given == 2) {
        /* A history that can't be read stays as it is. */
        if (access(files[0], F_OK) == 0) {
            struct history before;
            history_read(&before, files[0]);
            history_release(&before);
        }
        history_add(files[0], files[1], commit);
    }
    show(files[0], machine, html);
    return 0;
}
