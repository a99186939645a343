/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * activation.h: sigmoid and tanh, one fixed sequence of exactly rounded operations for each tier.
 *
 * Each takes `n` vectors, a constant, through its sequence side by side, in place: EACH line is done for all of them
 * before the next. A sequence alone is a chain of 50 to 80 cycles of which a CPU's window holds one or two; four side
 * by side keep its ports busy. On one vector read EACH as nothing.
 *
 * `place`, a constant too, says what is known of the arguments (place.h). In a layer tanh's flush is off the way from x
 * to the result, which is what a step of a small layer waits for.
 */
#ifndef GRU_KERNELS_ACTIVATION_H
#define GRU_KERNELS_ACTIVATION_H

#include "sleef.h"

/* How many vectors go side by side in a gate block. There is nothing to gain from that with a library's functions,
 * whose calls leave nothing in registers either. */
enum { abreast_fast = ABREAST, abreast_faster = ABREAST, abreast_accurate = ABREAST, abreast_sleef = 1 };

/* Whether a sigmoid above 0 can be below 2^-62, so that a layer must clean it. */
enum { sigmoid_tiny_fast = 0, sigmoid_tiny_faster = 0, sigmoid_tiny_accurate = 1, sigmoid_tiny_sleef = 1 };

/*
 * A table cuts [0, top] into eight segments. u = scale t + offset is a float whose leading bits (exponent and two, or
 * one, mantissa bits) number the segment: fine steps near 0, coarse ones in the tail, for one fma and one shift, and
 * eight entries are one vpermps on AVX2. The bits are used modulo 8, so the rows are printed in that rotation.
 */
struct act_table {
    float top, scale, offset;
    float mid[8];   /* where each segment's polynomial is expanded; the first at 0 */
    float c[8][8];  /* c[k][segment]: the coefficient of the k-th power */
};

static const struct act_table tanh_fast_table = {
    .top = 0x1.fffffcp+2f, .scale = 0x1.d66666p-2f, .offset = 0x1.533334p+0f,
    .mid = { 0x1.02p+1f, 0x1.8ep+1f, 0x1.0cp+2f, 0x1.52p+2f,
        0x1.bap+2f, 0x0p+0f, 0x1.9p-2f, 0x1.34p+0f },
    .c[0] = { 0x1.ee238ep-1f, 0x1.fdf6e2p-1f, 0x1.ffc392p-1f, 0x1.fff938p-1f,
        0x1.ffffcp-1f, 0x1p+4f, 0x1.7cd31p-2f, 0x1.ab516cp-1f },
    .c[1] = { 0x1.18c8aep-4f, 0x1.040abap-7f, 0x1.e43ceap-11f, 0x1.b2005p-14f,
        0x1.aef6cap-19f, 0x1p-30f, 0x1.b92caap-1f, 0x1.36b718p-2f },
    .c[2] = { -0x1.0efcd2p-4f, -0x1.027956p-7f, -0x1.e2417cp-11f, -0x1.b11408p-14f,
        -0x1.3795aap-18f, 0x1.4a261ap-14f, -0x1.4773b4p-2f, -0x1.03618ep-2f },
    .c[3] = { 0x1.505c56p-5f, 0x1.55d4dcp-8f, 0x1.3720f2p-11f, 0x1.209f5ep-14f,
        0x1.4ee3cap-18f, -0x1.573454p-2f, -0x1.66104p-3f, 0x1.c3e614p-4f },
    .c[4] = { -0x1.1fadeap-6f, -0x1.637ff4p-9f, -0x1.51f39p-12f, -0x1.322506p-15f,
        -0x1.01022ep-20f, 0x1.9daacep-7f, 0x1.98ee44p-3f, -0x1.74dffap-8f },
    .c[5] = { 0x1.20997ep-8f, 0x1.13c526p-10f, 0x1.66376p-13f, 0x1.eb133ep-17f,
        -0x1.99be4p-21f, 0x1.a9f874p-4f, -0x1.c0d07cp-5f, -0x1.a14f42p-6f },
};

/*
 * tanh by a table and a polynomial in l = t - mid, which is exact. The last fma adds a small term to a constant, or to
 * t itself in segment 0 (c0 is 16 there, so that the select takes t; elsewhere c0 <= t): the rounding noise of the
 * term stays below the step of the sum, which makes it monotone. Every Horner step adds a normal constant (c1 = 2^-30
 * in segment 0): nothing is ever subnormal.
 */
GRU_INLINE void v_tanh_by_table(const struct act_table *p, int degree, int shift, const size_t n,
                                const enum act_place place, vec *x)
{
    vec t[TANHS_ABREAST], l[TANHS_ABREAST], y[TANHS_ABREAST];
    places i[TANHS_ABREAST];
    EACH t[k] = v_tanh_start(place, x[k], v_set1(p->top));
    EACH i[k] = v_index(i_shr(v_bits(v_fma(t[k], v_set1(p->scale), v_set1(p->offset))), shift));
    EACH l[k] = v_sub(t[k], v_lookup(p->mid, i[k]));
    EACH y[k] = v_lookup(p->c[degree], i[k]);
    GRU_UNROLL
    for (int power = degree - 1; power > 0; power--)
        EACH y[k] = v_fma(l[k], y[k], v_lookup(p->c[power], i[k]));
    EACH y[k] = v_fma(l[k], y[k], v_at_most(v_lookup(p->c[0], i[k]), t[k]));
    EACH x[k] = v_tanh_end(place, y[k], x[k]);
}

/*
 * tanh, tier fast: degree 5. Worst absolute error 3.131e-7 at 0x1.c71156p-1, relative 1.1e-6 at 0x1.0feb6ap-3;
 * monotone.
 */
GRU_INLINE void v_tanh_fast(const size_t n, const enum act_place place, vec *x)
{
    v_tanh_by_table(&tanh_fast_table, 5, 21, n, place, x);
}

/*
 * sigmoid, tier fast: 1 / (1 + e^-x), e^-x = 2^n (1 - v), n = round(-x log2 e), g = x + n ln 2, v = g - g^2 (c2 + c3 g
 * + ...). g alone, with no factor on it, is what makes v (and then the rest) monotone: a rounded factor would step
 * back against it. All is scaled by one = 2^66. magic adds 127 + 66 into the low bits of u, so that they, moved into
 * the exponent field, are the float 2^n one; from n = 62 on they are +inf, so that the result is exactly 0 below
 * -42.63, without a compare, and otherwise at least 2^-61.5: no sigmoid ever needs the layer's flush. `tiny` is added
 * to what may be subnormal, for which an addition takes no longer, and a product would; it changes an |x| below 2^-75
 * alone, of which sigmoid is 1/2 either way. Worst error 1.103e-7 at 0x1.fb145cp-1, 4.08 ULP at -0x1.196056p+0 down to
 * 2^-20, 4.28 ULP at -0x1.4dc448p+5 below; monotone.
 */
static const struct {
    float tiny, low, high, minus_log2e, magic, ln2, c2, c3, c4, c5, one;
} sigmoid_fast_constants = {
    .tiny = 0x1p-100f, .low = -43.0f, .high = 20.0f,
    .minus_log2e = -0x1.715476p+0f,
    .magic = 12582912.0f + 127 + 66,
    .ln2 = 0x1.62e43p-1f,
    .c2 = 0x1.fffdc6p-2f, .c3 = -0x1.555256p-3f, .c4 = 0x1.5736c2p-5f, .c5 = -0x1.12fa58p-7f,
    .one = 0x1p+66f,
};

GRU_INLINE void v_sigmoid_fast(const size_t n, const enum act_place place, vec *x)
{
    vec magic = v_set1(sigmoid_fast_constants.magic), one = v_set1(sigmoid_fast_constants.one);
    vec u[ABREAST], g[ABREAST], r[ABREAST], s[ABREAST];
    if (place == ACT_ARRAY)
        EACH x[k] = v_add(x[k], v_set1(sigmoid_fast_constants.tiny));
    EACH x[k] = v_at_most(v_set1(sigmoid_fast_constants.high), x[k]);
    EACH x[k] = v_at_least(v_set1(sigmoid_fast_constants.low), x[k]);
    EACH u[k] = v_fma(x[k], v_set1(sigmoid_fast_constants.minus_log2e), magic);
    EACH g[k] = v_fma(v_sub(u[k], magic), v_set1(sigmoid_fast_constants.ln2), x[k]);
    EACH s[k] = v_float(i_shl(v_bits(u[k]), 23));
    EACH r[k] = v_fma(g[k], v_set1(sigmoid_fast_constants.c5), v_set1(sigmoid_fast_constants.c4));
    EACH r[k] = v_fma(g[k], r[k], v_set1(sigmoid_fast_constants.c3));
    EACH r[k] = v_fma(g[k], r[k], v_set1(sigmoid_fast_constants.c2));
    EACH r[k] = v_fnma(v_mul(g[k], r[k]), g[k], g[k]); /* v */
    EACH r[k] = v_fma(v_sub(v_set1(1.0f), r[k]), s[k], one);
    EACH x[k] = v_div(one, r[k]);
}

static const struct act_table tanh_faster_table = {
    .top = 0x1.599998p+2f, .scale = 0x1.5bf86ap-1f, .offset = 0x1.547ae2p+0f,
    .c[0] = { -0x1.1a1b22p-4f, 0x1.00f578p-2f, 0x1.41e0f4p-1f, 0x1.afffc4p-1f,
        0x1.e0e366p-1f, 0x0p+0f, -0x1.1c8afap-8f, -0x1.8d7c32p-5f },
    .c[1] = { 0x1.575f32p+0f, 0x1.939a14p-1f, 0x1.4595dp-2f, 0x1.ca2daep-4f,
        0x1.2ef332p-5f, 0x1p+0f, 0x1.0b1c22p+0f, 0x1.4258dcp+0f },
    .c[2] = { -0x1.383b12p-1f, -0x1.27e1b2p-2f, -0x1.7d4b14p-4f, -0x1.bcbac2p-6f,
        -0x1.eed6f8p-8f, -0x1.69ed22p-10f, -0x1.3397bp-3f, -0x1.036fb2p-1f },
    .c[3] = { 0x1.959514p-4f, 0x1.2b59d6p-5f, 0x1.2fcc1ep-7f, 0x1.23c282p-9f,
        0x1.0e81c6p-11f, -0x1.47f72cp-2f, -0x1.21e21p-3f, 0x1.d81b42p-5f },
};
static const struct act_table sigmoid_faster_table = {
    .top = 0x1.599996p+3f, .scale = 0x1.5fc352p-2f, .offset = 0x1.4a3d7p+0f,
    .c[0] = { -0x1.f3e87p-6f, 0x1.11087ep-3f, 0x1.47bde6p-2f, 0x1.b20ec2p-2f,
        0x1.db37c4p-2f, 0x0p+0f, -0x1.eed7d4p-9f, -0x1.d25414p-6f },
    .c[1] = { 0x1.52e464p-2f, 0x1.8827bcp-3f, 0x1.3937e2p-4f, 0x1.bc58bep-6f,
        0x1.676a98p-7f, 0x1.000698p-2f, 0x1.10c93p-2f, 0x1.4a43f4p-2f },
    .c[2] = { -0x1.31a6c2p-4f, -0x1.1d0bfcp-5f, -0x1.6bf466p-7f, -0x1.ad447ep-9f,
        -0x1.25ffbep-10f, -0x1.1d18dcp-11f, -0x1.992edp-6f, -0x1.16b58cp-4f },
    .c[3] = { 0x1.88d844p-8f, 0x1.1db90ep-9f, 0x1.1fa38cp-11f, 0x1.1841dep-13f,
        0x1.417676p-15f, -0x1.3c0576p-6f, -0x1.b03972p-8f, 0x1.2a1b98p-8f },
};

/*
 * tanh, tier faster: degree 3 in t itself, which saves the subtraction and is exact enough for 5e-5. Worst error
 * 4.174e-5 at 0x1.9edadcp+0; relative 9.1e-5 at 0x1.2c83e4p-2; steps back by 1.2e-7 (two ulp) at most.
 */
GRU_INLINE void v_tanh_faster(const size_t n, const enum act_place place, vec *x)
{
    const struct act_table *p = &tanh_faster_table;
    vec t[TANHS_ABREAST], y[TANHS_ABREAST];
    places i[TANHS_ABREAST];
    EACH t[k] = v_tanh_start(place, x[k], v_set1(p->top));
    EACH i[k] = v_index(i_shr(v_bits(v_fma(t[k], v_set1(p->scale), v_set1(p->offset))), 21));
    EACH y[k] = v_fma(t[k], v_lookup(p->c[3], i[k]), v_lookup(p->c[2], i[k]));
    EACH y[k] = v_fma(t[k], y[k], v_lookup(p->c[1], i[k]));
    EACH y[k] = v_fma(t[k], y[k], v_lookup(p->c[0], i[k]));
    EACH x[k] = v_tanh_end(place, y[k], x[k]);
}

/* sigmoid, tier faster: 1/2 + the odd part, which is tanh(x / 2) / 2 by the same kind of table. A layer's sums, of at
 * least 2^-124, stay normal when they are multiplied by c1 near 0, which is above 1/4. */
GRU_INLINE void v_sigmoid_faster(const size_t n, const enum act_place place, vec *x)
{
    const struct act_table *p = &sigmoid_faster_table;
    vec t[ABREAST], y[ABREAST];
    places i[ABREAST];
    EACH t[k] = place == ACT_LAYER ? v_abs(x[k]) : v_abs_at_least(x[k], v_set1(0x1p-40f));
    EACH t[k] = v_at_most(v_set1(p->top), t[k]);
    EACH i[k] = v_index(i_shr(v_bits(v_fma(t[k], v_set1(p->scale), v_set1(p->offset))), 21));
    EACH y[k] = v_fma(t[k], v_lookup(p->c[3], i[k]), v_lookup(p->c[2], i[k]));
    EACH y[k] = v_fma(t[k], y[k], v_lookup(p->c[1], i[k]));
    EACH y[k] = v_fma(t[k], y[k], v_lookup(p->c[0], i[k]));
    EACH x[k] = v_add(v_set1(0.5f), v_xor_sign(y[k], x[k]));
}

static const struct act_table tanh_accurate_table = {
    .top = 0x1.2428f4p+3f, .scale = 0x1.3b719p+1f, .offset = 0x1.8p+0f,
    .mid = { 0x1.a34d5p-3f, 0x1.6963p-1f, 0x1.6b945cp+0f, 0x1.1dab2ap+1f,
        0x1.b97adcp+1f, 0x1.44a1f2p+2f, 0x1.e070dcp+2f, 0x0p+0f },
    .c[0] = { 0x1.9d8a38p-3f, 0x1.37534ep-1f, 0x1.c77fdep-1f, 0x1.f45634p-1f,
        0x1.fef796p-1f, 0x1.fff5b4p-1f, 0x1.ffffecp-1f, 0x1p+4f },
    .c[1] = { 0x1.eb1fc2p-1f, 0x1.42b23ep-1f, 0x1.ab107p-3f, 0x1.70f942p-5f,
        0x1.0825aep-8f, 0x1.497c92p-13f, 0x1.43f6fap-20f, 0x1p-30f },
    .c[2] = { -0x1.8cab14p-3f, -0x1.886f86p-2f, -0x1.7bef82p-3f, -0x1.68914cp-5f,
        -0x1.07a62cp-8f, -0x1.49840ap-13f, -0x1.547b2ap-20f, -0x1.55d684p-22f },
    .c[3] = { -0x1.1f6b8ap-2f, 0x1.77fa74p-6f, 0x1.875098p-4f, 0x1.cab80cp-6f,
        0x1.5e13a4p-9f, 0x1.b73efcp-14f, 0x1.b197ap-21f, -0x1.554f28p-2f },
    .c[4] = { 0x1.f093f8p-4f, 0x1.d1f2f6p-4f, -0x1.7ba7fep-6f, -0x1.9ff1d6p-7f,
        -0x1.59fb88p-10f, -0x1.b511ecp-15f, -0x1.599826p-22f, -0x1.23cfecp-11f },
    .c[5] = { 0x1.7cd2dep-4f, -0x1.02863ep-4f, -0x1.b317e2p-8f, 0x1.0b3848p-8f,
        0x1.10fc48p-11f, 0x1.5e2a9cp-16f, 0x1.4827bep-23f, 0x1.1cbd3ep-3f },
    .c[6] = { -0x1.40097cp-4f, -0x1.478f0ap-8f, 0x1.3d6428p-7f, -0x1.604f78p-11f,
        -0x1.7a3a36p-13f, -0x1.fde0d6p-18f, -0x1.759edap-24f, -0x1.b22d02p-6f },
    .c[7] = { 0x1.3270eep-7f, 0x1.f01de4p-7f, -0x1.1c3314p-8f, -0x1.718c56p-13f,
        0x1.847c44p-15f, 0x1.1c0ffcp-19f, 0x1.5e648p-26f, -0x1.e4524ep-8f },
};

/*
 * tanh, tier accurate: degree 7. Each mid is an fp32 whose tanh lies within 2^-9 ulp of an fp32, so that c0 costs no
 * error. Worst error 0.9245 ULP at 0x1.11634p-1 (absolute 4.78e-8 at 0x1.598b9cp+1); monotone.
 */
GRU_INLINE void v_tanh_accurate(const size_t n, const enum act_place place, vec *x)
{
    v_tanh_by_table(&tanh_accurate_table, 7, 22, n, place, x);
}

/*
 * sigmoid, tier accurate: w = 1 / (1 + e^t), t = |x|, then w or 1 - w. e^t = 2^n (1 + v), n = round(t log2 e).
 * Everything that rounding takes from d = 1 + 2^n + 2^n v is collected in a second float, and one Newton step with it
 * corrects the quotient. Beyond top, where w is 2^-125.9, w is 0. Worst error 0.798 ULP at 0x1.6401fap-2, for results
 * below 1/2 0.699 ULP at -0x1.206458p+2; monotone.
 */
static const struct {
    float top, small, log2e, magic, ln2_high, ln2_low, c2, c3, c4, c5, c6;
} sigmoid_accurate_constants = {
    .top = 87.25f, .small = 0x1p-30f,
    .log2e = 0x1.715476p+0f, .magic = 0x1.8000fep+23f,
    .ln2_high = 0x1.62e4p-1f, .ln2_low = 0x1.7f7d1cp-20f,
    .c2 = 0x1.000008p-1f, .c3 = 0x1.55549p-3f, .c4 = 0x1.5548dp-5f, .c5 = 0x1.123ab2p-7f, .c6 = 0x1.75c7bp-10f,
};

GRU_INLINE void v_sigmoid_accurate(const size_t n, const enum act_place place, vec *x)
{
    (void)place; /* g^2 of a small x would be subnormal anywhere */
    vec one = v_set1(1.0f), magic = v_set1(sigmoid_accurate_constants.magic);
    vec top = v_set1(sigmoid_accurate_constants.top), low = v_set1(sigmoid_accurate_constants.ln2_low);
    vec a[ABREAST], t[ABREAST], u[ABREAST], s[ABREAST], g[ABREAST], q[ABREAST], h[ABREAST], d[ABREAST], e[ABREAST];
    EACH a[k] = v_abs_at_least(x[k], v_set1(sigmoid_accurate_constants.small));
    EACH t[k] = v_at_most(top, a[k]);
    EACH u[k] = v_fma(t[k], v_set1(sigmoid_accurate_constants.log2e), magic);
    EACH s[k] = v_float(i_shl(v_bits(u[k]), 23));
    EACH u[k] = v_sub(u[k], magic); /* n */
    /* t - n ln 2 = g + q: the first step is exact, q is what rounding takes from the second. */
    EACH t[k] = v_fnma(u[k], v_set1(sigmoid_accurate_constants.ln2_high), t[k]);
    EACH g[k] = v_fnma(u[k], low, t[k]);
    EACH q[k] = v_fnma(u[k], low, v_sub(t[k], g[k]));
    EACH h[k] = v_fma(g[k], v_set1(sigmoid_accurate_constants.c6), v_set1(sigmoid_accurate_constants.c5));
    EACH h[k] = v_fma(g[k], h[k], v_set1(sigmoid_accurate_constants.c4));
    EACH h[k] = v_fma(g[k], h[k], v_set1(sigmoid_accurate_constants.c3));
    EACH h[k] = v_fma(g[k], h[k], v_set1(sigmoid_accurate_constants.c2));
    EACH q[k] = v_fma(v_mul(g[k], g[k]), h[k], q[k]);
    /* v = g + q = h + q. */
    EACH h[k] = v_add(g[k], q[k]);
    EACH q[k] = v_add(q[k], v_sub(g[k], h[k]));
    /* d + e = 1 + s + s h + s q; each difference here is exact. */
    EACH t[k] = v_add(one, s[k]);
    EACH d[k] = v_fma(s[k], h[k], t[k]);
    EACH e[k] = v_add(v_fma(s[k], h[k], v_sub(t[k], d[k])), v_fma(s[k], q[k], v_sub(one, v_sub(t[k], s[k]))));
    EACH u[k] = v_div(one, d[k]);
    EACH e[k] = v_fnma(e[k], u[k], v_fnma(d[k], u[k], one));
    EACH u[k] = v_fma(u[k], e[k], u[k]);
    EACH u[k] = v_zero_below(top, a[k], u[k]);
    EACH x[k] = v_if_sign(x[k], u[k], v_sub(one, u[k]));
}

#endif
