/* SPDX-License-Identifier: BSD-2-Clause */
/* team.h: what the rest of the library may ask about a team of threads. */
#ifndef GRU_TEAM_H
#define GRU_TEAM_H

#include <gru.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Whether tasks of this pool that wait may give their CPU away: in pools whose threads may outnumber the CPUs, which is
 * known only of libgru's own teams.
 */
bool gru_pool_may_yield(const gru_pool *pool);

/*
 * Whether the threads of a pool sleep, which is known only of libgru's own teams; and then, whether a run of so many
 * multiply-adds had better let them (wake.h). One that does says when it is over.
 */
bool gru_pool_sleeps(const gru_pool *pool);
bool gru_pool_spares(const gru_pool *pool, size_t work);
void gru_pool_spared(const gru_pool *pool, size_t work);

#endif
