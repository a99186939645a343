/* SPDX-License-Identifier: BSD-2-Clause */
/* oracle.c: the GRU's equations as they stand in papers, in double, and the error analysis of their fp32 version. */
#include "oracle.h"
#include "check.h"

#include <math.h>
#include <string.h>

/*
 * The bound. Every value travels with a bound E of the difference to the fp32 result, and each operation passes it on
 * (a running error analysis: Higham, Accuracy and Stability of Numerical Algorithms, chapter 3). With u = 2^-24:
 *
 *   chain of L fused steps   s = b + sum w[k] v[k]:  E = sum |w| E(v) + g(L) (|b| + sum |w| (|v| + E(v))),
 *                            g(L) = L u / (1 - L u): each partial sum is rounded once, so a term at most L times
 *   read as zero             an operand below o = 2^LEAST_EXPONENT counts for nothing: a product may lose o (|w| + |v|),
 *                            each bias, gate or state o (a state that no step has changed, exactly itself)
 *   sum of two chains        E = E(a) + E(b) + u |a + b|
 *   clip                     moves two numbers no farther apart: E stays
 *   activation f             E = max |f'| over [v - E(v), v + E(v)] times E(v), plus the tier's own error;
 *                            sigmoid' <= min(1/4, exp(-|v|)), tanh' = 1 - tanh^2
 *   r * a                    E = r E(a) + |a| E(r) + E(r) E(a) + u |r a|
 *   z a + (1 - z) b          E = z E(a) + (1 - z) E(b) + |a - b| E(z) + E(z) (E(a) + E(b)) + u (|b| + |result|) for its
 *                            two roundings
 *
 * Since E(h) goes back into the next step's chain, propagation through T steps is part of it: there is no separate
 * guess of a Lipschitz constant. Terms of order u E are covered by taking u a little larger than it is. The double
 * arithmetic here adds less than 2^-50 of each sum, which that covers as well.
 */
#define UNIT (0x1p-24 * 1.001)
#define ZERO_BELOW ldexp(1.0, LEAST_EXPONENT)

/* The absolute error that each tier promises for sigmoid and tanh. */
static const double tier_error[PROBLEM_TIERS] = {4e-7, 5e-5, 1.2e-7, 1.2e-7};

static estimate exactly(double value)
{
    return (estimate){value, 0.0};
}

/* b + w v, one row of a matrix times a vector. */
static estimate dot(const float *bias, const float *w, const estimate *v, size_t length)
{
    double sum = bias ? (double)*bias : 0.0, size = fabs(sum), error = ZERO_BELOW;
    for (size_t k = 0; k < length; k++) {
        double weight = (double)w[k];
        sum += weight * v[k].value;
        size += fabs(weight) * (fabs(v[k].value) + v[k].error);
        error += fabs(weight) * v[k].error + ZERO_BELOW * (fabs(weight) + fabs(v[k].value));
    }
    double steps = (double)length * UNIT;
    return (estimate){sum, error + steps / (1.0 - steps) * size};
}

static estimate plus(estimate a, estimate b)
{
    double error = a.error + b.error;
    return (estimate){a.value + b.value, error + UNIT * (fabs(a.value + b.value) + error)};
}

static estimate times(estimate a, estimate b)
{
    double error = fabs(a.value) * b.error + fabs(b.value) * a.error + a.error * b.error;
    return (estimate){a.value * b.value, error + UNIT * (fabs(a.value * b.value) + error) + ZERO_BELOW};
}

static estimate clipped(const problem *p, estimate v)
{
    double limit = (double)p->clip;
    return limit > 0.0 ? (estimate){fmax(-limit, fmin(limit, v.value)), v.error} : v;
}

static estimate gate(const problem *p, estimate v)
{
    v = clipped(p, v);
    if (p->shape.hard) {
        double alpha = (double)p->alpha, beta = (double)p->beta, line = alpha * v.value + beta;
        double error = alpha * v.error + 2.0 * UNIT * (alpha * (fabs(v.value) + v.error) + beta);
        return (estimate){fmin(1.0, fmax(0.0, line)), error + ZERO_BELOW};
    }
    double slope = fmin(0.25, exp(-fmax(0.0, fabs(v.value) - v.error)));
    return (estimate){1.0 / (1.0 + exp(-v.value)), slope * v.error + tier_error[p->shape.tier] + ZERO_BELOW};
}

static estimate candidate(const problem *p, estimate v)
{
    v = clipped(p, v);
    double nearest = tanh(fmax(0.0, fabs(v.value) - v.error));
    double error = (1.0 - nearest * nearest) * v.error + tier_error[p->shape.tier] + ZERO_BELOW;
    return (estimate){tanh(v.value), error};
}

/* z a + (1 - z) b */
static estimate mix(estimate z, estimate a, estimate b)
{
    double value = z.value * a.value + (1.0 - z.value) * b.value;
    double error = z.value * a.error + (1.0 - z.value) * b.error + fabs(a.value - b.value) * z.error +
                   z.error * (a.error + b.error);
    return (estimate){value, error + UNIT * (fabs(b.value) + b.error + fabs(value) + error) + ZERO_BELOW};
}

/* One step of one row: h becomes the new state, gates receive r, z, n. */
static void step(const problem *p, size_t d, const float *x, estimate *h, estimate *const gates[3])
{
    enum { MAX = 512 };
    size_t I = p->shape.input, H = p->shape.hidden;
    estimate input[MAX], scaled[MAX];
    if (!CHECK(I <= MAX && H <= MAX, "the oracle is for sizes up to %d", (int)MAX)) {
        return;
    }
    for (size_t k = 0; k < I; k++) {
        input[k] = exactly((double)x[k]);
    }
    for (size_t j = 0; j < H; j++) {
        for (int g = PROBLEM_RESET; g <= PROBLEM_UPDATE; g++) {
            if (p->w[d][g] == NULL) {
                gates[g][j] = exactly(1.0);
                continue;
            }
            estimate from_x = dot(p->bx[d][g] ? p->bx[d][g] + j : NULL, p->w[d][g] + j * I, input, I);
            estimate from_h = dot(p->bh[d][g] ? p->bh[d][g] + j : NULL, p->u[d][g] + j * H, h, H);
            gates[g][j] = gate(p, plus(from_x, from_h));
        }
        scaled[j] = p->shape.reset == RESET_STATE ? times(gates[PROBLEM_RESET][j], h[j]) : h[j];
    }
    const int n = PROBLEM_CANDIDATE;
    for (size_t j = 0; j < H; j++) {
        estimate from_x = dot(p->bx[d][n] ? p->bx[d][n] + j : NULL, p->w[d][n] + j * I, input, I);
        estimate from_h = dot(p->bh[d][n] ? p->bh[d][n] + j : NULL, p->u[d][n] + j * H, scaled, H);
        if (p->shape.reset == RESET_PRODUCT) {
            from_h = times(gates[PROBLEM_RESET][j], from_h);
        }
        gates[n][j] = candidate(p, plus(from_x, from_h));
    }
    for (size_t j = 0; j < H; j++) {
        estimate z = gates[PROBLEM_UPDATE][j], new = gates[n][j];
        h[j] = p->shape.replace ? mix(z, new, h[j]) : mix(z, h[j], new);
    }
}

static void load_state(const problem *p, const float *from, size_t row, size_t d, estimate *h)
{
    for (size_t j = 0; j < p->shape.hidden; j++) {
        double value = from ? (double)from[at_state(p, row, d) + j] : 0.0;
        h[j] = (estimate){value, fabs(value) < ZERO_BELOW ? fabs(value) : 0.0};
    }
}

/* One direction of one row: the positions of x in the order in which the row visits them. */
static void solve_row(const problem *p, size_t row, size_t d, oracle_answer *a)
{
    size_t H = p->shape.hidden, length = problem_length(p, row);
    bool backwards = p->shape.way == WAY_REVERSE || d == 1;
    estimate *h = a->last + at_state(p, row, d);
    load_state(p, p->h0, row, d, h);
    for (size_t done = 0; done < length; done++) {
        size_t position = backwards ? length - 1 - done : done;
        size_t written = backwards && p->shape.computed_order ? done : position;
        if (p->mask && p->mask[position * p->shape.rows + row] != 0) {
            load_state(p, p->reset_to, row, d, h);
        }
        size_t at = at_gate(p, written, row, d);
        estimate *const gates[3] = {a->gates[0] + at, a->gates[1] + at, a->gates[2] + at};
        step(p, d, p->x + at_x(p, position, row), h, gates);
        estimate *y = a->y + at_y(p, written, row, d);
        for (size_t j = 0; j < H; j++) {
            y[j] = p->shape.way == WAY_BOTH_SUM && d == 1 ? plus(y[j], h[j]) : h[j];
        }
    }
}

/* Zeros: what stands past a row's end. */
static estimate *estimates(size_t n)
{
    estimate *array = guarded_bytes(n * sizeof *array, GUARD_AFTER, 0);
    memset(array, 0, n * sizeof *array);
    return array;
}

oracle_answer oracle_solve(const problem *p)
{
    oracle_answer a = {estimates(count_y(p)), estimates(count_last(p)), {NULL}};
    for (int g = 0; g < 3; g++) {
        a.gates[g] = estimates(count_gate(p));
    }
    for (size_t d = 0; d < p->directions; d++) {
        for (size_t row = 0; row < p->shape.rows; row++) {
            solve_row(p, row, d, &a);
        }
    }
    return a;
}

static double check_part(const problem *p, const estimate *want, const float *got, size_t n, const char *part,
                         const char *what)
{
    double largest = 0.0;
    for (size_t i = 0; got != NULL && i < n; i++) {
        double difference = fabs((double)got[i] - want[i].value);
        largest = fmax(largest, want[i].error);
        if (!(difference <= want[i].error)) {
            CHECK(false, "%s, %s: %s[%zu] is %.9g, the oracle's %.9g, bound %.3g", problem_text(p), what, part, i,
                  (double)got[i], want[i].value, want[i].error);
            return largest;
        }
    }
    CHECK(true, "within the bound");
    return largest;
}

double oracle_check(const problem *p, const oracle_answer *want, const answer *got, const char *what)
{
    static const char *const names[3] = {"r", "z", "n"};
    double largest = check_part(p, want->y, got->y, count_y(p), "y", what);
    largest = fmax(largest, check_part(p, want->last, got->last, count_last(p), "last", what));
    for (int g = p->shape.reset == RESET_NOTHING; g < 3; g++) {
        largest = fmax(largest, check_part(p, want->gates[g], got->gates[g], count_gate(p), names[g], what));
    }
    return largest;
}
