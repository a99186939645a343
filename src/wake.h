/* SPDX-License-Identifier: BSD-2-Clause */
/* wake.h: whether a run is worth waking the threads of a team that sleep. */
#ifndef GRU_WAKE_H
#define GRU_WAKE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * A thread comes some 5 us (on a CPU of one's own) to 1 ms (on a virtual one that has slept for long) after it has been
 * called, and the calling takes the caller a part of that. A run that will be over by then is spared it; one that won't
 * be over for long wakes the threads. How late they come and how long a run takes is learnt, from wakes and from runs
 * that were spared one. Whichever of the two decides counts for less the next time, so that nothing is believed for
 * ever.
 *
 * Short runs that follow one another closely are worth a wake together: if the last one ended so short a time ago that
 * the threads, had they been called for it, would still be awake, they are woken. Where that is of no use, since they
 * sleep again by the next run (runs come in pairs, or another program has the CPU), it takes twice as many such runs
 * each time.
 *
 * Times are a clock's nanoseconds and may wrap round. All of it is guesses, which any thread may read and write at any
 * time: they decide how long a run takes, and nothing else.
 */
struct gru_wake {
    _Atomic float lateness;   /* of the threads, in nanoseconds */
    _Atomic float rate;       /* nanoseconds a multiply-add, of runs that are spared a wake */
    atomic_size_t from, till; /* when the last such run began, and ended */
    atomic_int close;         /* such runs since the last wake that came closely after another */
    atomic_int patience;      /* how many of these a wake takes */
};

/* How long idle threads look for another run before they sleep, in nanoseconds. */
enum { GRU_STAYS_AWAKE = 50000 };

void gru_wake_begin(struct gru_wake *wake, size_t now);

/* A thread has come, so late. */
void gru_wake_came(struct gru_wake *wake, size_t late);

/* A run has found the threads awake. */
void gru_wake_found(struct gru_wake *wake);

/* Whether a run of so many multiply-adds, which has found them asleep or on their way, goes without them; if so, it
 * says when it is over. */
bool gru_wake_spares(struct gru_wake *wake, size_t now, size_t work, bool on_their_way);
void gru_wake_spared(struct gru_wake *wake, size_t now, size_t work);

#endif
