/* SPDX-License-Identifier: BSD-2-Clause */
/* activations_isa.h: sigmoid, tanh and the gate block of others, and of a bare rational function, and libgru's gate block,
 * one set for each instruction set. */
#ifndef BENCH_ACTIVATIONS_ISA_H
#define BENCH_ACTIVATIONS_ISA_H

#include "../src/backend.h"

#include <stdbool.h>
#include <stddef.h>

enum yardstick {
    YARDSTICK_SLEEF_U10, /* SLEEF, 1.0 ULP; its sigmoid is 1 / (1 + exp(-x)) */
    YARDSTICK_SLEEF_U35, /* SLEEF, 3.5 ULP; it has no such exp, so only tanh; its block has u10's */
    YARDSTICK_MVEC,      /* glibc's libmvec, up to 4 ULP */
    YARDSTICK_LIBM,      /* a loop over tanhf and expf */
    YARDSTICK_RATIONAL,  /* see activations_rational.h: about the least that anything with a division costs */
    YARDSTICK_COUNT
};

enum { YARDSTICK_SIGMOID, YARDSTICK_TANH, YARDSTICK_BLOCK, YARDSTICK_FUNCTIONS };

/* libgru's gate block over units that don't depend on each other, and of units that do. */
enum { OWN_BLOCK, OWN_CHAIN, OWN_FUNCTIONS };

/* Of the gate block (activations_block.h): values that it reads for each unit. Units are a multiple of 64. */
enum { BLOCK_VALUES = 7 };

typedef void yardstick_function(size_t count, const float *x, float *y);

/* NULL where there is none. Arrays have a multiple of 16 values. */
struct activations_isa {
    const char *name; /* of the back end which uses the same instructions */
    yardstick_function *const (*function)[YARDSTICK_FUNCTIONS]; /* YARDSTICK_COUNT of them */
    yardstick_function *const (*own)[GRU_TIERS];                /* libgru's: OWN_FUNCTIONS of each tier */
    size_t lanes;
    /* Finds libmvec's functions, which needn't be there; false if they aren't. */
    bool (*open)(void);
};

extern const struct activations_isa activations_scalar;
#if defined(__x86_64__)
extern const struct activations_isa activations_avx2;
extern const struct activations_isa activations_avx512;
#elif defined(__aarch64__)
extern const struct activations_isa activations_neon;
#endif

/* A layer of sigmoids without a clip. Not a constant: a gate block that knew its layer would be another one. */
extern const struct gru_cell *activations_cell;

/* The set of a back end's name, or NULL. */
const struct activations_isa *activations_isa_named(const char *name);

/* A function of libmvec, by its name in the vector ABI; NULL if there is none. */
void *activations_mvec(const char *name);

#endif
