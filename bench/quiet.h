/* SPDX-License-Identifier: BSD-2-Clause */
/* quiet.h: tells whether the core's other hardware thread is at work right now. */
#ifndef BENCH_QUIET_H
#define BENCH_QUIET_H

#include <stdbool.h>
#include <stddef.h>

/*
 * On a virtual machine the sibling of our hardware thread may belong to somebody else. When it works, it halves the
 * scheduler and takes execution slots, and our code runs 40-60 % slower, which no load figure shows. The probe runs
 * independent chains of 16 dependent scalar FMAs, in program order. A chain alone is bound by latency; how many of them
 * overlap is given by the scheduler's size, which is what siblings share. So FMAs a cycle fall at once when the
 * sibling wakes (about 1.45 to 1.05 on Intel's Skylake to Cascade Lake), whatever the frequency is.
 *
 * The probe takes about 2 us. A sample counts as quiet if the probes before and after it do. What "quiet" is on this
 * CPU is learnt: the best that any stretch of probes reached, less 18 %. If the sibling never rests, that level is
 * wrong, and then the run as a whole is uniformly slow; hence the level itself is in every report.
 */

/* Learns the level: a quarter of a second of probes. */
void quiet_start(void);

/* FMAs a cycle now. */
double quiet_probe(void);

/* Probes, and says whether it is quiet. Keeps count for quiet_share. */
bool quiet_now(void);

/* Waits for a quiet moment, at most so many seconds: true if it came. */
bool quiet_wait(double seconds);

/* What quiet_share counts, so that a child process can hand over where it got to. */
struct quiet_counts {
    size_t quiet;
    size_t asked;
};
struct quiet_counts quiet_counts(void);
void quiet_count_on(struct quiet_counts from);

/* For the report: FMAs a cycle when quiet, and the share of all probes that were. */
double quiet_level(void);
double quiet_share(void);

#endif
