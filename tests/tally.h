/* SPDX-License-Identifier: BSD-2-Clause */
/* tally.h: pools that count what they are asked for, and run it in the calling thread, last first, or in a team. */
#ifndef GRU_TALLY_H
#define GRU_TALLY_H

#include "check.h"

/* Which tasks a pool runs. */
enum temper { ALL, NOTHING, EVERY_OTHER, TEMPERS };

typedef struct tally {
    enum temper temper;
    size_t calls;
    size_t tasks; /* of the last call */
    const gru_pool *team;
} tally;

/* A pool that says it has so many threads. The tally must live as long. */
gru_pool tally_pool(tally *t, size_t threads);

/* Whether the threads of a team's pool sleep, soon. */
bool tally_sleeps(const gru_pool *pool);

/* A team as somebody else's pool, which every run uses that is cut: libgru's own isn't woken for a short run. */
gru_pool tally_team(tally *t, const gru_team *team);

#endif
