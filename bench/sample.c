/* SPDX-License-Identifier: BSD-2-Clause */
/* sample.c: measures many cells, interleaved in random order, in quiet windows. */
#include "sample.h"

#include "clock.h"
#include "meanwhile.h"
#include "progress.h"
#include "quiet.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* A third of a second of the shortest samples: slices are mostly shorter, and longer ones end there. */
enum { SAMPLES_MAX = 4096 };

/* Reads a buffer of twice the last cache, after which nothing else is in any cache. */
static void evict(void)
{
    static char *buffer;
    static size_t bytes;
    if (!buffer) {
        bytes = 2 * (machine_this()->cache[2] ? machine_this()->cache[2] : 67108864);
        buffer = machine_pages(bytes, true);
    }
    for (size_t i = 0; i < bytes; i += 64)
        __asm__ volatile("" : : "r"(*(volatile char *)(buffer + i)));
}

double sample_calls(struct cell *cell, size_t calls)
{
    uint64_t start = clock_ticks();
    for (size_t i = 0; i < calls; i++)
        cell_run(cell);
    return clock_between(start, clock_ticks());
}

/* How many calls make a sample, after what brings the caches, the branch predictor and the frequency to their level. */
static size_t warm_up(struct cell *cell)
{
    cell_warm(cell);
    if (cell->spec.cold || cell->spec.pause)
        return 1;
    /* A call of nearly a millisecond brings everything to its level by itself. */
    double call = sample_calls(cell, 1);
    if (call > 10.0 * SAMPLE_NS)
        return 1;
    size_t calls = 1;
    for (double total = 0.0; total < 2e6;) {
        double ns = sample_calls(cell, calls);
        total += ns;
        calls = ns < SAMPLE_NS ? calls * 2 : calls;
    }
    return calls;
}

/* A team's workers sleep when no call comes for some 50 us, as between two samples, and a wake takes as long again.
 * What is wanted is the time of calls that follow one another, so those that wake the workers don't count. */
static void wake_team(struct cell *cell)
{
    const double wake_ns = 300000.0;
    uint64_t start = clock_ticks();
    while (cell->team && clock_between(start, clock_ticks()) < wake_ns)
        cell_run(cell);
}

/* What each sample begins with. */
static void prepare(struct cell *cell)
{
    const long ns = (long)cell->spec.pause * 1000;
    if (cell->spec.cold)
        evict();
    if (cell->spec.pause)
        nanosleep(&(struct timespec){ns / 1000000000, ns % 1000000000}, NULL);
    else
        wake_team(cell);
}

/* How often the system has taken the CPU away from this thread so far. */
static long preemptions(void)
{
    struct rusage usage;
    return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_nivcsw : 0;
}

static double thread_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* One repetition: samples for `slice` seconds, and up to three times as long if nothing was quiet. `meanwhile` may be
 * NULL. */
static struct repetition visit(struct cell *cell, double slice, struct meanwhile *meanwhile)
{
    static double quiet_samples[SAMPLES_MAX];
    static double all_samples[SAMPLES_MAX];
    size_t quiet = 0;
    size_t all = 0;
    size_t calls = warm_up(cell);
    double steps = (double)cell->spec.steps * (double)calls;
    double start = clock_seconds();
    bool before = quiet_now();
    do {
        prepare(cell);
        long taken = preemptions();
        double cpu = thread_ns();
        double ns = sample_calls(cell, calls) / steps;
        cpu = (thread_ns() - cpu) / steps;
        bool undisturbed = preemptions() == taken;
        /* Of a sample that was interrupted, the time on the CPU is at least not the neighbours'. */
        if (!undisturbed && cell->spec.threads == 1)
            ns = cpu;
        bool after = quiet_now();
        all_samples[all++] = ns;
        if (before && after && undisturbed)
            quiet_samples[quiet++] = ns;
        before = after;
        if (meanwhile) {
            meanwhile_look(meanwhile, &cell->spec, after, 0.25 * ns * steps);
            cell_warm(cell); /* its weights come back */
            before = quiet_now();
        }
        double time = clock_seconds() - start;
        /* One quiet sample is enough to end in time: it is worth more than many that aren't. */
        if (time > 3.0 * slice || (time > slice && quiet > 0))
            break;
    } while (all < SAMPLES_MAX);
    /* Right after the last sample, at whose frequency the core still is. */
    double ghz = clock_core_ghz();
    double median = quiet ? stats_median(quiet_samples, quiet) : stats_median(all_samples, all);
    return (struct repetition){median, (double)(all * calls), median * ghz, quiet > 0};
}

static void repeat(const struct library *library, const struct sample_settings *settings, struct measured *cell,
                   struct random *random, struct meanwhile *meanwhile)
{
    struct cell open;
    gru_error why = {.text = ""};
    if (!cell_open(&open, library, &cell->spec, random, &why)) {
        cell->possible = false;
        memcpy(cell->why, why.text, sizeof cell->why);
        return;
    }
    cell->repetition[cell->count++] = visit(&open, settings->min_time / (double)settings->repetitions, meanwhile);
    cell_close(&open);
}

/* Quiet and contended repetitions are times of two machines and aren't mixed, unless fewer than three were quiet: of
 * those there is no interval, so all count, and the report says so. */
void sample_conclude(struct measured *cell)
{
    size_t quiet = 0;
    for (size_t i = 0; i < cell->count; i++)
        quiet += cell->repetition[i].quiet;
    cell->noisy = quiet < 3;
    double ns[REPETITIONS_MAX];
    double cycles[REPETITIONS_MAX];
    size_t n = 0;
    for (size_t i = 0; i < cell->count; i++) {
        if (!cell->noisy && !cell->repetition[i].quiet)
            continue;
        ns[n] = cell->repetition[i].ns;
        cycles[n++] = cell->repetition[i].cycles;
    }
    cell->used = n;
    if (n == 0)
        return;
    cell->ns = stats_median(ns, n);
    cell->interval = stats_median_interval(ns, n, 0.95);
    cell->cycles = stats_median(cycles, n);
}

/* Whether the interval asked for isn't reached yet, and more repetitions could help. */
static bool wants_more(const struct measured *cell, const struct sample_settings *settings)
{
    double half = 0.5 * (cell->interval.high - cell->interval.low);
    return cell->possible && cell->count < REPETITIONS_MAX && (cell->noisy || half > settings->interval * cell->ns);
}

void sample_cells(const struct library *library, const struct sample_settings *settings, struct measured *cells,
                  size_t count)
{
    struct random random = {settings->seed};
    size_t *order = take(count, sizeof *order);
    struct meanwhile **meanwhile = take(count, sizeof *meanwhile);
    struct progress progress;
    double start = clock_seconds();
    progress_start(&progress, settings->title, settings->repetitions * count);
    for (size_t i = 0; i < count; i++)
        cells[i].possible = true;
    for (size_t i = 0; settings->meanwhile && i < count; i++)
        if (meanwhile_fits(&cells[i].spec))
            meanwhile[i] = take(1, sizeof *meanwhile[i]);
    for (size_t round = 0; round < REPETITIONS_MAX; round++) {
        size_t n = 0;
        for (size_t i = 0; i < count; i++)
            if (round < settings->repetitions ? cells[i].possible : wants_more(&cells[i], settings))
                order[n++] = i;
        random_shuffle(&random, order, n);
        for (size_t i = 0; i < n; i++) {
            /* Three rounds are the least that makes a figure; time limits the rest. */
            double time = clock_seconds() - start;
            if (round >= 3 && time > settings->max_time)
                break;
            repeat(library, settings, &cells[order[i]], &random, meanwhile[order[i]]);
            if (round < settings->repetitions)
                progress_step(&progress, cells[order[i]].name);
            else
                progress_at(&progress, time / settings->max_time, "narrowing intervals");
        }
        for (size_t i = 0; i < n; i++)
            sample_conclude(&cells[order[i]]);
        if (n == 0 || (round >= 2 && clock_seconds() - start > settings->max_time))
            break;
    }
    progress_end(&progress);
    for (size_t i = 0; i < count; i++) {
        cells[i].peak = meanwhile[i] ? meanwhile_peak(meanwhile[i]) : 0.0;
        cells[i].bandwidth = meanwhile[i] ? meanwhile_bandwidth(meanwhile[i]) : 0.0;
        free(meanwhile[i]);
    }
    free(meanwhile);
    free(order);
}

struct activation_cost sample_activations(const struct library *library, const char *backend, enum gru_tier tier)
{
    struct activation_cost cost = {0.0, 0.0};
    const gru_backend *found;
    if (library->backend_find(&found, backend, NULL) != GRU_OK)
        return cost;
    /* Fits L1 many times over, and is long enough that the call doesn't count. The least of many: it tells what binds,
     * and no figure is printed of it. */
    enum { COUNT = 512 };
    float x[COUNT], y[COUNT];
    for (int i = 0; i < COUNT; i++)
        x[i] = (float)i / 64.0f - 4.0f;
    cost = (struct activation_cost){1e9, 1e9};
    for (int i = 0; i < 300; i++) {
        uint64_t start = clock_ticks();
        bool good = library->sigmoid(found, tier, COUNT, x, y, NULL) == GRU_OK;
        uint64_t middle = clock_ticks();
        good = library->tanh(found, tier, COUNT, x, y, NULL) == GRU_OK && good;
        uint64_t end = clock_ticks();
        if (!good)
            return (struct activation_cost){0.0, 0.0};
        double sigmoid = clock_between(start, middle) / COUNT;
        double tanh = clock_between(middle, end) / COUNT;
        cost.sigmoid = sigmoid < cost.sigmoid ? sigmoid : cost.sigmoid;
        cost.tanh = tanh < cost.tanh ? tanh : cost.tanh;
    }
    return cost;
}
