/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slowed.c: libgru with exactly 5 % more work in gru_tanh, to see that `grubench ab` finds it. The build renames the
 * library's own gru_tanh; this one calls it, and then again for one element in twenty, whose results are thrown away.
 */
#include <gru.h>

enum gru_status slowed_tanh(const gru_backend *backend, enum gru_tier tier, size_t count, const float *x, float *y,
                            gru_error *error);

GRU_API enum gru_status gru_tanh(const gru_backend *backend, enum gru_tier tier, size_t count, const float *x, float *y,
                                 gru_error *error)
{
    enum gru_status status = slowed_tanh(backend, tier, count, x, y, error);
    float scratch[256];
    for (size_t left = count / 20; status == GRU_OK && left > 0;) {
        size_t part = left < 256 ? left : 256;
        status = slowed_tanh(backend, tier, part, x, scratch, error);
        left -= part;
    }
    return status;
}
