/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tier.h: the kernels with activations, for one tier. A back end includes it once per tier.
 *
 * Parameter: TIER, the tier's name: fast, faster, accurate or sleef. It ends the name of everything here, and chooses
 * v_sigmoid_TIER and v_tanh_TIER of activation.h.
 */
#ifndef TIER
#define TIER fast
#endif
#define TIERED_PASTE(name, tier) name##_##tier
#define TIERED_EXPAND(name, tier) TIERED_PASTE(name, tier)
#define TIERED(name) TIERED_EXPAND(name, TIER)

#include "array.h"
#include "gate.h"
#include "step.h"
#include "stream.h"
#include "ties.h"

#undef TIERED
#undef TIERED_EXPAND
#undef TIERED_PASTE
#undef TIER
