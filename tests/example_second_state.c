/* SPDX-License-Identifier: BSD-2-Clause */
/* example_second_state.c: a GRU that carries a second state, moved by the same update gate, with weights of its own. */
#include <gru.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 *     h' = GRU(x, h), whose update gate is z          c' = (1 - z) * c + z * tanh(Wc x + Uc c + bc)
 *
 * The GRU is a gru_layer, which writes its z of each step where it is told. The second state is one packed gate and one
 * fused update a step.
 */
enum { INPUT = 9, HIDDEN = 33, STEPS = 8 };

static float w_ih[3 * HIDDEN * INPUT], w_hh[3 * HIDDEN * HIDDEN], b_ih[3 * HIDDEN], b_hh[3 * HIDDEN];
static float wc[HIDDEN * INPUT], uc[HIDDEN * HIDDEN], bc[HIDDEN];
static float x[STEPS][INPUT], h[STEPS][HIDDEN], z[STEPS][HIDDEN], c[STEPS][HIDDEN];

static void must(enum gru_status status, const gru_error *error)
{
    if (status != GRU_OK) {
        fprintf(stderr, "%s\n", error->text);
        exit(1);
    }
}

/* All steps of the GRU, with h and z of each. */
static void run_gru(void)
{
    gru_desc desc = {.size = sizeof desc, .input = INPUT, .hidden = HIDDEN, .bias = GRU_BIAS_SIX};
    desc.update = GRU_UPDATE_KEEP;
    gru_weights weights = {.size = sizeof weights};
    gru_layer *layer;
    gru_error error;
    size_t bytes;
    must(gru_weights_pytorch(&weights, &desc, w_ih, w_hh, b_ih, b_hh, &error), &error);
    must(gru_layer_create(&layer, &desc, &weights, NULL, &error), &error);
    must(gru_workspace_bytes(layer, STEPS, 1, &bytes, &error), &error);
    void *workspace = malloc(bytes);
    gru_io io = {.size = sizeof io, .steps = STEPS, .rows = 1, .x = x[0], .x_step = INPUT, .y = h[0], .y_step = HIDDEN};
    io.state.gates[GRU_Z] = z[0];
    io.state.gates_step = HIDDEN;
    must(gru_run(layer, &io, workspace, bytes, &error), &error);
    free(workspace);
    gru_layer_destroy(layer);
}

/* The second state, step by step from zero. */
static void run_second_state(void)
{
    const gru_backend *backend;
    gru_gate *gate;
    gru_error error;
    size_t bytes;
    float state[HIDDEN] = {0}, candidate[HIDDEN];
    gru_gate_desc desc = {.size = sizeof desc,
                          .units = HIDDEN,
                          .inputs = INPUT,
                          .states = HIDDEN,
                          .activation = GRU_ACTIVATION_TANH,
                          .w = {wc, INPUT, 1},
                          .u = {uc, HIDDEN, 1},
                          .bx = {bc, 1}};
    must(gru_backend_find(&backend, NULL, &error), &error);
    must(gru_gate_create(&gate, &desc, NULL, &error), &error);
    must(gru_gate_workspace_bytes(gate, 1, &bytes, &error), &error);
    void *workspace = malloc(bytes);
    for (size_t t = 0; t < STEPS; t++) {
        must(gru_gate_run(gate, 1, x[t], INPUT, state, HIDDEN, candidate, HIDDEN, workspace, bytes, &error), &error);
        must(gru_update_blend(backend, GRU_UPDATE_REPLACE, HIDDEN, z[t], state, candidate, state, &error), &error);
        memcpy(c[t], state, sizeof state);
    }
    free(workspace);
    gru_gate_destroy(gate);
}

/* --- The same in double, to check it --------------------------------------------------------------- */

static double dot(const float *row, const double *v, size_t n)
{
    double sum = 0.0;
    for (size_t k = 0; k < n; k++) {
        sum += (double)row[k] * v[k];
    }
    return sum;
}

/* PyTorch's equations; gates r, z, n one after the other in its matrices. */
static void step_in_double(const double *in, double *state, double *second, double *update)
{
    double next[HIDDEN], next_second[HIDDEN];
    for (size_t j = 0; j < HIDDEN; j++) {
        double a[3], b[3];
        for (size_t g = 0; g < 3; g++) {
            size_t row = g * HIDDEN + j;
            a[g] = (double)b_ih[row] + dot(w_ih + row * INPUT, in, INPUT);
            b[g] = (double)b_hh[row] + dot(w_hh + row * HIDDEN, state, HIDDEN);
        }
        double r = 1.0 / (1.0 + exp(-a[0] - b[0])), n = tanh(a[2] + r * b[2]);
        update[j] = 1.0 / (1.0 + exp(-a[1] - b[1]));
        next[j] = update[j] * state[j] + (1.0 - update[j]) * n;
        double own = tanh((double)bc[j] + dot(wc + j * INPUT, in, INPUT) + dot(uc + j * HIDDEN, second, HIDDEN));
        next_second[j] = (1.0 - update[j]) * second[j] + update[j] * own;
    }
    memcpy(state, next, sizeof next);
    memcpy(second, next_second, sizeof next_second);
}

/* The larger of `most` and the distances of two arrays; NaN if there is one. */
static double distance(double most, const float *got, const double *want)
{
    for (size_t j = 0; j < HIDDEN; j++) {
        double apart = fabs((double)got[j] - want[j]);
        most = isnan(apart) || apart > most ? apart : most;
    }
    return most;
}

static void fill(float *array, size_t n, float range)
{
    static unsigned state = 1;
    for (size_t k = 0; k < n; k++) {
        state = state * 1664525u + 1013904223u;
        array[k] = ((float)(state >> 8) / 8388608.0f - 1.0f) * range;
    }
}

int main(void)
{
    fill(w_ih, 3 * HIDDEN * INPUT, 0.4f);
    fill(w_hh, 3 * HIDDEN * HIDDEN, 0.2f);
    fill(b_ih, 3 * HIDDEN, 0.5f);
    fill(b_hh, 3 * HIDDEN, 0.5f);
    fill(wc, HIDDEN * INPUT, 0.4f);
    fill(uc, HIDDEN * HIDDEN, 0.2f);
    fill(bc, HIDDEN, 0.5f);
    fill(x[0], STEPS * INPUT, 1.0f);
    run_gru();
    run_second_state();

    double state[HIDDEN] = {0}, second[HIDDEN] = {0}, update[HIDDEN], in[INPUT], most = 0.0;
    for (size_t t = 0; t < STEPS; t++) {
        for (size_t k = 0; k < INPUT; k++) {
            in[k] = (double)x[t][k];
        }
        step_in_double(in, state, second, update);
        most = distance(most, h[t], state);
        most = distance(most, z[t], update);
        most = distance(most, c[t], second);
    }
    printf("a GRU with a second state: at most %.1e from the equations in double\n", most);
    return !(most < 1e-5 && c[STEPS - 1][0] != 0.0f);
}
