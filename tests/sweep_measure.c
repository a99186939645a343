/* SPDX-License-Identifier: BSD-2-Clause */
/* sweep_measure.c: what a sweep looks for in one chunk of results: bits, rules, order, errors. */
#include "sweep.h"

#include <math.h>

#include "backend.h"

/* A result below the floor may also be 0: its ULPs mean nothing, its absolute error is measured all the same. */
static const double sigmoid_floors[GRU_TIERS] = {0x1p-61, 0x1p-20, 0x1p-125, 0x1p-125};
static const double sigmoid_small = 0x1p-20;

/* Errors nearer to each other than this are left to MPFR. Double's own error is below 2^-27 ULP, 7e-9. */
static const double tie_ulp = 1e-6;
static const double tie_absolute = 0x1p-24 * 1e-6;

void measure_hash(struct block *b, const struct chunk *c, const float *y)
{
    uint64_t h[SWEEP_HASH_LANES];
    memcpy(h, b->lanes, sizeof h);
    for (size_t i = 0; i < c->count; i += SWEEP_HASH_LANES)
        for (size_t k = 0; k < SWEEP_HASH_LANES && i + k < c->count; k++) {
            h[k] ^= bits_of(y[i + k]);
            h[k] = (h[k] << 29 | h[k] >> 35) * UINT64_C(0x9e3779b97f4a7c15);
        }
    memcpy(b->lanes, h, sizeof h);
}

/* A rule that has no tolerance: NaN, bounds, signs, what zeros, subnormals and infinities give. */
static bool breaks_a_rule(int function, float x, float y)
{
    if (x != x || y != y)
        return (x == x) != (y == y);
    if (fabsf(x) < 0x1p-126f)
        return function == SWEEP_TANH ? bits_of(y) != (bits_of(x) & 0x80000000u) : y != 0.5f;
    if (y != 0.0f && fabsf(y) < 0x1p-126f)
        return true;
    if (function == SWEEP_TANH)
        return fabsf(y) > 1.0f || signbit(y) != signbit(x) || (isinf(x) && fabsf(y) != 1.0f);
    return y < 0.0f || y > 1.0f || signbit(y) || (isinf(x) && y != (x > 0.0f ? 1.0f : 0.0f));
}

/* The same for a normal x, without a branch: a result past 1, NaN, subnormal or of the wrong sign. */
static uint32_t breaks_when_normal(uint32_t sign, float y)
{
    uint32_t b = bits_of(y) ^ sign;
    return (uint32_t)(b > 0x3f800000) | (uint32_t)(b - 1 < 0x007fffff);
}

void measure_rules(struct block *f, int function, const struct chunk *c, const float *y)
{
    uint32_t first = bits_of(c->x[0]), last = bits_of(c->x[c->count - 1]) & 0x7fffffff, broken = 0;
    uint32_t sign = function == SWEEP_TANH ? first & 0x80000000 : 0;
    for (size_t i = 0; i < c->count; i++)
        broken += breaks_when_normal(sign, y[i]);
    if (broken == 0 && (first & 0x7fffffff) >= 0x00800000 && last < 0x7f800000)
        return;
    for (size_t i = 0; i < c->count; i++)
        if (breaks_a_rule(function, c->x[i], y[i]) && f->broken++ == 0)
            f->broken_at = c->x[i];
}

/* With the sign of the block the bit patterns run away from zero, so a step back is one towards the value at zero. */
void measure_order(struct block *f, const struct chunk *c, const float *y)
{
    float away = signbit(c->x[0]) ? -1.0f : 1.0f;
    int backs = f->any && away * (y[0] - f->last) < 0.0f;
    for (size_t i = 1; i < c->count; i++) /* compared, not subtracted: a subnormal difference would cost 100 cycles */
        backs += away > 0.0f ? y[i] < y[i - 1] : y[i] > y[i - 1];
    for (size_t i = 0; backs > 0 && i < c->count; i++) {
        float step = i > 0 ? away * (y[i] - y[i - 1]) : f->any ? away * (y[0] - f->last) : 0.0f;
        if (step < 0.0f)
            figures_step_back(&f->back, &f->backs, -step, c->x[i]);
    }
    if (!f->any)
        f->first = y[0], f->first_at = c->x[0];
    f->any = true;
    f->last = y[c->count - 1];
}

/* Whether any error comes near to the worst so far, in a loop that compilers vectorise. */
static bool any_near(const struct block *f, double floor, double small, const struct chunk *c, const float *y)
{
    double worst = f->absolute.value - tie_absolute, worst_ulp = f->ulp.value - tie_ulp;
    double worst_small = f->small.value - tie_ulp;
    int64_t found = 0;
    for (size_t i = 0; i < c->count; i++) {
        double exact = c->exact[i], error = fabs((double)y[i] - exact), ulp = error * c->per_ulp[i];
        found |= -(int64_t)(error > worst) | (-(int64_t)(ulp > worst_ulp) & -(int64_t)(fabs(exact) >= small)) |
                 (-(int64_t)(ulp > worst_small) & -(int64_t)(exact < small) & -(int64_t)(exact >= floor));
    }
    return found != 0;
}

/* A new worst that leaves the old one far behind begins the list of ties anew; one that doesn't joins it. */
static void note(struct worst *w, double value, double tie, float at, float result)
{
    if (!(value > w->value - tie))
        return;
    if (value > w->value + tie)
        w->found = 0;
    if (value > w->value)
        w->value = value;
    if (w->found < SWEEP_TIES)
        w->at[w->found] = at, w->results[w->found] = result;
    w->found++;
}

/* The few errors that come near to the worst so far are noted one by one. Where all results are the exact ones rounded,
 * as in the limits and near 0, the errors are half an ulp at most, which is nobody's worst. */
void measure_errors(struct block *f, int function, size_t tier, const struct chunk *c, const float *y)
{
    double floor = function == SWEEP_TANH ? 0.0 : sigmoid_floors[tier];
    double small = function == SWEEP_TANH ? 0.0 : sigmoid_small;
    if (memcmp(y, c->rounded, c->count * sizeof *y) == 0 || !any_near(f, floor, small, c, y))
        return;
    for (size_t i = 0; i < c->count; i++) {
        double exact = c->exact[i], error = fabs((double)y[i] - exact), ulp = error * c->per_ulp[i];
        note(&f->absolute, error, tie_absolute, c->x[i], y[i]);
        if (fabs(exact) >= small)
            note(&f->ulp, ulp, tie_ulp, c->x[i], y[i]);
        else if (exact >= floor)
            note(&f->small, ulp, tie_ulp, c->x[i], y[i]);
    }
}
