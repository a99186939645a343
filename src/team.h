/* SPDX-License-Identifier: BSD-2-Clause */
/* team.h: what the rest of the library may ask about a team of threads. */
#ifndef GRU_TEAM_H
#define GRU_TEAM_H

#include <gru.h>
#include <stdbool.h>

/*
 * Whether tasks of this pool that wait may give their CPU away: in pools whose threads may outnumber the CPUs, which is
 * known only of libgru's own teams.
 */
bool gru_pool_may_yield(const gru_pool *pool);

#endif
