/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slowed.c: libgru with exactly SLOWED_PERCENT more work in gru_tanh, to see that `grubench ab` finds it. The build
 * renames the library's own gru_tanh; this one calls it, and then again for so many of the elements, whose results are
 * thrown away.
 *
 * It is built with 5 and with 0 percent, and these two are compared. The library as it is would be no fair partner: its
 * code lies elsewhere, and where a loop lies in relation to 32-byte borders alone is worth 5 % on some CPUs. The
 * number is data for the same reason: both builds have the same instructions at the same addresses.
 */
#include <gru.h>

#ifndef SLOWED_PERCENT
#define SLOWED_PERCENT 5
#endif

static const volatile size_t percent = SLOWED_PERCENT;

enum gru_status slowed_tanh(const gru_backend *backend, enum gru_tier tier, size_t count, const float *x, float *y,
                            gru_error *error);

GRU_API enum gru_status gru_tanh(const gru_backend *backend, enum gru_tier tier, size_t count, const float *x, float *y,
                                 gru_error *error)
{
    enum gru_status status = slowed_tanh(backend, tier, count, x, y, error);
    float scratch[256];
    for (size_t left = count * percent / 100; status == GRU_OK && left > 0;) {
        size_t part = left < 256 ? left : 256;
        status = slowed_tanh(backend, tier, part, x, scratch, error);
        left -= part;
    }
    return status;
}
