/* SPDX-License-Identifier: BSD-2-Clause */
/* tiered.h: the names of what exists once for each tier: TIERED(step) is step_fast where TIER is fast. */
#ifndef TIER
#define TIER fast
#endif

#ifndef GRU_KERNELS_TIERED_H
#define GRU_KERNELS_TIERED_H

#define TIERED_PASTE(name, tier) name##_##tier
#define TIERED_EXPAND(name, tier) TIERED_PASTE(name, tier)
#define TIERED(name) TIERED_EXPAND(name, TIER)

#endif
