/* SPDX-License-Identifier: BSD-2-Clause */
/* field.c: makes strided rows in guarded memory, and finds what was written between them. */
#include "field.h"

#include <string.h>

/* A signalling pattern: arithmetic would return it as a quiet NaN, with another bit set. */
#define UNTOUCHED UINT32_C(0x7fa5a5a5)

field field_make(size_t outer, size_t inner, size_t width, field_form form)
{
    field f = {.outer = outer, .inner = inner, .width = width};
    size_t near = width + form.gap;
    size_t far = near * (form.swapped ? outer : inner) + 2 * form.gap;
    size_t outer_stride = form.swapped ? near : far, inner_stride = form.swapped ? far : near;
    size_t last = outer > 0 && inner > 0 ? (outer - 1) * outer_stride + (inner - 1) * inner_stride : 0;
    f.count = outer > 0 && inner > 0 ? last + width : 0;
    enum guard_side side = !form.odd ? form.side : check_below(2) == 0 ? GUARD_BEFORE : GUARD_AFTER;
    size_t offset = form.odd ? check_below(16) : form.offset;
    f.buffer = guarded_floats(f.count, side, offset);
    f.origin = f.buffer + (form.negative ? last : 0);
    f.outer_stride = form.negative ? -(ptrdiff_t)outer_stride : (ptrdiff_t)outer_stride;
    f.inner_stride = form.negative ? -(ptrdiff_t)inner_stride : (ptrdiff_t)inner_stride;
    for (size_t i = 0; i < f.count; i++) {
        uint32_t bits = UNTOUCHED;
        memcpy(f.buffer + i, &bits, sizeof bits);
    }
    return f;
}

float *field_row(const field *f, size_t i, size_t k)
{
    return f->origin + (ptrdiff_t)i * f->outer_stride + (ptrdiff_t)k * f->inner_stride;
}

bool field_is_untouched(float value)
{
    return check_bits_of(value) == UNTOUCHED;
}

bool field_untouched(const field *f, size_t i, size_t k)
{
    for (size_t j = 0; j < f->width; j++) {
        if (!field_is_untouched(field_row(f, i, k)[j])) {
            return false;
        }
    }
    return true;
}

void field_check_gaps(const field *f, const char *name)
{
    unsigned char *used = guarded_bytes(f->count, GUARD_AFTER, 0);
    memset(used, 0, f->count);
    for (size_t i = 0; i < f->outer; i++) {
        for (size_t k = 0; k < f->inner; k++) {
            memset(used + (field_row(f, i, k) - f->buffer), 1, f->width);
        }
    }
    size_t written = 0;
    for (size_t i = 0; i < f->count; i++) {
        written += !used[i] && !field_is_untouched(f->buffer[i]);
    }
    CHECK(written == 0, "%s: %zu floats between rows were written", name, written);
    guarded_free(used);
}
