/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slowed.c: libgru with exactly SLOWED_PERCENT more work in gru_tanh, to see that `grubench ab` finds it. The build
 * renames the library's own gru_tanh; this one calls it, and in SLOWED_PERCENT calls of a hundred, evenly spread, once
 * more.
 *
 * It is built with 5 and with 0 percent, and these two are compared. The library as it is would be no fair partner: its
 * code lies elsewhere, and where a loop lies in relation to 32-byte borders alone is worth 5 % on some CPUs. The
 * number is data for the same reason: both builds have the same instructions at the same addresses.
 */
#include <gru.h>

#ifndef SLOWED_PERCENT
#define SLOWED_PERCENT 5
#endif

static const volatile unsigned percent = SLOWED_PERCENT;

enum gru_status slowed_tanh(const gru_backend *backend, enum gru_tier tier, size_t count, const float *x, float *y,
                            gru_error *error);

GRU_API enum gru_status gru_tanh(const gru_backend *backend, enum gru_tier tier, size_t count, const float *x, float *y,
                                 gru_error *error)
{
    static _Thread_local unsigned owed;
    owed += percent;
    if (owed >= 100) {
        owed -= 100;
        /* Into an array of its own, since y may be x; in parts, since it has to end somewhere. */
        float scratch[1024];
        for (size_t done = 0; done < count; done += 1024)
            slowed_tanh(backend, tier, count - done < 1024 ? count - done : 1024, x + done, scratch, error);
    }
    return slowed_tanh(backend, tier, count, x, y, error);
}
