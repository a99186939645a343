/* SPDX-License-Identifier: BSD-2-Clause */
/* limits_body.h: the measuring loops, included by each limits_<isa>.c after the words of its instruction set (vec.h of
 * arch), V_REGISTER (the asm constraint of a vector register), CHAINS, and the scalar s_fma with S_REGISTER. */
#include "limits_isa.h"

/* Each accumulator has a name, since compilers leave an array of them in memory. The empty asm statements keep the
 * compiler from seeing that nothing uses the sums; the factors are 1 and 0, so values neither grow nor turn
 * subnormal. */
static void peak(size_t rounds)
{
    vec one = v_set1(1.0f);
    vec zero = v_set1(0.0f);
    vec s0 = zero, s1 = zero, s2 = zero, s3 = zero, s4 = zero, s5 = zero, s6 = zero, s7 = zero;
    vec s8 = zero, s9 = zero, s10 = zero, s11 = zero, s12 = zero, s13 = zero, s14 = zero, s15 = zero;
    for (size_t round = 0; round < rounds; round++) {
        s0 = v_fma(s0, one, zero), s1 = v_fma(s1, one, zero);
        s2 = v_fma(s2, one, zero), s3 = v_fma(s3, one, zero);
        __asm__ volatile("" : "+" V_REGISTER(s0), "+" V_REGISTER(s1), "+" V_REGISTER(s2), "+" V_REGISTER(s3));
        s4 = v_fma(s4, one, zero), s5 = v_fma(s5, one, zero);
        s6 = v_fma(s6, one, zero), s7 = v_fma(s7, one, zero);
        __asm__ volatile("" : "+" V_REGISTER(s4), "+" V_REGISTER(s5), "+" V_REGISTER(s6), "+" V_REGISTER(s7));
        s8 = v_fma(s8, one, zero), s9 = v_fma(s9, one, zero);
        s10 = v_fma(s10, one, zero), s11 = v_fma(s11, one, zero);
        __asm__ volatile("" : "+" V_REGISTER(s8), "+" V_REGISTER(s9), "+" V_REGISTER(s10), "+" V_REGISTER(s11));
        if (CHAINS == 16) {
            s12 = v_fma(s12, one, zero), s13 = v_fma(s13, one, zero);
            s14 = v_fma(s14, one, zero), s15 = v_fma(s15, one, zero);
            __asm__ volatile("" : "+" V_REGISTER(s12), "+" V_REGISTER(s13), "+" V_REGISTER(s14), "+" V_REGISTER(s15));
        }
    }
}

/* Without the empty statement a compiler would drop the chain, whose sum nobody reads. */
static void latency(size_t links)
{
    vec sum = v_set1(0.0f);
    vec one = v_set1(1.0f);
    vec zero = v_set1(0.0f);
    for (size_t link = 0; link < links; link++) {
        sum = v_fma(sum, one, zero);
        __asm__ volatile("" : "+" V_REGISTER(sum));
    }
}

/* Eight chains of divisions, more than any divider overlaps. x -> c / x goes to and fro between two values of full
 * length, since some dividers end early with powers of two. */
static void divide(size_t rounds)
{
    vec c = v_set1(1.7320508f);
    vec s0 = v_set1(1.2345678f), s1 = s0, s2 = s0, s3 = s0, s4 = s0, s5 = s0, s6 = s0, s7 = s0;
    for (size_t round = 0; round < rounds; round++) {
        s0 = v_div(c, s0), s1 = v_div(c, s1), s2 = v_div(c, s2), s3 = v_div(c, s3);
        s4 = v_div(c, s4), s5 = v_div(c, s5), s6 = v_div(c, s6), s7 = v_div(c, s7);
        __asm__ volatile(""
                         : "+" V_REGISTER(s0), "+" V_REGISTER(s1), "+" V_REGISTER(s2), "+" V_REGISTER(s3),
                           "+" V_REGISTER(s4), "+" V_REGISTER(s5), "+" V_REGISTER(s6), "+" V_REGISTER(s7));
    }
}

#define LIMITS_INLINE static inline __attribute__((always_inline))

/* `feeds`: whether each vector that is read goes into one of CHAINS chains of multiply-adds. */
LIMITS_INLINE void read_streams(const char *base, size_t bytes, const size_t streams, size_t ahead, const int feeds)
{
    const vec zero = v_set1(0.0f);
    vec sum[CHAINS];
#pragma GCC unroll 16
    for (size_t chain = 0; chain < CHAINS; chain++)
        sum[chain] = zero;
    /* Of each stream in an iteration: at least two cache lines, which are enough loads in flight in every order, and
     * sixteen vectors of all streams, so that multiply-adds have as many chains as they need. */
    const size_t chained = 16 * sizeof(vec) / streams, piece = chained > 128 ? chained : 128, part = bytes / streams;
    for (size_t i = 0; i < part; i += piece) {
#pragma GCC unroll 8
        for (size_t s = 0; s < streams; s++) {
            const char *from = base + s * part + i;
#pragma GCC unroll 16
            for (size_t line = 0; ahead && line < piece; line += 64)
                __builtin_prefetch(from + ahead + line);
#pragma GCC unroll 32
            for (size_t k = 0; k < piece / sizeof(vec); k++) {
                vec value = v_load((const float *)(const void *)(from + k * sizeof(vec)));
                vec *chain = &sum[(s * (piece / sizeof(vec)) + k) % CHAINS];
                if (feeds) {
                    *chain = v_fma(value, zero, *chain);
                    __asm__ volatile("" : "+" V_REGISTER(*chain));
                } else {
                    __asm__ volatile("" : : V_REGISTER(value));
                }
            }
        }
    }
}

LIMITS_INLINE void read_either(const char *base, size_t bytes, size_t streams, size_t ahead, const int feeds)
{
    /* Constant arguments: each stream count gets a loop of its own, and no test for the prefetch in it. */
    switch (streams + (ahead ? 100 : 0)) {
    case 1:
        read_streams(base, bytes, 1, 0, feeds);
        break;
    case 2:
        read_streams(base, bytes, 2, 0, feeds);
        break;
    case 4:
        read_streams(base, bytes, 4, 0, feeds);
        break;
    case 8:
        read_streams(base, bytes, 8, 0, feeds);
        break;
    case 101:
        read_streams(base, bytes, 1, ahead, feeds);
        break;
    case 102:
        read_streams(base, bytes, 2, ahead, feeds);
        break;
    case 104:
        read_streams(base, bytes, 4, ahead, feeds);
        break;
    case 108:
        read_streams(base, bytes, 8, ahead, feeds);
        break;
    default:
        break;
    }
}

static void read_all(const char *base, size_t bytes, size_t streams, size_t ahead)
{
    read_either(base, bytes, streams, ahead, 0);
}

static void feed_all(const char *base, size_t bytes, size_t streams, size_t ahead)
{
    read_either(base, bytes, streams, ahead, 1);
}

/* The first statement cuts a chain off from the one before it; those in the loop keep the links in this order. */
static void probe(size_t chains)
{
    for (size_t chain = 0; chain < chains; chain++) {
        float value = 1.0f;
        __asm__ volatile("" : "+" S_REGISTER(value));
#pragma GCC unroll 16
        for (int link = 0; link < 16; link++) {
            value = s_fma(value);
            __asm__ volatile("" : "+" S_REGISTER(value));
        }
    }
}
