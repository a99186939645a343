/* SPDX-License-Identifier: BSD-2-Clause */
/* sweep_exact.c: sigmoid and tanh as they should be: in double for all inputs, by MPFR where double can't tell. */
#include "sweep.h"

#include <math.h>

#ifdef GRU_TESTS_MPFR
#include <mpfr.h>
#endif

/* A subnormal input counts as zero: that is what the activations promise. */
static double argument(float x)
{
    return fabsf(x) < 0x1p-126f ? 0.0 : (double)x;
}

/* Each branch leaves out only what is far below the last bit of a double, or (sigmoid below -120) below any float. */
static double exact_value(int function, float input)
{
    double x = argument(input), a = fabs(x);
    if (function == SWEEP_TANH)
        return a < 0x1p-13 ? x - x * x * x / 3.0 : a > 20.0 ? copysign(1.0, x) : tanh(x);
    if (a < 0x1p-30)
        return 0.5 + x / 4.0;
    if (x < -45.0)
        return x < -120.0 ? 0.0 : exp(x);
    return x > 45.0 ? 1.0 : 1.0 / (1.0 + exp(-x));
}

void exact_fill(int function, struct chunk *c)
{
    for (size_t i = 0; i < c->count; i++) {
        c->exact[i] = exact_value(function, c->x[i]);
        c->rounded[i] = (float)c->exact[i];
    }
    /* 2^(23 - exponent), put together from the bits: the C library's way would take longer than all that is
     * measured. */
    for (size_t i = 0; i < c->count; i++) {
        uint64_t exact, per_ulp;
        memcpy(&exact, &c->exact[i], sizeof exact);
        per_ulp = exact << 1 ? (2069 - (exact >> 52 & 0x7ff)) << 52 : 0;
        memcpy(&c->per_ulp[i], &per_ulp, sizeof per_ulp);
    }
}

#ifdef GRU_TESTS_MPFR

enum { DIGITS = 160 };

bool exact_known(void)
{
    return true;
}

/* The caller clears v. */
static void exact_mpfr(mpfr_t v, int function, float x)
{
    mpfr_init2(v, DIGITS);
    mpfr_set_d(v, function == SWEEP_TANH ? argument(x) : -argument(x), MPFR_RNDN);
    if (function == SWEEP_TANH) {
        mpfr_tanh(v, v, MPFR_RNDN);
    } else {
        mpfr_exp(v, v, MPFR_RNDN);
        mpfr_add_ui(v, v, 1, MPFR_RNDN);
        mpfr_ui_div(v, 1, v, MPFR_RNDN);
    }
}

/* |v - y|, also times 2^-place. Clears v. */
static struct error difference(mpfr_t v, double y, long place)
{
    struct error e;
    mpfr_sub_d(v, v, y, MPFR_RNDN);
    e.absolute = fabs(mpfr_get_d(v, MPFR_RNDN));
    mpfr_mul_2si(v, v, -place, MPFR_RNDN);
    e.ulp = fabs(mpfr_get_d(v, MPFR_RNDN));
    mpfr_clear(v);
    return e;
}

/* The place of a float's last bit: MPFR's exponent is that of a mantissa in [1/2, 1). */
static long last_place(mpfr_t v)
{
    return mpfr_zero_p(v) ? 0 : mpfr_get_exp(v) - 24;
}

struct error exact_error(int function, float x, float y)
{
    mpfr_t v;
    exact_mpfr(v, function, x);
    return difference(v, (double)y, last_place(v));
}

bool exact_agrees(int function, const struct chunk *c, size_t i)
{
    mpfr_t v;
    if (c->x[i] != c->x[i])
        return c->exact[i] != c->exact[i];
    exact_mpfr(v, function, c->x[i]);
    bool counts = mpfr_cmp_d(v, 0x1p-126) > 0; /* smaller results of sigmoid are called 0 */
    struct error e = difference(v, c->exact[i], last_place(v));
    return e.ulp <= 0x1p-27 || (!counts && e.absolute < 0x1p-126);
}

#else

bool exact_known(void)
{
    return false;
}

bool exact_agrees(int function, const struct chunk *c, size_t i)
{
    (void)function, (void)c, (void)i;
    return false;
}

struct error exact_error(int function, float x, float y)
{
    (void)function, (void)x, (void)y;
    return (struct error){INFINITY, INFINITY};
}

#endif
