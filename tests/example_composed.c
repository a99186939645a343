/* SPDX-License-Identifier: BSD-2-Clause */
/* example_composed.c: a GRU put together from building blocks has the bits of gru_layer, with either kind of reset. */
#include <gru.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT = 10, HIDDEN = 37, ROWS = 3, STEPS = 6 };

/* One matrix per gate, a row per unit; two biases, one for each sum. */
static float w[3][HIDDEN * INPUT], u[3][HIDDEN * HIDDEN], bx[3][HIDDEN], bh[3][HIDDEN];
static float x[STEPS][ROWS * INPUT];

static void fill(float *array, size_t n)
{
    static unsigned state = 1;
    for (size_t i = 0; i < n; i++) {
        state = state * 1664525u + 1013904223u;
        array[i] = (float)(state >> 8) / 16777216.0f - 0.5f;
    }
}

static void must(enum gru_status status, const gru_error *error)
{
    if (status != GRU_OK) {
        fprintf(stderr, "%s\n", error->text);
        exit(1);
    }
}

/* The gate g with its whole sum, or only the half over x (inputs) or over h (states). */
static gru_gate *make_gate(int g, size_t inputs, size_t states, enum gru_activation activation)
{
    gru_gate_desc desc = {
        .size = sizeof desc, .units = HIDDEN, .inputs = inputs, .states = states, .activation = activation};
    if (inputs > 0) {
        desc.w = (gru_matrix){w[g], INPUT, 1};
        desc.bx = (gru_vector){bx[g], 1};
    }
    if (states > 0) {
        desc.u = (gru_matrix){u[g], HIDDEN, 1};
        desc.bh = (gru_vector){bh[g], 1};
    }
    gru_gate *gate;
    gru_error error;
    must(gru_gate_create(&gate, &desc, NULL, &error), &error);
    return gate;
}

/* A gate over all rows; x or h is NULL where the gate has no such half. Asking for the workspace each time is simple; a
 * real program would do it once. */
static void run_gate(const gru_gate *gate, const float *in, const float *h, float *out)
{
    gru_error error;
    size_t bytes;
    must(gru_gate_workspace_bytes(gate, ROWS, &bytes, &error), &error);
    void *workspace = malloc(bytes);
    must(gru_gate_run(gate, ROWS, in, INPUT, h, HIDDEN, out, HIDDEN, workspace, bytes, &error), &error);
    free(workspace);
}

/* The whole sequence from blocks. The states start at zero and end in h. */
static void run_composed(enum gru_reset reset, float *h)
{
    enum { COUNT = ROWS * HIDDEN };
    float r[COUNT], z[COUNT], n[COUNT], s[COUNT], ax[COUNT];
    const gru_backend *backend;
    gru_error error;
    must(gru_backend_find(&backend, NULL, &error), &error);
    gru_gate *reset_gate = make_gate(GRU_R, INPUT, HIDDEN, GRU_ACTIVATION_SIGMOID);
    gru_gate *update_gate = make_gate(GRU_Z, INPUT, HIDDEN, GRU_ACTIVATION_SIGMOID);
    gru_gate *candidate = make_gate(GRU_N, INPUT, HIDDEN, GRU_ACTIVATION_TANH);
    gru_gate *candidate_x = make_gate(GRU_N, INPUT, 0, GRU_ACTIVATION_IDENTITY);
    gru_gate *candidate_h = make_gate(GRU_N, 0, HIDDEN, GRU_ACTIVATION_IDENTITY);
    memset(h, 0, sizeof r);
    for (size_t t = 0; t < STEPS; t++) {
        run_gate(reset_gate, x[t], h, r);
        run_gate(update_gate, x[t], h, z);
        if (reset == GRU_RESET_BEFORE) { /* n = tanh(W x + bx + U (r * h) + bh) */
            for (size_t i = 0; i < COUNT; i++) {
                s[i] = r[i] * h[i];
            }
            run_gate(candidate, x[t], s, n);
        } else { /* n = tanh(W x + bx + r * (U h + bh)), where the product and the sum are one fma */
            run_gate(candidate_x, x[t], NULL, ax);
            run_gate(candidate_h, NULL, h, n);
            for (size_t i = 0; i < COUNT; i++) {
                n[i] = fmaf(r[i], n[i], ax[i]);
            }
            must(gru_tanh(backend, GRU_TIER_FAST, COUNT, n, n, &error), &error);
        }
        must(gru_update_blend(backend, GRU_UPDATE_KEEP, COUNT, z, h, n, h, &error), &error);
    }
    gru_gate_destroy(reset_gate);
    gru_gate_destroy(update_gate);
    gru_gate_destroy(candidate);
    gru_gate_destroy(candidate_x);
    gru_gate_destroy(candidate_h);
}

static void run_layer(enum gru_reset reset, float *h)
{
    gru_desc desc = {.size = sizeof desc, .input = INPUT, .hidden = HIDDEN, .reset = reset, .bias = GRU_BIAS_SIX};
    gru_weights weights = {.size = sizeof weights};
    for (int g = 0; g < 3; g++) {
        weights.w[g] = (gru_matrix){w[g], INPUT, 1};
        weights.u[g] = (gru_matrix){u[g], HIDDEN, 1};
        weights.bx[g] = (gru_vector){bx[g], 1};
        weights.bh[g] = (gru_vector){bh[g], 1};
    }
    gru_layer *layer;
    gru_error error;
    size_t bytes;
    must(gru_layer_create(&layer, &desc, &weights, NULL, &error), &error);
    must(gru_workspace_bytes(layer, STEPS, ROWS, &bytes, &error), &error);
    void *workspace = malloc(bytes);
    gru_io io = {.size = sizeof io, .steps = STEPS, .rows = ROWS, .x = x[0], .x_step = ROWS * INPUT, .x_row = INPUT};
    io.state.h = h;
    io.state.h_row = HIDDEN;
    must(gru_run(layer, &io, workspace, bytes, &error), &error);
    free(workspace);
    gru_layer_destroy(layer);
}

int main(void)
{
    static float composed[ROWS * HIDDEN], layer[ROWS * HIDDEN];
    static const enum gru_reset resets[] = {GRU_RESET_AFTER, GRU_RESET_BEFORE};
    for (int g = 0; g < 3; g++) {
        fill(w[g], sizeof w[g] / sizeof(float));
        fill(u[g], sizeof u[g] / sizeof(float));
        fill(bx[g], HIDDEN);
        fill(bh[g], HIDDEN);
    }
    fill(x[0], sizeof x / sizeof(float));
    for (size_t i = 0; i < 2; i++) {
        run_composed(resets[i], composed);
        run_layer(resets[i], layer);
        if (memcmp(composed, layer, sizeof layer) != 0 || layer[0] == 0.0f) {
            puts("wrong: the composed GRU differs from gru_layer");
            return 1;
        }
    }
    puts("a GRU from building blocks: the same bits as gru_layer");
    return 0;
}
