/* SPDX-License-Identifier: BSD-2-Clause */
/* clock.h: time in nanoseconds from the cheapest steady counter, and the core's frequency at the moment. */
#ifndef BENCH_CLOCK_H
#define BENCH_CLOCK_H

#include <stdint.h>

/* Must be called once before the others: finds out which counter to use and what a reading costs. */
void clock_start(void);

/* What the counter is, for the report. */
const char *clock_name(void);

/* Nanoseconds a tick. */
extern double clock_tick_ns;
extern int clock_uses_counter;
uint64_t clock_system_ns(void);

/* Ticks now. Earlier instructions are done before it is read, later ones start after. */
static inline uint64_t clock_ticks(void)
{
#if defined(__x86_64__)
    if (clock_uses_counter) {
        /* The builtins, since the header that has intrinsics for them takes a third of a second to compile. */
        unsigned aux;
        uint64_t ticks = __builtin_ia32_rdtscp(&aux);
        __builtin_ia32_lfence();
        return ticks;
    }
#endif
    return clock_system_ns();
}

/* The time between two readings, less what a reading itself costs; never negative. */
double clock_between(uint64_t start, uint64_t end);

/* Seconds since clock_start. */
double clock_seconds(void);

/*
 * GHz of the core right now, from a chain of dependent multiplications whose latency is known, taking about a
 * microsecond. The chain leaves nearly all of the core's slots free, so a busy sibling thread doesn't stretch it: it
 * shows frequency alone. AVX-512's lower frequency outlives its last instruction by half a millisecond, hence what is
 * read just after a measurement is what the measurement ran at.
 */
double clock_core_ghz(void);

#endif
