/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tier.h: the kernels with activations, for one tier. A back end includes it once per tier.
 *
 * Parameter: TIER, the tier's name: fast, faster, accurate or sleef. It ends the name of everything here, and chooses
 * v_sigmoid_TIER and v_tanh_TIER of activation.h.
 */
#include "array.h"
#include "gate.h"
#include "step.h"
#include "lone.h"
#include "ties.h"

#undef TIER
