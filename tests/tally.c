/* SPDX-License-Identifier: BSD-2-Clause */
/* tally.c: pools that count what they are asked for, and run it in the calling thread, last first, or in a team. */
#include "tally.h"
#include "team.h"

#include <unistd.h>

static void run(void *context, void (*task)(void *argument, size_t i), void *argument, size_t count)
{
    tally *t = context;
    t->calls++;
    t->tasks = count;
    if (t->team != NULL) {
        t->team->run(t->team->context, task, argument, count);
        return;
    }
    for (size_t i = count; i-- > 0 && t->temper != NOTHING;) {
        if (t->temper == ALL || i % 2 == 1) {
            task(argument, i);
        }
    }
}

gru_pool tally_pool(tally *t, size_t threads)
{
    return (gru_pool){.size = sizeof(gru_pool), .threads = threads, .run = run, .context = t};
}

gru_pool tally_team(tally *t, const gru_team *team)
{
    t->team = gru_team_pool(team);
    return tally_pool(t, t->team->threads);
}

bool tally_sleeps(const gru_pool *pool)
{
    for (int tries = 0; tries < 10000 && !gru_pool_sleeps(pool); tries++) {
        usleep(1000);
    }
    return gru_pool_sleeps(pool);
}
