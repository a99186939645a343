/* SPDX-License-Identifier: BSD-2-Clause */
/* phases.c: tasks that go through phases together and do one another's slices rather than wait in vain. */
#include "phases.h"

#include "size.h"
#include "team.h"
#include "wait.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>

/*
 * One slice. Both words count phases and only ever rise: `claimed` is the number of phases for which somebody has
 * taken the slice, `finished` the number for which it is done, so
 *
 *     finished <= claimed <= finished + 1,   and   a run is complete when all `finished` are `phases`.
 *
 * They lie on cache lines of their own: waiting tasks look at `finished` all the time, and the owner's claim of the
 * next phase would have to fetch the line back from them.
 *
 * Memory order. Phase p may begin when each slice's `finished` is at least p. Whoever claims a slice for phase p has
 * read all of these with acquire, and they were stored with release when the work was done; so all work of the phases
 * before p happens before it. The claim is a release too, and a task reads its own slice's `claimed` with acquire: a
 * task that comes late and finds q there has thereby seen what the claimer of phase q - 1 had seen, all work of the
 * phases before q - 1. So it may help with phase q - 1 at once, and has no need of the history that it missed. That
 * a slice is done only once per phase needs no order, merely a compare-exchange that is atomic.
 */
struct slice {
    alignas(64) atomic_size_t claimed;
    alignas(64) atomic_size_t finished;
};

struct run {
    struct slice *slice;
    gru_phase_work *work;
    void *context;
    size_t phases;
    size_t slices;
    size_t tasks;
    bool may_yield;
};

/*
 * How many looks a task takes at an unfinished phase before it takes slices whose own tasks have not claimed them: 0.3
 * to 2 us. A task that is awake claims its slice some 0.1 us after a phase has begun, when hardly another one can be
 * through with its own; so an unclaimed slice is nearly always that of a task which isn't there. (Between 4 and 200
 * looks made no difference to the time of a phase; 4 moved more slices of 5 ns, which nobody should cut.)
 */
enum { GRACE = 32 };

/* Does a slice in a phase, unless somebody else has taken it. */
static bool claim(const struct run *run, size_t phase, size_t s)
{
    struct slice *slice = &run->slice[s];
    size_t expected = phase;
    if (!atomic_compare_exchange_strong_explicit(&slice->claimed, &expected, phase + 1, memory_order_acq_rel,
                                                 memory_order_relaxed))
        return false;
    run->work(run->context, phase, s);
    atomic_store_explicit(&slice->finished, phase + 1, memory_order_release);
    return true;
}

/*
 * Takes each slice that nobody has claimed for this phase, beginning with `first`, and says whether there was one. The
 * plain look ahead of the compare-exchange leaves the line of a slice that is under way shared instead of taking it.
 */
static bool take_abandoned(const struct run *run, size_t phase, size_t first)
{
    bool taken = false;
    for (size_t i = 0, s = first; i < run->slices; i++, s = s + 1 < run->slices ? s + 1 : 0)
        if (atomic_load_explicit(&run->slice[s].claimed, memory_order_relaxed) == phase)
            taken |= claim(run, phase, s);
    return taken;
}

/*
 * Returns when `phase` is complete. Its unclaimed slices are looked for once, after the grace: `claimed` only rises, so
 * after that look each slice is in somebody's hands, and all that is left is to wait for their ends. The answer is
 * whether this task did a slice of another: then that one is probably away, and the next phase needs no grace.
 *
 * A long wait is for a task that has lost its CPU inside a slice, and where threads outnumber CPUs, perhaps to this
 * one: eight threads on two CPUs took four times as long without the sched_yield.
 */
static bool complete(const struct run *run, size_t phase, size_t first, bool hurry)
{
    bool taken = false, looked = false;
    size_t looks = 0;
    for (size_t i = 0, s = first; i < run->slices; i++, s = s + 1 < run->slices ? s + 1 : 0) {
        while (atomic_load_explicit(&run->slice[s].finished, memory_order_acquire) <= phase) {
            if (!looked && (hurry || looks >= GRACE)) {
                taken = take_abandoned(run, phase, s);
                looked = true;
            } else {
                gru_wait(&looks, run->may_yield);
            }
        }
    }
    return taken;
}

/*
 * Task t: its own slices in each phase, and others' in between. The phase is read from its first slice and not counted,
 * so a task that comes late, or back, goes on where the others are.
 */
static void do_task(const struct run *run, size_t t, bool hurry)
{
    for (;;) {
        const size_t phase = atomic_load_explicit(&run->slice[t].claimed, memory_order_acquire);
        if (phase > 0)
            hurry = complete(run, phase - 1, t, hurry);
        if (phase == run->phases)
            return;
        for (size_t s = t; s < run->slices; s += run->tasks)
            claim(run, phase, s);
    }
}

static void run_task(void *argument, size_t t)
{
    do_task(argument, t, false);
}

static void run_serially(size_t phases, size_t slices, gru_phase_work *work, void *context)
{
    for (size_t phase = 0; phase < phases; phase++)
        for (size_t slice = 0; slice < slices; slice++)
            work(context, phase, slice);
}

size_t gru_phases_bytes(size_t slices)
{
    return slices * sizeof(struct slice);
}

void gru_phases_run(const gru_pool *pool, size_t phases, size_t slices, gru_phase_work *work, void *context,
                    void *state)
{
    if (!pool || pool->threads <= 1 || slices <= 1) {
        run_serially(phases, slices, work, context);
        return;
    }
    struct run run = {
        .slice = state,
        .work = work,
        .context = context,
        .phases = phases,
        .slices = slices,
        .tasks = gru_least(slices, pool->threads),
        .may_yield = gru_pool_may_yield(pool),
    };
    for (size_t s = 0; s < slices; s++) {
        atomic_init(&run.slice[s].claimed, 0);
        atomic_init(&run.slice[s].finished, 0);
    }
    pool->run(pool->context, run_task, &run, run.tasks);
    /* All tasks that the pool began have returned, so what is left now is left for good: no grace. */
    do_task(&run, 0, true);
}
