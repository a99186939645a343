/* SPDX-License-Identifier: BSD-2-Clause */
/* limits.c: measures the FMA peak and the read bandwidth of each working-set size. */
#include "limits.h"

#include "clock.h"
#include "crew.h"
#include "limits_isa.h"
#include "progress.h"
#include "quiet.h"
#include "util.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* A trial reads at least this much: 30 us at L1's speed, far above the clock's error, far below a burst of the
 * sibling. */
static const double trial_bytes = 8388608.0;

/* Seconds that may go to repeating contended trials, over the whole measurement; then trials are taken as they come. */
static double patience;

/* When a busy machine has stretched the measurement so long, the rest is done briefly and once. */
static double deadline;

/* What is there by then is kept: a table with poor rows is more use than one that ends. */
static bool in_hurry(void)
{
    return clock_seconds() > deadline;
}

/* How many trials something is worth: many, a few in a quick run, and one where time is over. */
static int trials_of(bool quick, int many, int few)
{
    return in_hurry() ? 1 : quick ? few : many;
}

struct reading {
    const struct limits_isa *isa;
    char *memory;
    size_t bytes;
    size_t streams;
    size_t ahead;
    bool feeds; /* by multiply-adds */
};

/* GB/s of one trial. */
static double read_once(const struct reading *reading)
{
    double part = trial_bytes / (double)reading->bytes;
    size_t passes = part > 1.0 ? (size_t)part : 1;
    uint64_t start = clock_ticks();
    for (size_t i = 0; i < passes; i++)
        (reading->feeds ? reading->isa->feed : reading->isa->read)(reading->memory, reading->bytes, reading->streams,
                                                                   reading->ahead);
    double ns = clock_between(start, clock_ticks());
    return ns > 0.0 ? (double)reading->bytes * (double)passes / ns : 0.0;
}

/* The best of so many trials in quiet windows. The best, since nothing makes memory faster than it is. The caller has
 * read the buffer once before, so that what fits in a cache is there. */
static double read_best(const struct reading *reading, int trials)
{
    double best = 0.0;
    for (int trial = 0; trial < trials;) {
        double start = clock_seconds();
        bool quiet = quiet_now() || patience <= 0.0;
        double rate = read_once(reading);
        best = rate > best ? rate : best;
        trial += quiet;
        patience -= quiet ? 0.0 : clock_seconds() - start;
    }
    return best;
}

/* Looks for the best streams and prefetch distance: none of them is best on every CPU and at every size, and a limit
 * that other loads beat is none. 512 and 2048 bytes are about what the L3 and memory deliver within their latencies.
 * Inside the L2 there is nothing to prefetch, and scalar loads are too slow to need it. */
static double search(struct reading *reading, struct limits_read *found, bool quick)
{
    static const size_t streams[] = {1, 2, 4, 8};
    static const size_t aheads[] = {0, 512, 2048};
    const struct machine *machine = machine_this();
    size_t distances = reading->bytes <= machine->cache[1] * 3 / 4 || reading->isa->lanes == 1 ? 1 : 3;
    double best = 0.0;
    /* Four streams are among the best nearly everywhere, so that is what time that is over still tries. */
    for (size_t s = in_hurry() ? 2 : 0; s < (in_hurry() ? 3 : 4); s++)
        for (size_t a = 0; a < distances; a++) {
            reading->streams = streams[s];
            reading->ahead = aheads[a];
            double rate = read_best(reading, trials_of(quick, 2, 1));
            if (rate <= best)
                continue;
            best = rate;
            found->streams = streams[s];
            found->ahead = aheads[a];
        }
    return best;
}

/* The same by multiply-adds, with as many streams as suit those; what to fetch ahead depends on the size alone. */
static double feed_best(struct reading reading, bool quick)
{
    double best = 0.0;
    reading.feeds = true;
    for (size_t streams = in_hurry() ? 4 : 1; streams <= (in_hurry() ? 4u : 8u); streams *= 2) {
        reading.streams = streams;
        best = fmax(best, read_best(&reading, trials_of(quick, 4, 1)));
    }
    return best;
}

struct together {
    struct reading reading[CREW_MAX];
    double rate[CREW_MAX];
};

static void read_together(void *argument, size_t thread)
{
    struct together *together = argument;
    together->rate[thread] = read_once(&together->reading[thread]);
}

/* Not in quiet windows: the probe sees the caller's core alone, and that all are quiet at once is rare. All pages are
 * written first by the caller, so that on a machine of several nodes they lie in its own. */
static double read_all(struct crew *crew, const struct reading *reading, bool huge, int trials)
{
    size_t threads = crew_threads(crew);
    struct together *together = take(1, sizeof *together);
    for (size_t i = 0; i < threads; i++) {
        together->reading[i] = *reading;
        if (i > 0)
            together->reading[i].memory = machine_pages(reading->bytes, huge);
    }
    double best = 0.0;
    for (int trial = 0; trial < trials; trial++) {
        crew_run(crew, read_together, together);
        double sum = 0.0;
        for (size_t i = 0; i < threads; i++)
            sum += together->rate[i];
        best = sum > best ? sum : best;
    }
    for (size_t i = 1; i < threads; i++)
        machine_pages_free(together->reading[i].memory, reading->bytes);
    free(together);
    return best;
}

/* Which small pages a buffer gets decides how well it fits the L2, most of all where it nearly fills it, so a few
 * buffers are tried. */
static int buffers_of(size_t bytes, int pages, bool quick)
{
    double part = (double)bytes / (double)(machine_this()->cache[1] ? machine_this()->cache[1] : 1048576);
    bool edge = part > 0.4 && part < 1.6; /* below it fits with any pages, above it doesn't with any */
    return pages == PAGES_HUGE || in_hurry() ? 1 : edge ? 4 : bytes <= 4194304 && !quick ? 3 : 1;
}

/* One size. The first pass looks for the best way to read it, the second one only repeats that, some time later: a
 * neighbour that was at work for a second would else leave a dent in the table, and cells beside it at more than 100
 * %. */
static void measure_size(const struct limits_isa *isa, struct crew *crew, size_t bytes, bool quick, bool first,
                         struct limits_read *read)
{
    read->bytes = (double)bytes;
    for (int pages = PAGES_SMALL; pages <= PAGES_HUGE; pages++) {
        int buffers = buffers_of(bytes, pages, quick);
        for (int i = 0; i < buffers; i++) {
            struct reading reading = {isa, machine_pages(bytes, pages == PAGES_HUGE), bytes, 1, 0, false};
            /* Once a buffer and not once a way of reading it: beyond the L2 that was a third of a quick run's reads. */
            read_once(&reading);
            if (first && i == 0)
                read->one[pages] = fmax(read->one[pages], search(&reading, read, quick));
            reading.streams = read->streams;
            reading.ahead = read->ahead;
            read->one[pages] = fmax(read->one[pages], read_best(&reading, trials_of(quick, 8, 3)));
            if (pages == PAGES_HUGE)
                read->fed = fmax(read->fed, feed_best(reading, quick));
            read->all[pages] =
                fmax(read->all[pages], read_all(crew, &reading, pages == PAGES_HUGE, trials_of(quick, 10, 3)));
            machine_pages_free(reading.memory, bytes);
        }
    }
}

struct peak_run {
    const struct limits_isa *isa;
    double rate[CREW_MAX];
};

/* About 0.2 ms of work at any vector width. */
static double peak_once(const struct limits_isa *isa)
{
    size_t rounds = isa->lanes == 1 ? 2000 : 40000;
    uint64_t start = clock_ticks();
    isa->peak(rounds);
    double ns = clock_between(start, clock_ticks());
    return 2.0 * (double)isa->lanes * (double)isa->chains * (double)rounds / ns;
}

static void peak_together(void *argument, size_t thread)
{
    struct peak_run *run = argument;
    run->rate[thread] = peak_once(run->isa);
}

/* ns of one FMA that waits for another, and of one value of divisions that don't: the least of several trials. */
/* A trial takes some 20 us: short beside a neighbour's burst, so that some of twenty are undisturbed. */
static void measure_chains(const struct limits_isa *isa, struct limits_backend *backend)
{
    enum { LINKS = 2000, ROUNDS = 500 };
    const double values = (double)(ROUNDS * LIMITS_DIVIDE_CHAINS * isa->lanes);
    double fma_ns = HUGE_VAL, division_ns = HUGE_VAL;
    for (int trial = 0; trial < 20; trial++) {
        uint64_t start = clock_ticks();
        isa->latency(LINKS);
        uint64_t middle = clock_ticks();
        isa->divide(ROUNDS);
        fma_ns = fmin(fma_ns, clock_between(start, middle) / LINKS);
        division_ns = fmin(division_ns, clock_between(middle, clock_ticks()) / values);
    }
    bool again = backend->fma_ns > 0.0;
    backend->fma_ns = again ? fmin(fma_ns, backend->fma_ns) : fma_ns;
    backend->division_ns = again ? fmin(division_ns, backend->division_ns) : division_ns;
}

static void measure_peak(const struct limits_isa *isa, struct crew *crew, struct limits_backend *backend)
{
    /* Wide vectors lower the frequency a few hundred microseconds after they start. */
    for (int i = 0; i < 20; i++)
        peak_once(isa);
    for (int trial = 0; trial < 20;) {
        bool quiet = quiet_now() || patience <= 0.0;
        double rate = peak_once(isa);
        if (rate > backend->peak_one) {
            backend->peak_one = rate;
            backend->ghz = clock_core_ghz();
        }
        trial += quiet;
        patience -= quiet ? 0.0 : 0.0003;
    }
    measure_chains(isa, backend);
    /* More trials than of one thread: in the best of them all cores must have been left alone. */
    struct peak_run run = {.isa = isa};
    for (int trial = 0; trial < 30; trial++) {
        crew_run(crew, peak_together, &run);
        double sum = 0.0;
        for (size_t i = 0; i < crew_threads(crew); i++)
            sum += run.rate[i];
        backend->peak_all = sum > backend->peak_all ? sum : backend->peak_all;
    }
}

struct meetings {
    size_t threads;
    atomic_size_t arrived;
    double ns; /* of one, seen by thread 0 */
};

/* A counter that each thread raises once a meeting and then watches: what a step of a sequence ends with. */
static void meet(void *argument, size_t thread)
{
    enum { MEETINGS = 500 }; /* beside which the threads' coming together at the start is nothing */
    struct meetings *meetings = argument;
    uint64_t start = clock_ticks();
    for (size_t i = 1; i <= MEETINGS; i++) {
        atomic_fetch_add(&meetings->arrived, 1);
        while (atomic_load_explicit(&meetings->arrived, memory_order_acquire) < i * meetings->threads)
            ;
    }
    if (thread == 0)
        meetings->ns = clock_between(start, clock_ticks()) / MEETINGS;
}

/* The best of a few, since a thread that the system keeps from its CPU keeps all of them waiting. */
static double measure_barrier(struct crew *crew)
{
    struct meetings meetings = {.threads = crew_threads(crew)};
    double best = HUGE_VAL;
    for (int trial = 0; trial < 20 && meetings.threads > 1; trial++) {
        atomic_store(&meetings.arrived, 0);
        crew_run(crew, meet, &meetings);
        best = fmin(best, meetings.ns);
    }
    return meetings.threads > 1 ? best : 0.0;
}

/* KiB: half octaves from 16 KiB to the weights of H = 2048, and quarters about 1 MiB, where many L2 end. */
static const size_t working_sets[] = {16,   24,   32,    48,    64,    96,    128,   192,   256,   384,
                                      512,  640,  768,   896,   1024,  1280,  1536,  2048,  3072,  4096,
                                      6144, 8192, 12288, 16384, 24576, 32768, 49152, 65536, 98304, 131072};
enum { WORKING_SETS = sizeof working_sets / sizeof *working_sets };

/* In a quick run every other one up to 48 MiB, and all about the end of the L2, where a line between two of them
 * would be far from the truth. Scalar loads can't tell the levels beyond the L2 apart, and take long. */
static bool wanted_set(const struct limits_isa *isa, bool quick, size_t i)
{
    bool scalar = isa->lanes == 1;
    bool edge = working_sets[i] >= 512 && working_sets[i] <= 2048;
    return ((!quick && !scalar) || i % 2 == 0 || edge) && working_sets[i] <= (scalar  ? 8192u
                                                                              : quick ? 49152u
                                                                                      : 131072u);
}

static size_t wanted_sets(const struct limits_isa *isa, bool quick)
{
    size_t count = 0;
    for (size_t i = 0; i < WORKING_SETS; i++)
        count += wanted_set(isa, quick, i);
    return count;
}

/* A quick run repeats only the back end that everything else is measured with. */
static size_t passes_of(const struct limits_isa *isa, bool quick, const char *only)
{
    return quick && !only && isa != limits_isa_at(0) ? 1 : 2;
}

static void measure_backend(const struct limits_isa *isa, struct crew *crew, bool quick, size_t passes,
                            struct limits_backend *backend, struct progress *progress)
{
    snprintf(backend->name, sizeof backend->name, "%s", isa->name);
    backend->lanes = isa->lanes;
    for (size_t pass = 0; pass < passes && (pass == 0 || !in_hurry()); pass++) {
        measure_peak(isa, crew, backend);
        backend->reads = 0;
        for (size_t i = 0; i < WORKING_SETS; i++) {
            if (!wanted_set(isa, quick, i))
                continue;
            measure_size(isa, crew, working_sets[i] * 1024, quick, pass == 0, &backend->read[backend->reads++]);
            progress_step(progress, isa->name);
        }
    }
    limits_make_consistent(backend, crew_threads(crew));
}

void limits_measure(struct limits *limits, bool quick, const char *only, double seconds)
{
    *limits = (struct limits){.machine = *machine_this(), .threads = machine_this()->cpus};
    if (limits->threads > CREW_MAX)
        limits->threads = CREW_MAX;
    double start = clock_seconds();
    seconds = seconds > 0.0 ? seconds : quick ? 9.0 : 45.0;
    /* On a core that is contended half of the time every other trial is repeated; more would leave too little for the
     * sizes themselves. */
    patience = 0.22 * seconds;
    deadline = start + seconds;
    struct crew *crew = crew_start(limits->threads);
    limits->barrier_ns = measure_barrier(crew);
    size_t count = 0;
    const struct limits_isa *isa;
    for (size_t i = 0; (isa = limits_isa_at(i)) != NULL; i++)
        if (!only || strcmp(isa->name, only) == 0)
            count += passes_of(isa, quick, only) * wanted_sets(isa, quick);
    struct progress progress;
    progress_start(&progress, "limits", count);
    for (size_t i = 0; (isa = limits_isa_at(i)) != NULL; i++)
        if (!only || strcmp(isa->name, only) == 0)
            measure_backend(isa, crew, quick, passes_of(isa, quick, only), &limits->backend[limits->backends++],
                            &progress);
    progress_end(&progress);
    crew_stop(crew);
    limits->quiet_level = quiet_level();
    limits->quiet_share = quiet_share();
    limits->seconds = clock_seconds() - start;
}
