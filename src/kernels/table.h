/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * table.h: all bodies, and the one datum that a back end exports. arch/<isa>/backend.c includes it last.
 *
 * Parameters: BACKEND, the name; BACKEND_NEEDS and BACKEND_SLEEF_NEEDS, the CPU bits without which it can't run.
 */
#include "blend.h"
#include "clean.h"
#include "product.h"

#define TIER fast
#include "tier.h"
#define TIER faster
#include "tier.h"
#define TIER accurate
#include "tier.h"
#define TIER sleef
#include "tier.h"

#define BACKEND_TEXT(name) #name
#define BACKEND_STRING(name) BACKEND_TEXT(name)
#define BACKEND_PASTE(name) gru_backend_##name
#define BACKEND_SYMBOL(name) BACKEND_PASTE(name)

extern const struct gru_backend BACKEND_SYMBOL(BACKEND);
const struct gru_backend BACKEND_SYMBOL(BACKEND) = {
    .name = BACKEND_STRING(BACKEND),
    .needs = BACKEND_NEEDS,
    .sleef_needs = BACKEND_SLEEF_NEEDS,
    .lanes = LANES,
    .ahead_rows = {[2] = AHEAD_TWO, [3] = AHEAD_THREE},
#define GRU_KERNEL(kernel, parameters) .kernel = kernel,
#define GRU_TIERED_KERNEL(kernel, parameters)                                                                          \
    .kernel = {kernel##_fast, kernel##_faster, kernel##_accurate, kernel##_sleef},
#include "kernels.def"
#undef GRU_KERNEL
#undef GRU_TIERED_KERNEL
};
