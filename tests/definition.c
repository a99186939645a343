/* SPDX-License-Identifier: BSD-2-Clause */
/* definition.c: the operations of a GRU step in the order and with the roundings that the arithmetic prescribes. */
#include "definition.h"
#include "check.h"

#include <math.h>
#include <string.h>

enum { MOST = 512 }; /* units or inputs: room for one row */

/* On the bits, because comparing subnormals as floats is what the rule exists to avoid. NaN and infinity stay. */
float definition_read(float v)
{
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return (bits & 0x7fffffff) < LEAST_BITS ? 0.0f : v;
}

/* One chain: the bias or +0, then one fused multiply-add per element in order. */
static float chain(const float *bias, const float *weights, const float *values, size_t length)
{
    float sum = bias ? definition_read(*bias) : 0.0f;
    for (size_t k = 0; k < length; k++) {
        sum = fmaf(definition_read(weights[k]), values[k], sum);
    }
    return sum;
}

/* The chain of unit j of gate g over the input (x) or the state (h). */
static float chain_x(const problem *p, size_t d, int g, size_t j, const float *x)
{
    return chain(p->bx[d][g] ? &p->bx[d][g][j] : NULL, p->w[d][g] + j * p->shape.input, x, p->shape.input);
}

static float chain_h(const problem *p, size_t d, int g, size_t j, const float *h)
{
    return chain(p->bh[d][g] ? &p->bh[d][g][j] : NULL, p->u[d][g] + j * p->shape.hidden, h, p->shape.hidden);
}

/* Written as two selects, so that a NaN passes. */
static float clip(const problem *p, float v)
{
    float c = p->clip;
    if (c == 0.0f) {
        return v;
    }
    return v < -c ? -c : v > c ? c : v;
}

static enum gru_tier tier_of(const problem *p)
{
    static const enum gru_tier tiers[] = {GRU_TIER_FAST, GRU_TIER_FASTER, GRU_TIER_ACCURATE, GRU_TIER_SLEEF};
    return tiers[p->shape.tier];
}

/* Activations of a whole row in place. The library's arrays don't overlap here but by being the same. */
static void gates(const problem *p, float *v)
{
    size_t H = p->shape.hidden;
    if (!p->shape.hard) {
        gru_sigmoid(check_scalar(), tier_of(p), H, v, v, NULL);
    }
    for (size_t j = 0; j < H; j++) {
        if (p->shape.hard) {
            float line = fmaf(p->alpha, v[j], p->beta);
            v[j] = line < 0.0f ? 0.0f : line > 1.0f ? 1.0f : line;
        }
        v[j] = definition_read(v[j]);
    }
}

static void candidates(const problem *p, float *v)
{
    gru_tanh(check_scalar(), tier_of(p), p->shape.hidden, v, v, NULL);
    for (size_t j = 0; j < p->shape.hidden; j++) {
        v[j] = definition_read(v[j]);
    }
}

static float blend(bool replace, float z, float h, float n)
{
    return definition_read(replace ? fmaf(z, n, fmaf(-z, h, h)) : fmaf(z, h, fmaf(-z, n, n)));
}

/* One step of one row; x and h have been read already. */
static void advance(const problem *p, size_t d, const float *x, float *h, float *r, float *z, float *n)
{
    size_t H = p->shape.hidden;
    bool has_reset = p->shape.reset != RESET_NOTHING;
    float s[MOST];
    for (size_t j = 0; j < H; j++) {
        if (has_reset) {
            r[j] = clip(p, chain_x(p, d, PROBLEM_RESET, j, x) + chain_h(p, d, PROBLEM_RESET, j, h));
        }
        z[j] = clip(p, chain_x(p, d, PROBLEM_UPDATE, j, x) + chain_h(p, d, PROBLEM_UPDATE, j, h));
    }
    if (has_reset) {
        gates(p, r);
    }
    gates(p, z);
    for (size_t j = 0; j < H; j++) {
        s[j] = p->shape.reset == RESET_STATE ? definition_read(r[j] * h[j]) : h[j];
    }
    for (size_t j = 0; j < H; j++) {
        float ax = chain_x(p, d, PROBLEM_CANDIDATE, j, x), ah = chain_h(p, d, PROBLEM_CANDIDATE, j, s);
        n[j] = clip(p, p->shape.reset == RESET_PRODUCT ? fmaf(r[j], ah, ax) : ax + ah);
    }
    candidates(p, n);
    for (size_t j = 0; j < H; j++) {
        h[j] = blend(p->shape.replace, z[j], h[j], n[j]);
    }
}

static void read_all(float *to, const float *from, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        to[i] = from ? definition_read(from[i]) : 0.0f;
    }
}

/* A row in one direction. `i` counts computed steps, `t` is where the step's x stands. */
static void solve(const problem *p, size_t b, size_t d, answer *a)
{
    size_t H = p->shape.hidden, length = problem_length(p, b), from = at_state(p, b, d);
    int reverse = p->shape.way == WAY_REVERSE || d > 0;
    float x[MOST], h[MOST];
    read_all(h, p->h0 ? p->h0 + from : NULL, H);
    for (size_t i = 0; i < length; i++) {
        size_t t = reverse ? length - 1 - i : i, out = reverse && p->shape.computed_order ? i : t;
        if (p->mask && p->mask[t * p->shape.rows + b]) {
            read_all(h, p->reset_to ? p->reset_to + from : NULL, H);
        }
        read_all(x, p->x + at_x(p, t, b), p->shape.input);
        size_t g = at_gate(p, out, b, d);
        advance(p, d, x, h, a->gates[0] + g, a->gates[1] + g, a->gates[2] + g);
        float *y = a->y + at_y(p, out, b, d);
        for (size_t j = 0; j < H; j++) {
            y[j] = p->shape.way == WAY_BOTH_SUM && d > 0 ? y[j] + h[j] : h[j];
        }
    }
    memcpy(a->last + from, h, H * sizeof(float));
}

answer definition_solve(const problem *p)
{
    answer a = answer_make(p);
    memset(a.y, 0, count_y(p) * sizeof(float));
    for (int g = 0; g < 3; g++) {
        memset(a.gates[g], 0, count_gate(p) * sizeof(float));
    }
    if (CHECK(p->shape.hidden <= MOST && p->shape.input <= MOST, "sizes up to %d", (int)MOST)) {
        for (size_t b = 0; b < p->shape.rows; b++) {
            for (size_t d = 0; d < p->directions; d++) {
                solve(p, b, d, &a);
            }
        }
    }
    return a;
}
