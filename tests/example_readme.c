/* SPDX-License-Identifier: BSD-2-Clause */
/* example_readme.c: README's example, a PyTorch-style GRU over a sequence, checked against itself step by step. */
#include <gru.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT = 40, HIDDEN = 128, STEPS = 100 };

/* What a training framework would have given: weight_ih [3H, I], weight_hh [3H, H], bias_ih and bias_hh [3H]. */
static float w_ih[3 * HIDDEN * INPUT], w_hh[3 * HIDDEN * HIDDEN], b_ih[3 * HIDDEN], b_hh[3 * HIDDEN];
static float x[STEPS * INPUT], y[STEPS * HIDDEN], h[HIDDEN];

static void fill(float *array, size_t n)
{
    static unsigned state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        array[i] = (float)(state >> 8) / 16777216.0f * 0.2f - 0.1f;
    }
}

static void make_inputs(void)
{
    fill(w_ih, sizeof w_ih / sizeof w_ih[0]);
    fill(w_hh, sizeof w_hh / sizeof w_hh[0]);
    fill(b_ih, sizeof b_ih / sizeof b_ih[0]);
    fill(b_hh, sizeof b_hh / sizeof b_hh[0]);
    fill(x, sizeof x / sizeof x[0]);
}

/* The body of this function stands in README.md. */
static int run_gru(void)
{
    gru_error error;
    gru_desc desc = {.size = sizeof desc, .input = INPUT, .hidden = HIDDEN, .bias = GRU_BIAS_SIX};
    gru_weights weights = {.size = sizeof weights};
    gru_layer *layer;
    if (gru_weights_pytorch(&weights, &desc, w_ih, w_hh, b_ih, b_hh, &error) != GRU_OK ||
        gru_layer_create(&layer, &desc, &weights, NULL, &error) != GRU_OK) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    size_t bytes;
    gru_workspace_bytes(layer, STEPS, 1, &bytes, NULL);
    void *workspace = malloc(bytes);
    gru_io io = {.size = sizeof io, .steps = STEPS, .rows = 1, .x = x, .x_step = INPUT, .y = y, .y_step = HIDDEN};
    io.state.h = h; /* the last state; h0 is left NULL: it starts at zero */
    enum gru_status status = gru_run(layer, &io, workspace, bytes, &error);
    free(workspace);
    gru_layer_destroy(layer);
    return status != GRU_OK;
}

/* The same as a stream: one step a call, the state in place. Every bit of every output must be the same. */
static int stream_gru(void)
{
    static float now[HIDDEN], out[HIDDEN];
    gru_desc desc = {.size = sizeof desc, .input = INPUT, .hidden = HIDDEN, .bias = GRU_BIAS_SIX};
    gru_weights weights = {.size = sizeof weights};
    gru_layer *layer;
    size_t bytes;
    if (gru_weights_pytorch(&weights, &desc, w_ih, w_hh, b_ih, b_hh, NULL) != GRU_OK ||
        gru_layer_create(&layer, &desc, &weights, NULL, NULL) != GRU_OK ||
        gru_workspace_bytes(layer, 1, 1, &bytes, NULL) != GRU_OK) {
        return 1;
    }
    void *workspace = malloc(bytes);
    int wrong = 0;
    for (size_t t = 0; t < STEPS; t++) {
        gru_io io = {.size = sizeof io, .steps = 1, .rows = 1, .x = x + t * INPUT, .y = out, .steps_before = t};
        io.state.h0 = io.state.h = now;
        wrong |= gru_run(layer, &io, workspace, bytes, NULL) != GRU_OK;
        wrong |= memcmp(out, y + t * HIDDEN, sizeof out) != 0;
    }
    wrong |= memcmp(now, h, sizeof now) != 0;
    free(workspace);
    gru_layer_destroy(layer);
    return wrong;
}

int main(void)
{
    make_inputs();
    int wrong = run_gru() || h[0] == 0.0f || stream_gru();
    puts(wrong ? "wrong" : "a sequence at once and step by step: the same bits");
    return wrong;
}
