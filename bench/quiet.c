/* SPDX-License-Identifier: BSD-2-Clause */
/* quiet.c: the probe for a busy sibling thread. */
#include "quiet.h"

#include "clock.h"
#include "limits_isa.h"
#include "stats.h"

#include <time.h>

/* 256 chains of 16 are 2 us: enough for the scheduler to fill, little beside a sample. Ten windows are learnt from. */
enum { PROBE_CHAINS = 256, LEARN = 320, WINDOW = 32 };

/* The level is the highest that any window of WINDOW probes had as its upper quartile: what the core does when it is
 * left alone, however seldom that is. A quartile, since a single probe can be off where the frequency changes. */
static double window[WINDOW];
static size_t count;
static double level;
static struct quiet_counts counts;

/* 40,000 probes on a shared Cascade Lake gathered at 1.50, 1.37 and 1.05 FMA a cycle, with little between; the first
 * two both go with undisturbed measurements. */
static const double quiet_part = 0.82;

/* The widest set's file is compiled with scalar FMA too; its probe has no vectors, which would change the frequency. */
static const struct limits_isa *prober(void)
{
    static const struct limits_isa *isa;
    if (!isa)
        isa = limits_isa_at(0);
    return isa;
}

double quiet_probe(void)
{
    double ghz = clock_core_ghz();
    uint64_t start = clock_ticks();
    prober()->probe(PROBE_CHAINS);
    double ns = clock_between(start, clock_ticks());
    return ns > 0.0 && ghz > 0.0 ? 16.0 * PROBE_CHAINS / (ns * ghz) : 0.0;
}

static double keep_probe(void)
{
    double value = quiet_probe();
    window[count++ % WINDOW] = value;
    if (count % WINDOW == 0) {
        stats_sort(window, WINDOW);
        double quartile = stats_quantile(window, WINDOW, 0.75);
        level = quartile > level ? quartile : level;
    }
    return value;
}

static void pause_for(long ns)
{
    nanosleep(&(struct timespec){0, ns}, NULL);
}

void quiet_start(void)
{
    /* Spread over time, since a sibling works in bursts of milliseconds. */
    for (int i = 0; i < LEARN; i++) {
        keep_probe();
        if (i % 4 == 3)
            pause_for(2000000);
    }
}

bool quiet_now(void)
{
    bool quiet = keep_probe() >= quiet_part * level;
    counts.asked++;
    counts.quiet += quiet;
    return quiet;
}

bool quiet_wait(double seconds)
{
    double end = clock_seconds() + seconds;
    while (!quiet_now()) {
        if (clock_seconds() > end)
            return false;
        pause_for(200000); /* a tenth of a short burst, and the core meanwhile belongs to whoever waits for it */
    }
    return true;
}

double quiet_level(void)
{
    return level;
}

double quiet_share(void)
{
    return counts.asked ? (double)counts.quiet / (double)counts.asked : 1.0;
}

struct quiet_counts quiet_counts(void)
{
    return counts;
}

void quiet_count_on(struct quiet_counts from)
{
    counts = from;
}
