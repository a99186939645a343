/* SPDX-License-Identifier: BSD-2-Clause */
/* activations_scalar.c: the yardsticks that every CPU runs, and the choice among the sets. */
#include <dlfcn.h>
#include <math.h>
#include <string.h>

/* Without the CPU's instruction a fused multiply-add is a call, which would make of the least that a function can cost
 * about the most. */
#define YARDSTICKS_UNFUSED
#include "../arch/scalar/vec.h"
#include "activations_rational.h"

static inline vec libm_sigmoid(vec x)
{
    return 1.0f / (1.0f + expf(-x));
}

static void libm_tanh_over(size_t count, const float *x, float *y)
{
    yardstick_over(count, x, y, tanhf);
}

static void libm_sigmoid_over(size_t count, const float *x, float *y)
{
    yardstick_over(count, x, y, libm_sigmoid);
}

static void libm_block_over(size_t count, const float *x, float *y)
{
    yardstick_block(count, x, y, libm_sigmoid, tanhf);
}

/* libmvec has no functions of one value: that is what libm is. */
static bool nothing_to_open(void)
{
    return false;
}

static yardstick_function *const yardsticks[YARDSTICK_COUNT][YARDSTICK_FUNCTIONS] = {
    [YARDSTICK_LIBM] = {libm_sigmoid_over, libm_tanh_over, libm_block_over},
    [YARDSTICK_RATIONAL] = {rational_sigmoid_over, rational_tanh_over, rational_block_over},
};

const struct activations_isa activations_scalar = {"scalar", yardsticks, own_functions, LANES, nothing_to_open};

static const struct gru_cell cell = {.reset = GRU_RESET_AFTER, .update = GRU_UPDATE_KEEP};
const struct gru_cell *activations_cell = &cell;

const struct activations_isa *activations_isa_named(const char *name)
{
    static const struct activations_isa *const all[] = {
#if defined(__x86_64__)
        &activations_avx512,
        &activations_avx2,
#elif defined(__aarch64__)
        &activations_neon,
#endif
        &activations_scalar
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(all[i]->name, name) == 0)
            return all[i];
    return NULL;
}

void *activations_mvec(const char *name)
{
    /* Loaded here instead of linked, since older and other C libraries have none. It stays loaded. */
    void *library = dlopen("libmvec.so.1", RTLD_NOW | RTLD_LOCAL);
    return library ? dlsym(library, name) : NULL;
}
