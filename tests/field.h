/* SPDX-License-Identifier: BSD-2-Clause */
/* field.h: rows of floats at two strides inside guarded memory, as a caller of the library may have them. */
#ifndef GRU_FIELD_H
#define GRU_FIELD_H

#include "check.h"

/* Row (i, k) for i < outer and k < inner has `width` floats at origin + i * outer_stride + k * inner_stride. */
typedef struct field {
    float *buffer, *origin;
    size_t count; /* of the buffer */
    size_t outer, inner, width;
    ptrdiff_t outer_stride, inner_stride;
} field;

/* How a field lies in memory. */
typedef struct field_form {
    bool swapped;  /* the inner index varies slowest */
    bool negative; /* both strides are negative */
    bool odd;      /* a random alignment and guard, else these: */
    size_t offset;
    enum guard_side side;
    size_t gap; /* unused floats after each row, and twice as many after each row of rows */
} field_form;

/* A field whose floats, gaps too, are all a NaN that no computation makes. */
field field_make(size_t outer, size_t inner, size_t width, field_form form);

float *field_row(const field *f, size_t i, size_t k);

/* Whether a row, or one float, is as field_make left it. */
bool field_is_untouched(float value);
bool field_untouched(const field *f, size_t i, size_t k);

/* Checks that what isn't a row is as field_make left it. */
void field_check_gaps(const field *f, const char *name);

#endif
