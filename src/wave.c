/* SPDX-License-Identifier: BSD-2-Clause */
/* wave.c: layers that go side by side, each some chunks behind those below. */
#include "wave.h"

#include "size.h"
#include "team.h"
#include "wait.h"

#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>

/*
 * One layer. Both words count chunks and only ever rise: `claimed` those that somebody has taken, `finished` those that
 * are done, so
 *
 *     finished <= claimed <= finished + 1.
 *
 * Memory order. `finished` is stored with release after a chunk, and read with acquire before one, of each layer whose
 * chunks it needs; so these happen before it. That a chunk is done only once needs no order, merely a
 * compare-exchange that is atomic: it succeeds only for the chunk after those that were seen finished.
 */
struct wave_layer {
    alignas(64) atomic_size_t claimed;
    atomic_size_t finished;
};

struct wave {
    struct wave_layer *layer;
    gru_wave_work *work;
    void *context;
    size_t lowest;
    size_t layers;
    size_t chunks;
    bool may_yield;
};

static size_t finished(const struct wave *wave, size_t i)
{
    return atomic_load_explicit(&wave->layer[i].finished, memory_order_acquire);
}

/* Whether the layers beside layer i are as far as its chunk c needs. */
static bool is_ready(const struct wave *wave, size_t i, size_t c)
{
    const size_t above = gru_most(i + 1, wave->lowest);
    if (above < wave->layers && finished(wave, above) + 2 <= c)
        return false;
    if (i < wave->lowest)
        return true;
    for (size_t below = i == wave->lowest ? 0 : i - 1; below < i; below++)
        if (finished(wave, below) <= c)
            return false;
    return true;
}

/* Does a layer's next chunk, if it can be done now and nobody else does it. The plain look ahead of the
 * compare-exchange leaves the line of a layer that is under way shared instead of taking it. */
static bool advance(const struct wave *wave, size_t i)
{
    struct wave_layer *layer = &wave->layer[i];
    size_t c = finished(wave, i);
    if (c == wave->chunks || atomic_load_explicit(&layer->claimed, memory_order_relaxed) != c || !is_ready(wave, i, c))
        return false;
    if (!atomic_compare_exchange_strong_explicit(&layer->claimed, &c, c + 1, memory_order_relaxed,
                                                 memory_order_relaxed))
        return false; /* not covered: between two looks at the same word, in another thread */
    wave->work(wave->context, i, c);
    atomic_store_explicit(&layer->finished, c + 1, memory_order_release);
    return true;
}

/* Any layer's next chunk, beginning with layer `first`. */
static bool advance_any(const struct wave *wave, size_t first)
{
    for (size_t n = 0, i = first; n < wave->layers; n++, i = i + 1 < wave->layers ? i + 1 : 0)
        if (advance(wave, i))
            return true;
    return false;
}

/* Returns when the last layer has done its last chunk, which comes after all others. */
static void wave_task(void *argument, size_t t)
{
    const struct wave *wave = argument;
    size_t looks = 0;
    while (finished(wave, wave->layers - 1) < wave->chunks) {
        if (advance_any(wave, wave->layers - 1 - t))
            looks = 0;
        else
            gru_wait(&looks, wave->may_yield);
    }
}

size_t gru_wave_bytes(size_t layers)
{
    return layers * sizeof(struct wave_layer);
}

void gru_wave_run(const gru_pool *pool, size_t lowest, size_t layers, size_t chunks, gru_wave_work *work, void *context,
                  void *state)
{
    if (!pool) {
        for (size_t c = 0; c < chunks; c++)
            for (size_t i = 0; i < layers; i++)
                work(context, i, c);
        return;
    }
    struct wave wave = {
        .layer = state,
        .work = work,
        .context = context,
        .lowest = lowest,
        .layers = layers,
        .chunks = chunks,
        .may_yield = gru_pool_may_yield(pool),
    };
    for (size_t i = 0; i < layers; i++) {
        atomic_init(&wave.layer[i].claimed, 0);
        atomic_init(&wave.layer[i].finished, 0);
    }
    pool->run(pool->context, wave_task, &wave, gru_least(layers, pool->threads));
    /* All tasks that the pool began have returned: what is left now is left for good. */
    wave_task(&wave, 0);
}
