/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plain.c: a GRU as loops, in two builds: with PEER_BLAS the products are OpenBLAS's (gates in one matrix, the
 * input half of a sequence as one GEMM), else they are loops that the compiler vectorises at -O3 -march=native
 * -ffast-math. Weights are kept transposed, [K][3H], so that the inner loop runs over units.
 */
#include "peer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#ifdef PEER_BLAS
#include <cblas.h>
#endif

static struct peer_cell cell;
static float *wt, *ut, *ax, *ah, *s;

static float *transposed(const float *m, size_t rows, size_t columns)
{
    float *t = malloc(rows * columns * sizeof *t);
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < columns; c++)
            t[c * rows + r] = m[r * columns + c];
    return t;
}

/* out [rows][width] += x [rows][k] t [k][stride], of which `width` columns from t on count. */
static void multiply(float *restrict out, size_t out_row, const float *restrict x, size_t rows, size_t k,
                     const float *restrict t, size_t stride, size_t width)
{
#ifdef PEER_BLAS
    if (rows == 1)
        cblas_sgemv(CblasRowMajor, CblasTrans, (int)k, (int)width, 1.0f, t, (int)stride, x, 1, 1.0f, out, 1);
    else
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, (int)rows, (int)width, (int)k, 1.0f, x, (int)k, t,
                    (int)stride, 1.0f, out, (int)out_row);
#else
    for (size_t r = 0; r < rows; r++)
        for (size_t i = 0; i < k; i++) {
            float value = x[r * k + i];
            for (size_t j = 0; j < width; j++)
                out[r * out_row + j] += value * t[i * stride + j];
        }
#endif
}

static void fill_bias(float *out, const float *bias, size_t rows, size_t width)
{
    for (size_t r = 0; r < rows; r++)
        memcpy(out + r * width, bias, width * sizeof *out);
}

static inline float sigmoid(float v)
{
    return 1.0f / (1.0f + expf(-v));
}

/* A step from the input's sums on. Before the reset the product has two gates, then the third over s. */
static void step(const float *from, float *to, const float *gates)
{
    size_t H = cell.hidden, B = cell.batch;
    fill_bias(ah, cell.bh, B, 3 * H);
    multiply(ah, 3 * H, from, B, H, ut, 3 * H, cell.before ? 2 * H : 3 * H);
    if (cell.before) {
        for (size_t b = 0; b < B; b++)
            for (size_t j = 0; j < H; j++)
                s[b * H + j] = sigmoid(gates[b * 3 * H + j] + ah[b * 3 * H + j]) * from[b * H + j];
        multiply(ah + 2 * H, 3 * H, s, B, H, ut + 2 * H, 3 * H, H);
    }
    for (size_t b = 0; b < B; b++) {
        const float *restrict g = gates + b * 3 * H;
        const float *restrict a = ah + b * 3 * H;
        for (size_t j = 0; j < H; j++) {
            float r = cell.before ? 1.0f : sigmoid(g[j] + a[j]);
            float z = sigmoid(g[H + j] + a[H + j]);
            float n = tanhf(g[2 * H + j] + r * a[2 * H + j]);
            to[b * H + j] = n + z * (from[b * H + j] - n);
        }
    }
}

static const char *plain_open(const struct peer_cell *opened)
{
    cell = *opened;
    if (cell.threads > 1)
        return "one thread only";
    wt = transposed(cell.w, 3 * cell.hidden, cell.input);
    ut = transposed(cell.u, 3 * cell.hidden, cell.hidden);
    ax = malloc(cell.steps * cell.batch * 3 * cell.hidden * sizeof *ax);
    ah = malloc(cell.batch * 3 * cell.hidden * sizeof *ah);
    s = malloc(cell.batch * cell.hidden * sizeof *s);
    return wt && ut && ax && ah && s ? NULL : "out of memory";
}

static void plain_run(void)
{
    size_t rows = cell.steps * cell.batch;
    fill_bias(ax, cell.bx, rows, 3 * cell.hidden);
    multiply(ax, 3 * cell.hidden, cell.x, rows, cell.input, wt, 3 * cell.hidden, 3 * cell.hidden);
    if (cell.steps == 1) {
        step(cell.h, cell.h, ax);
        return;
    }
    const float *from = cell.h0;
    size_t state = cell.batch * cell.hidden;
    for (size_t t = 0; t < cell.steps; t++) {
        step(from, cell.y + t * state, ax + t * state * 3);
        from = cell.y + t * state;
    }
    memcpy(cell.h, from, state * sizeof *from);
}

static void plain_close(void)
{
    free(wt);
    free(ut);
    free(ax);
    free(ah);
    free(s);
}

int main(void)
{
    const struct peer peer = {plain_open, plain_run, plain_close, NULL};
    return peer_serve(&peer);
}
