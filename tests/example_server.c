/* SPDX-License-Identifier: BSD-2-Clause */
/* example_server.c: a server of many streams. Whichever have something new go through the layer as one batch. */
#include <gru.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * All streams share a packed layer, and each has a state in a pool. A batch names its streams by their numbers in the
 * pool, and says which of them begin anew. The same bits come out as if each stream had the layer to itself, whoever
 * else is in its batches.
 *
 * Several threads can do this at once: the layer is immutable; each needs a workspace of its own, and streams that no
 * other has in its batch.
 */
enum { STREAMS = 50, INPUT = 12, HIDDEN = 40, MOST = 16, BATCHES = 300 };

typedef struct server {
    gru_layer *layer;
    void *workspace;
    size_t workspace_bytes;
    size_t steps;
    float states[STREAMS][HIDDEN];
} server;

static void must(enum gru_status status, const gru_error *error)
{
    if (status != GRU_OK) {
        fprintf(stderr, "%s\n", error->text);
        exit(1);
    }
}

static void fill(float *array, size_t n, float range)
{
    for (size_t k = 0; k < n; k++) {
        array[k] = ((float)rand() / (float)RAND_MAX - 0.5f) * range;
    }
}

static void begin(server *s)
{
    static float w_ih[3 * HIDDEN * INPUT], w_hh[3 * HIDDEN * HIDDEN], b_ih[3 * HIDDEN], b_hh[3 * HIDDEN];
    fill(w_ih, 3 * HIDDEN * INPUT, 0.8f);
    fill(w_hh, 3 * HIDDEN * HIDDEN, 0.4f);
    fill(b_ih, 3 * HIDDEN, 1.0f);
    fill(b_hh, 3 * HIDDEN, 1.0f);
    gru_desc desc = {.size = sizeof desc, .input = INPUT, .hidden = HIDDEN, .bias = GRU_BIAS_SIX};
    gru_weights weights = {.size = sizeof weights};
    gru_error error;
    must(gru_weights_pytorch(&weights, &desc, w_ih, w_hh, b_ih, b_hh, &error), &error);
    must(gru_layer_create(&s->layer, &desc, &weights, NULL, &error), &error);
    must(gru_workspace_bytes(s->layer, 1, MOST, &s->workspace_bytes, &error), &error);
    s->workspace = malloc(s->workspace_bytes);
    s->steps = 0;
    memset(s->states, 0, sizeof s->states);
}

/* A step of some streams, all of them different: number streams[i] gets x[i]. Those whose is_new[i] isn't 0 begin at
 * zero. */
static void step(server *s, size_t count, const size_t *streams, const uint8_t *is_new, float (*x)[INPUT])
{
    gru_io io = {.size = sizeof io,
                 .steps = 1,
                 .rows = count,
                 .x = x[0],
                 .x_row = INPUT,
                 .index = streams,
                 .index_count = STREAMS,
                 .reset_mask = is_new,
                 .reset_mask_row = 1,
                 .steps_before = s->steps++};
    io.state.h0 = io.state.h = s->states[0]; /* in place: read and written with the same strides */
    io.state.h0_row = io.state.h_row = HIDDEN;
    gru_error error;
    must(gru_run(s->layer, &io, s->workspace, s->workspace_bytes, &error), &error);
}

/* --- Random traffic, and each stream by itself ------------------------------------------------------- */

/* Some different streams, at least one. */
static size_t choose(size_t *streams)
{
    size_t count = 0;
    while (count == 0) {
        for (size_t stream = 0; stream < STREAMS && count < MOST; stream++) {
            if (rand() % 8 == 0) {
                streams[count++] = stream;
            }
        }
    }
    return count;
}

int main(void)
{
    static server together, alone;
    static float x[MOST][INPUT];
    size_t streams[MOST], most = 0;
    uint8_t is_new[MOST];
    begin(&together);
    alone = together;
    for (size_t batch = 0; batch < BATCHES; batch++) {
        size_t count = choose(streams);
        for (size_t i = 0; i < count; i++) {
            fill(x[i], INPUT, 2.0f);
            is_new[i] = rand() % 20 == 0;
        }
        step(&together, count, streams, is_new, x);
        for (size_t i = 0; i < count; i++) {
            step(&alone, 1, &streams[i], &is_new[i], &x[i]);
        }
        most = count > most ? count : most;
    }
    int same = memcmp(together.states, alone.states, sizeof together.states) == 0;
    printf("%d streams in batches of up to %zu: %s bits as each by itself\n", STREAMS, most,
           same ? "the same" : "OTHER");
    free(together.workspace);
    gru_layer_destroy(together.layer);
    return !(same && most > 1 && together.states[STREAMS - 1][0] != 0.0f);
}
