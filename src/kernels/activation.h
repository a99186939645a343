/* SPDX-License-Identifier: BSD-2-Clause */
/* activation.h: sigmoid and tanh on a vector, one fixed sequence of exactly rounded operations for each tier. */
#ifndef GRU_KERNELS_ACTIVATION_H
#define GRU_KERNELS_ACTIVATION_H

#include "sleef.h"

/* The bits of 2^-126, the smallest normal number. */
enum { ACT_NORMAL = 0x00800000 };

/*
 * A table cuts [0, top] into eight segments.  u = scale t + offset is a float whose leading bits (exponent and two, or one,
 * mantissa bits) number the segment: fine steps near 0, coarse ones in the tail, for one fma and one shift, and eight
 * entries are one vpermps on AVX2.  The bits are used modulo 8, so the rows are printed in that rotation.
 */
struct act_table {
    float top, scale, offset;
    float mid[8];   /* where each segment's polynomial is expanded; the first at 0 */
    float c[8][8];  /* c[k][segment]: the coefficient of the k-th power */
};

static const struct act_table tanh_fast_table = {
    .top = 0x1.fffffcp+2f, .scale = 0x1.d7ae14p-2f, .offset = 0x1.50a3d8p+0f,
    .mid = { 0x1.04p+1f, 0x1.8ep+1f, 0x1.0dp+2f, 0x1.52p+2f,
        0x1.bbp+2f, 0x0p+0f, 0x1.bp-2f, 0x1.38p+0f },
    .c[0] = { 0x1.eeadd4p-1f, 0x1.fdf6e2p-1f, 0x1.ffc57p-1f, 0x1.fff94p-1f,
        0x1.ffffc4p-1f, 0x1p+4f, 0x1.9812a2p-2f, 0x1.adb6cep-1f },
    .c[1] = { 0x1.1070c4p-4f, 0x1.040586p-7f, 0x1.d35318p-11f, 0x1.ae5ef8p-14f,
        0x1.a598d2p-19f, 0x1p-30f, 0x1.aeb06ap-1f, 0x1.2eb20ap-2f },
    .c[2] = { -0x1.0730dp-4f, -0x1.027e5p-7f, -0x1.d490f2p-11f, -0x1.cd301cp-14f,
        -0x1.344bfcp-18f, 0x1.be159ap-13f, -0x1.56f0d2p-2f, -0x1.fc3222p-3f },
    .c[3] = { 0x1.475ccp-5f, 0x1.5668a8p-8f, 0x1.44022ep-11f, 0x1.4780d2p-14f,
        0x1.52cd4ep-18f, -0x1.590478p-2f, -0x1.358a54p-3f, 0x1.c16b2cp-4f },
    .c[4] = { -0x1.1a4b14p-6f, -0x1.632716p-9f, -0x1.41ffaep-12f, -0x1.c37e1p-17f,
        -0x1.d13992p-21f, 0x1.43f2d8p-6f, 0x1.8b32eep-3f, -0x1.f0e024p-8f },
    .c[5] = { 0x1.22d4aep-8f, 0x1.0cacd8p-10f, 0x1.04326ap-14f, -0x1.047e2cp-17f,
        -0x1.01eb54p-20f, 0x1.84e4d6p-4f, -0x1.cdfde6p-5f, -0x1.7b0b8p-6f },
};

/*
 * tanh by a table and a polynomial in l = t - mid, which is exact.  The last fma adds a small term to a constant, or to t itself in
 * segment 0 (c0 is 16 there, so that the select takes t; elsewhere c0 <= t): the rounding noise of the term stays below the step
 * of the sum, which makes it monotone.  Every Horner step adds a normal constant (c1 = 2^-30 in segment 0): nothing is ever subnormal.
 */
GRU_INLINE vec v_tanh_by_table(const struct act_table *p, int degree, int shift, vec x)
{
    vec t = v_clamp_abs(x, ACT_NORMAL, v_set1(p->top));
    index i = v_index(i_shr(v_bits(v_fma(t, v_set1(p->scale), v_set1(p->offset))), shift));
    vec l = v_sub(t, v_lookup(p->mid, i));
    vec y = v_lookup(p->c[degree], i);
    for (int k = degree - 1; k > 0; k--)
        y = v_fma(l, y, v_lookup(p->c[k], i));
    y = v_fma(l, y, v_at_most(v_lookup(p->c[0], i), t));
    return v_with_sign(y, x);
}

/* tanh, tier fast: degree 5. */
static inline vec v_tanh_fast(vec x) { return v_tanh_by_table(&tanh_fast_table, 5, 21, x); }

/*
 * sigmoid, tier fast: 1 / (1 + e^-x), e^-x = 2^n (1 - v), n = round(-x log2 e), g = x + n ln 2, v = g - g^2 (c2 + c3 g + ...).
 * g alone, with no factor on it, is what makes v (and then the rest) monotone: a rounded factor would step back against it.
 * All is scaled by one = 2^66.  magic adds 127 + 66 into the low bits of u, so that they, moved into the exponent field, are the
 * float 2^n one; from n = 62 on they are +inf, so that the result is exactly 0 below -42.63, without a compare, and otherwise at
 * least 2^-61.5: no sigmoid ever needs the layer's flush.
 */
static const struct {
    float low, high, minus_log2e, magic, ln2, c2, c3, c4, c5, one;
} sigmoid_fast_constants = {
    .low = -43.0f, .high = 20.0f,
    .minus_log2e = -0x1.715476p+0f,
    .magic = 12582912.0f + 127 + 66,
    .ln2 = 0x1.62e43p-1f,
    .c2 = 0x1.fffdc6p-2f, .c3 = -0x1.555256p-3f, .c4 = 0x1.5736c2p-5f, .c5 = -0x1.12fa58p-7f,
    .one = 0x1p+66f,
};

static inline vec v_sigmoid_fast(vec x)
{
    vec magic = v_set1(sigmoid_fast_constants.magic), one = v_set1(sigmoid_fast_constants.one);
    vec a = v_at_least(v_set1(sigmoid_fast_constants.low), v_at_most_or_tiny(v_set1(sigmoid_fast_constants.high), x));
    vec u = v_fma(a, v_set1(sigmoid_fast_constants.minus_log2e), magic);
    vec g = v_fma(v_sub(u, magic), v_set1(sigmoid_fast_constants.ln2), a);
    vec s = v_float(i_shl(v_bits(u), 23));
    vec r = v_fma(g, v_set1(sigmoid_fast_constants.c5), v_set1(sigmoid_fast_constants.c4));
    r = v_fma(g, r, v_set1(sigmoid_fast_constants.c3));
    r = v_fma(g, r, v_set1(sigmoid_fast_constants.c2));
    vec v = v_fnma(v_mul(g, r), g, g);
    return v_div(one, v_fma(v_sub(v_set1(1.0f), v), s, one));
}

static const struct act_table tanh_faster_table = {
    .top = 0x1.599998p+2f, .scale = 0x1.5ddddep-1f, .offset = 0x1.4f5c28p+0f,
    .c[0] = { -0x1.0af80ap-4f, 0x1.ffa79p-3f, 0x1.2a2aacp-1f, 0x1.0158fep+0f,
        0x1.e0832ep-1f, 0x0p+0f, -0x1.e4d0a8p-8f, -0x1.12bfd8p-4f },
    .c[1] = { 0x1.553e42p+0f, 0x1.94a274p-1f, 0x1.79439ap-2f, -0x1.945ed4p-6f,
        0x1.2b6acep-5f, 0x1p+0f, 0x1.10a73ep+0f, 0x1.542a8ep+0f },
    .c[2] = { -0x1.351382p-1f, -0x1.290c98p-2f, -0x1.c7e55cp-4f, 0x1.6fff0cp-7f,
        -0x1.dcb826p-8f, -0x1.741504p-8f, -0x1.983288p-3f, -0x1.2f7abap-1f },
    .c[3] = { 0x1.8f6c06p-4f, 0x1.2d07ap-5f, 0x1.77271p-7f, -0x1.646c84p-10f,
        0x1.fbb832p-12f, -0x1.38403ap-2f, -0x1.b15ee4p-4f, 0x1.7b8976p-4f },
};
static const struct act_table sigmoid_faster_table = {
    .top = 0x1.5ffffep+3f, .scale = 0x1.5b3aa6p-2f, .offset = 0x1.451eb8p+0f,
    .c[0] = { -0x1.9c4942p-6f, 0x1.21b544p-3f, 0x1.3532e8p-2f, 0x1.efc09ep-2f,
        0x1.fd41a6p-2f, 0x0p+0f, -0x1.bff578p-9f, -0x1.543f94p-6f },
    .c[1] = { 0x1.4cf23ep-2f, 0x1.7c7f2p-3f, 0x1.60f036p-4f, 0x1.07fe24p-9f,
        0x1.497066p-12f, 0x1.ff6bf2p-3f, 0x1.0fedd2p-2f, 0x1.3ceed8p-2f },
    .c[2] = { -0x1.292418p-4f, -0x1.1231ep-5f, -0x1.a434fp-7f, 0x1.b07be4p-13f,
        0x1.3747a8p-17f, 0x1.7adf4ap-11f, -0x1.9065f2p-6f, -0x1.f20a4p-5f },
    .c[3] = { 0x1.78c852p-8f, 0x1.10482cp-9f, 0x1.545578p-11f, -0x1.c4064ep-16f,
        -0x1.7f076p-20f, -0x1.4f11b2p-6f, -0x1.b4d37ap-8f, 0x1.a61c02p-9f },
};

/* tanh, tier faster: degree 3 in t itself, which saves the subtraction and is exact enough for 5e-5. */
static inline vec v_tanh_faster(vec x)
{
    const struct act_table *p = &tanh_faster_table;
    vec t = v_clamp_abs(x, ACT_NORMAL, v_set1(p->top));
    index i = v_index(i_shr(v_bits(v_fma(t, v_set1(p->scale), v_set1(p->offset))), 21));
    vec y = v_fma(t, v_lookup(p->c[3], i), v_lookup(p->c[2], i));
    y = v_fma(t, y, v_lookup(p->c[1], i));
    y = v_fma(t, y, v_lookup(p->c[0], i));
    return v_with_sign(y, x);
}

/* sigmoid, tier faster: 1/2 + the odd part, which is tanh(x / 2) / 2 by the same kind of table. */
static inline vec v_sigmoid_faster(vec x)
{
    const struct act_table *p = &sigmoid_faster_table;
    vec t = v_at_most(v_set1(p->top), v_abs_at_least(x, v_set1(0x1p-40f)));
    index i = v_index(i_shr(v_bits(v_fma(t, v_set1(p->scale), v_set1(p->offset))), 21));
    vec y = v_fma(t, v_lookup(p->c[3], i), v_lookup(p->c[2], i));
    y = v_fma(t, y, v_lookup(p->c[1], i));
    y = v_fma(t, y, v_lookup(p->c[0], i));
    return v_add(v_set1(0.5f), v_xor_sign(y, x));
}

static const struct act_table tanh_accurate_table = {
    .top = 0x1.2428f4p+3f, .scale = 0x1.3b719p+1f, .offset = 0x1.8p+0f,
    .mid = { 0x1.a34d5p-3f, 0x1.6963p-1f, 0x1.6b945cp+0f, 0x1.1dab2ap+1f,
        0x1.b97adcp+1f, 0x1.44a1f2p+2f, 0x1.e070dcp+2f, 0x0p+0f },
    .c[0] = { 0x1.9d8a38p-3f, 0x1.37534ep-1f, 0x1.c77fdep-1f, 0x1.f45634p-1f,
        0x1.fef796p-1f, 0x1.fff5b4p-1f, 0x1.ffffecp-1f, 0x1p+4f },
    .c[1] = { 0x1.eb1fc2p-1f, 0x1.42b23ep-1f, 0x1.ab107p-3f, 0x1.70f94p-5f,
        0x1.082596p-8f, 0x1.497c54p-13f, 0x1.43f6eep-20f, 0x1p-30f },
    .c[2] = { -0x1.8ca998p-3f, -0x1.886f4cp-2f, -0x1.7bef8cp-3f, -0x1.6890eap-5f,
        -0x1.07a28cp-8f, -0x1.495dd4p-13f, -0x1.54ba1ep-20f, 0x1.4e1524p-22f },
    .c[3] = { -0x1.1f81d2p-2f, 0x1.7789d6p-6f, 0x1.874f9ep-4f, 0x1.cab456p-6f,
        0x1.5e147cp-9f, 0x1.b74964p-14f, 0x1.b1d4e6p-21f, -0x1.555c64p-2f },
    .c[4] = { 0x1.f4198ep-4f, 0x1.d1e39ap-4f, -0x1.7ba5b8p-6f, -0x1.a0011cp-7f,
        -0x1.5a3936p-10f, -0x1.b6efcep-15f, -0x1.573ee6p-22f, 0x1.73e2bep-11f },
    .c[5] = { 0x1.6cd1p-4f, -0x1.f16752p-5f, -0x1.b1ee9p-8f, 0x1.0cb3f6p-8f,
        0x1.10fabcp-11f, 0x1.5dd068p-16f, 0x1.45d5fcp-23f, 0x1.00d7f8p-3f },
    .c[6] = { -0x1.1e4d6ep-4f, -0x1.1b91aep-6f, 0x1.3d6222p-7f, -0x1.5ee14cp-11f,
        -0x1.784fe2p-13f, -0x1.f2e75p-18f, -0x1.79913ap-24f, 0x1.419838p-5f },
    .c[7] = { 0x1.6e60e4p-9f, 0x1.0e5ddp-5f, -0x1.212944p-8f, -0x1.2de3a2p-12f,
        0x1.8439dcp-15f, 0x1.1a90cep-19f, 0x1.66ab14p-26f, -0x1.fcc7d8p-4f },
};

/*
 * tanh, tier accurate: degree 7.  Each mid is an fp32 whose tanh lies within 2^-9 ulp of an fp32, so that c0 costs no error.
 */
static inline vec v_tanh_accurate(vec x) { return v_tanh_by_table(&tanh_accurate_table, 7, 22, x); }

/*
 * sigmoid, tier accurate: w = 1 / (1 + e^t), t = |x|, then w or 1 - w.  e^t = 2^n (1 + v), n = round(t log2 e).  Everything that
 * rounding takes from d = 1 + 2^n + 2^n v is collected in a second float, and one Newton step with it corrects the quotient.
 * Beyond top, where w is 2^-125.9, w is 0.
 */
static const struct {
    float top, small, log2e, magic, ln2_high, ln2_low, c2, c3, c4, c5, c6;
} sigmoid_accurate_constants = {
    .top = 87.25f, .small = 0x1p-30f,
    .log2e = 0x1.715476p+0f, .magic = 0x1.8000fep+23f,
    .ln2_high = 0x1.62e4p-1f, .ln2_low = 0x1.7f7d1cp-20f,
    .c2 = 0x1.000008p-1f, .c3 = 0x1.55549p-3f, .c4 = 0x1.5548dp-5f, .c5 = 0x1.123ab2p-7f, .c6 = 0x1.75c7bp-10f,
};

static inline vec v_sigmoid_accurate(vec x)
{
    vec one = v_set1(1.0f), magic = v_set1(sigmoid_accurate_constants.magic);
    vec top = v_set1(sigmoid_accurate_constants.top);
    vec t0 = v_abs_at_least(x, v_set1(sigmoid_accurate_constants.small)), t = v_at_most(top, t0);
    vec u = v_fma(t, v_set1(sigmoid_accurate_constants.log2e), magic);
    vec n = v_sub(u, magic), s = v_float(i_shl(v_bits(u), 23));
    /* t - n ln 2 = g + k: the first step is exact, k is what rounding takes from the second. */
    vec low = v_set1(sigmoid_accurate_constants.ln2_low);
    vec g1 = v_fnma(n, v_set1(sigmoid_accurate_constants.ln2_high), t);
    vec g = v_fnma(n, low, g1), k = v_fnma(n, low, v_sub(g1, g));
    vec h = v_fma(g, v_set1(sigmoid_accurate_constants.c6), v_set1(sigmoid_accurate_constants.c5));
    h = v_fma(g, h, v_set1(sigmoid_accurate_constants.c4));
    h = v_fma(g, h, v_set1(sigmoid_accurate_constants.c3));
    h = v_fma(g, h, v_set1(sigmoid_accurate_constants.c2));
    /* v = v1 + v2 = g + q. */
    vec q = v_fma(v_mul(g, g), h, k);
    vec v1 = v_add(g, q), v2 = v_add(q, v_sub(g, v1));
    /* d1 + d2 = 1 + s + s v1 + s v2; each difference here is exact. */
    vec a = v_add(one, s);
    vec d1 = v_fma(s, v1, a);
    vec d2 = v_add(v_fma(s, v1, v_sub(a, d1)), v_fma(s, v2, v_sub(one, v_sub(a, s))));
    vec y = v_div(one, d1);
    vec e = v_fnma(d2, y, v_fnma(d1, y, one));
    vec w = v_zero_below(top, t0, v_fma(y, e, y));
    return v_if_sign(x, w, v_sub(one, w));
}

#endif
