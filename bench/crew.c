/* SPDX-License-Identifier: BSD-2-Clause */
/* crew.c: threads pinned to one CPU each that start a piece of work at the same moment. */
#include "crew.h"

#include "machine.h"
#include "util.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct crew;

struct hand {
    struct crew *crew;
    pthread_t thread;
    size_t number;
};

struct crew {
    size_t threads;
    void (*work)(void *argument, size_t thread);
    void *argument;
    /* Between runs the hands sleep at `gate`, so that they take nothing from measurements of one thread. */
    pthread_mutex_t lock;
    pthread_cond_t gate;
    size_t run;
    atomic_size_t ready;
    atomic_size_t done;
    struct hand hands[CREW_MAX];
};

/* All start within a cache line's way of each other: a wake of the system's takes 50 us and more, in which those that
 * were first would have the memory to themselves. */
static void meet_and_work(struct crew *crew, size_t number)
{
    atomic_fetch_add(&crew->ready, 1);
    while (atomic_load(&crew->ready) < crew->threads)
        ;
    crew->work(crew->argument, number);
    atomic_fetch_add(&crew->done, 1);
}

static void *live(void *argument)
{
    struct hand *hand = argument;
    struct crew *crew = hand->crew;
    machine_pin(hand->number);
    for (size_t seen = 0;;) {
        pthread_mutex_lock(&crew->lock);
        while (crew->run == seen)
            pthread_cond_wait(&crew->gate, &crew->lock);
        seen = crew->run;
        pthread_mutex_unlock(&crew->lock);
        if (!crew->work)
            return NULL;
        meet_and_work(crew, hand->number);
    }
}

/* The caller is thread 0, so that what it measures alone and what it measures among others is on the same CPU. */
struct crew *crew_start(size_t threads)
{
    struct crew *crew = take(1, sizeof *crew);
    crew->threads = threads;
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->gate, NULL);
    for (size_t i = 1; i < threads; i++) {
        crew->hands[i] = (struct hand){.crew = crew, .number = i};
        if (pthread_create(&crew->hands[i].thread, NULL, live, &crew->hands[i]) != 0)
            fail("the system refuses to start %zu threads", threads);
    }
    return crew;
}

static void open_gate(struct crew *crew)
{
    pthread_mutex_lock(&crew->lock);
    crew->run++;
    pthread_cond_broadcast(&crew->gate);
    pthread_mutex_unlock(&crew->lock);
}

void crew_run(struct crew *crew, void (*work)(void *argument, size_t thread), void *argument)
{
    crew->work = work;
    crew->argument = argument;
    atomic_store(&crew->ready, 0);
    atomic_store(&crew->done, 0);
    open_gate(crew);
    meet_and_work(crew, 0);
    while (atomic_load(&crew->done) < crew->threads)
        ;
}

void crew_stop(struct crew *crew)
{
    crew->work = NULL;
    open_gate(crew);
    for (size_t i = 1; i < crew->threads; i++)
        pthread_join(crew->hands[i].thread, NULL);
    pthread_cond_destroy(&crew->gate);
    pthread_mutex_destroy(&crew->lock);
    free(crew);
}

size_t crew_threads(const struct crew *crew)
{
    return crew->threads;
}
