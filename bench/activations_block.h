/* SPDX-License-Identifier: BSD-2-Clause */
/* activations_block.h: the gate block alone, the reset after: libgru's own, which is the body that its back ends are
 * made of, and the same equations with anybody's functions. Included after an arch/<isa>/vec.h.
 *
 * x: [group][gate][lane] of the input's chains, the same of the recurrent ones, then the states; y: the new states. */
#include "activations_isa.h"

#include "../src/kernels/activation.h"

static inline vec yardstick_fma(vec a, vec b, vec c)
{
#ifdef YARDSTICKS_UNFUSED
    return v_add(v_mul(a, b), c);
#else
    return v_fma(a, b, c);
#endif
}

/* A yardstick's loop; `function` is a constant at each call, so that it is compiled in. */
static inline __attribute__((always_inline)) void yardstick_over(size_t count, const float *x, float *y,
                                                                 vec (*function)(vec))
{
    for (size_t i = 0; i < count; i += LANES)
        v_store(y + i, function(v_load(x + i)));
}

/* `sigmoid` and `tanh` are constants at each call, so that they are compiled in. */
static inline __attribute__((always_inline)) void yardstick_block(size_t count, const float *x, float *y,
                                                                  vec (*sigmoid)(vec), vec (*tanh)(vec))
{
    const size_t units = count / BLOCK_VALUES;
    const float *ax = x, *ah = x + 3 * units, *h = x + 6 * units;
    for (size_t unit = 0; unit < units; unit += LANES, ax += 3 * LANES, ah += 3 * LANES) {
        vec r = sigmoid(v_add(v_load(ax), v_load(ah)));
        vec z = sigmoid(v_add(v_load(ax + LANES), v_load(ah + LANES)));
        vec n = tanh(yardstick_fma(r, v_load(ah + 2 * LANES), v_load(ax + 2 * LANES)));
        v_store(y + unit, yardstick_fma(z, v_sub(v_load(h + unit), n), n));
    }
}

#define TIER fast
#include "activations_tier.h"
#define TIER faster
#include "activations_tier.h"
#define TIER accurate
#include "activations_tier.h"
#define TIER sleef
#include "activations_tier.h"

static yardstick_function *const own_functions[OWN_FUNCTIONS][GRU_TIERS] = {
    [OWN_BLOCK] = {own_block_fast, own_block_faster, own_block_accurate, own_block_sleef},
    [OWN_CHAIN] = {own_chain_fast, own_chain_faster, own_chain_accurate, own_chain_sleef},
};
