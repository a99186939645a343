/* SPDX-License-Identifier: BSD-2-Clause */
/* example_forget_gates.c: a GRU with input and forget gates beside z, composed from building blocks. */
#include <gru.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 *     i = sigmoid(Wi x + Ui h + bi)        n = tanh(Wn x + Un h + bn)
 *     f = sigmoid(Wf x + Uf h + bf)        c = f * h + i * n
 *     z = sigmoid(Wz x + Uz h + bz)        h' = z * h + (1 - z) * c
 *
 * Four packed gates, one line of C for c, and the fused update. i, f, z and h of each step are kept.
 */
enum { INPUT = 12, HIDDEN = 29, ROWS = 4, STEPS = 7, COUNT = ROWS * HIDDEN };
enum { GATE_I, GATE_F, GATE_Z, GATE_N, GATES };

typedef struct cell {
    gru_gate *gates[GATES];
    const gru_backend *backend;
    void *workspace;
    size_t bytes;
} cell;

static float w[GATES][HIDDEN * INPUT], u[GATES][HIDDEN * HIDDEN], b[GATES][HIDDEN];

static void must(enum gru_status status, const gru_error *error)
{
    if (status != GRU_OK) {
        fprintf(stderr, "%s\n", error->text);
        exit(1);
    }
}

static void cell_make(cell *c)
{
    gru_error error;
    c->bytes = 0;
    must(gru_backend_find(&c->backend, NULL, &error), &error);
    for (int g = 0; g < GATES; g++) {
        gru_gate_desc desc = {
            .size = sizeof desc,
            .units = HIDDEN,
            .inputs = INPUT,
            .states = HIDDEN,
            .activation = g == GATE_N ? GRU_ACTIVATION_TANH : GRU_ACTIVATION_SIGMOID,
            .backend = c->backend,
            .w = {w[g], INPUT, 1},
            .u = {u[g], HIDDEN, 1},
            .bx = {b[g], 1},
        };
        size_t bytes;
        must(gru_gate_create(&c->gates[g], &desc, NULL, &error), &error);
        must(gru_gate_workspace_bytes(c->gates[g], ROWS, &bytes, &error), &error);
        c->bytes = bytes > c->bytes ? bytes : c->bytes;
    }
    c->workspace = malloc(c->bytes);
}

static void cell_free(cell *c)
{
    for (int g = 0; g < GATES; g++) {
        gru_gate_destroy(c->gates[g]);
    }
    free(c->workspace);
}

/* One step of all rows. i, f and z receive the gates, h is updated in place. */
static void cell_step(const cell *c, const float *x, float *h, float *i, float *f, float *z)
{
    float n[COUNT], *outputs[GATES] = {i, f, z, n};
    gru_error error;
    for (int g = 0; g < GATES; g++) {
        must(gru_gate_run(c->gates[g], ROWS, x, INPUT, h, HIDDEN, outputs[g], HIDDEN, c->workspace, c->bytes, &error),
             &error);
    }
    for (size_t k = 0; k < COUNT; k++) {
        n[k] = fmaf(f[k], h[k], i[k] * n[k]);
    }
    must(gru_update_blend(c->backend, GRU_UPDATE_KEEP, COUNT, z, h, n, h, &error), &error);
}

/* --- The same in double, to check it --------------------------------------------------------------- */

static double gate_in_double(int g, const float *x, const double *h, size_t unit)
{
    double sum = (double)b[g][unit];
    for (size_t k = 0; k < INPUT; k++) {
        sum += (double)w[g][unit * INPUT + k] * (double)x[k];
    }
    for (size_t k = 0; k < HIDDEN; k++) {
        sum += (double)u[g][unit * HIDDEN + k] * h[k];
    }
    return g == GATE_N ? tanh(sum) : 1.0 / (1.0 + exp(-sum));
}

static void row_in_double(const float *x, double *h, double values[GATES][HIDDEN])
{
    for (size_t j = 0; j < HIDDEN; j++) {
        for (int g = 0; g < GATES; g++) {
            values[g][j] = gate_in_double(g, x, h, j);
        }
    }
    for (size_t j = 0; j < HIDDEN; j++) {
        double c = values[GATE_F][j] * h[j] + values[GATE_I][j] * values[GATE_N][j];
        h[j] = values[GATE_Z][j] * h[j] + (1.0 - values[GATE_Z][j]) * c;
    }
}

static void fill(float *array, size_t n, float range)
{
    static unsigned state = 1;
    for (size_t k = 0; k < n; k++) {
        state = state * 1664525u + 1013904223u;
        array[k] = ((float)(state >> 8) / 8388608.0f - 1.0f) * range;
    }
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

int main(void)
{
    static float x[STEPS][ROWS * INPUT], h[COUNT], outputs[STEPS][GATES][COUNT]; /* i, f, z, h */
    static double want_h[ROWS][HIDDEN], values[GATES][HIDDEN];
    for (int g = 0; g < GATES; g++) {
        fill(w[g], HIDDEN * INPUT, 0.4f);
        fill(u[g], HIDDEN * HIDDEN, 0.2f);
        fill(b[g], HIDDEN, 0.5f);
    }
    fill(x[0], STEPS * ROWS * INPUT, 1.0f);

    cell c;
    cell_make(&c);
    for (size_t t = 0; t < STEPS; t++) {
        cell_step(&c, x[t], h, outputs[t][0], outputs[t][1], outputs[t][2]);
        memcpy(outputs[t][3], h, sizeof h);
    }
    cell_free(&c);

    double most = 0.0;
    for (size_t t = 0; t < STEPS; t++) {
        for (size_t row = 0; row < ROWS; row++) {
            row_in_double(x[t] + row * INPUT, want_h[row], values);
            for (int g = 0; g < GATES; g++) {
                most = distance(most, outputs[t][g] + row * HIDDEN, g < 3 ? values[g] : want_h[row]);
            }
        }
    }
    printf("input, forget and update gates: at most %.1e from the equations in double\n", most);
    return !(most < 1e-5 && h[0] != 0.0f);
}
