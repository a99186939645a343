/* SPDX-License-Identifier: BSD-2-Clause */
/* wait.h: how a thread waits for a word that another one will change. */
#ifndef GRU_WAIT_H
#define GRU_WAIT_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>

#include "../arch/relax.h"

/* How many looks a waiting thread takes before it gives its CPU away, if it may. */
enum { GRU_LOOKS_BEFORE_YIELD = 4096 };

/* The pause after a look that found nothing, of which there have been `looks`. */
static inline void gru_wait(size_t *looks, bool may_yield)
{
    if (may_yield && *looks >= GRU_LOOKS_BEFORE_YIELD) {
        sched_yield();
        return;
    }
    ++*looks;
    gru_relax();
}

#endif
