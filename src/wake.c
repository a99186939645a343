/* SPDX-License-Identifier: BSD-2-Clause */
/* wake.c: whether a run is worth waking the threads of a team that sleep. */
#include "wake.h"

/* What a run must take to be worth a wake, in times of how late threads come. (Virtual CPUs, threads 0.8 ms late, two
 * of them: runs of 0.83 ms took 1.07 times as long with a wake, 1.75 ms 0.53.) */
static const float worth = 2.5f;

/* What an old figure counts for each time that it has decided. */
static const float fading = 63.0f / 64.0f;

/* A team that has no past yet: runs of 20 million multiply-adds and more wake it. */
static const float first_lateness = 400000.0f, first_rate = 0.05f;

/* Whatever is learnt or forgotten: runs of less than 50 us wake nobody by themselves. */
static const float least_lateness = 20000.0f, least_rate = 0.001f;

enum { MOST_PATIENCE = 256 };

static float get(_Atomic float *figure)
{
    return atomic_load_explicit(figure, memory_order_relaxed);
}

static void set(_Atomic float *figure, float value, float least)
{
    atomic_store_explicit(figure, value > least ? value : least, memory_order_relaxed);
}

/* A quarter of the way to what was seen, which counts for no more than four times what was known: a thread or a run may
 * be interrupted. */
static void learn(_Atomic float *figure, float seen, float least)
{
    const float old = get(figure);
    set(figure, old + ((seen < 4.0f * old ? seen : 4.0f * old) - old) / 4.0f, least);
}

void gru_wake_begin(struct gru_wake *wake, size_t now)
{
    atomic_init(&wake->lateness, first_lateness);
    atomic_init(&wake->rate, first_rate);
    atomic_init(&wake->from, now);
    atomic_init(&wake->till, now - GRU_STAYS_AWAKE);
    atomic_init(&wake->close, 0);
    atomic_init(&wake->patience, 1);
}

void gru_wake_came(struct gru_wake *wake, size_t late)
{
    learn(&wake->lateness, (float)late, least_lateness);
}

/* Only a change is written, so that runs which follow one another don't take the line from each other. */
void gru_wake_found(struct gru_wake *wake)
{
    if (atomic_load_explicit(&wake->patience, memory_order_relaxed) != 1)
        atomic_store_explicit(&wake->patience, 1, memory_order_relaxed);
}

/* Whether a run that begins now is one of so many that follow one another. */
static bool is_one_of_many(struct gru_wake *wake, size_t now)
{
    if (now - atomic_load_explicit(&wake->till, memory_order_relaxed) >= GRU_STAYS_AWAKE)
        return false;
    const int patience = atomic_load_explicit(&wake->patience, memory_order_relaxed);
    if (atomic_fetch_add_explicit(&wake->close, 1, memory_order_relaxed) + 1 < patience)
        return false;
    atomic_store_explicit(&wake->close, 0, memory_order_relaxed);
    if (patience < MOST_PATIENCE)
        atomic_store_explicit(&wake->patience, 2 * patience, memory_order_relaxed);
    return true;
}

bool gru_wake_spares(struct gru_wake *wake, size_t now, size_t work, bool on_their_way)
{
    if (!on_their_way && is_one_of_many(wake, now))
        return false;
    const float rate = get(&wake->rate), lateness = get(&wake->lateness);
    if (rate * (float)work > worth * lateness) {
        set(&wake->rate, fading * rate, least_rate);
        return false;
    }
    set(&wake->lateness, fading * lateness, least_lateness);
    atomic_store_explicit(&wake->from, now, memory_order_relaxed);
    return true;
}

void gru_wake_spared(struct gru_wake *wake, size_t now, size_t work)
{
    const size_t from = atomic_load_explicit(&wake->from, memory_order_relaxed);
    learn(&wake->rate, (float)(now - from) / (float)work, least_rate);
    atomic_store_explicit(&wake->till, now, memory_order_relaxed);
}
