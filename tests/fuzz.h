/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz.h: what the two halves of the fuzz target share: reading an input, making numbers, and the layers. */
#ifndef GRU_FUZZ_H
#define GRU_FUZZ_H

#include <gru.h>

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_BACKENDS = 4, LAYERS = 3 };

typedef struct input {
    const uint8_t *data;
    size_t left;
} input;

static inline unsigned byte(input *in)
{
    if (in->left == 0) {
        return 0;
    }
    in->left--;
    return *in->data++;
}

static inline size_t below(input *in, size_t limit)
{
    return byte(in) % limit;
}

#define REQUIRE(condition)                                                                                             \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                                                  \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

/* A value that now and then is one of those that break things; ordinary otherwise. */
static inline float number(input *in)
{
    static const uint32_t odd[] = {0x00000000, 0x80000000, 0x00000001, 0x807fffff, 0x00800000, 0x207fffff, 0x2b800000,
                                   0x7f7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0x7f800001};
    unsigned b = byte(in);
    float value = ((float)b - 120.0f) / 64.0f;
    if (b >= 244) {
        memcpy(&value, &odd[b - 244], sizeof value);
    }
    return value;
}

/* Exactly so many floats, so that a sanitizer sees the first one beyond. A few bytes of input make all of them. */
static inline float *make_floats(input *in, size_t count)
{
    float *array = malloc(count * sizeof(float) + (count == 0));
    REQUIRE(array != NULL);
    uint32_t state = byte(in) + 1;
    for (size_t i = 0; i < count; i++) {
        state = state * 1664525 + 1013904223;
        array[i] = (float)(int32_t)state * 0x1p-31f;
    }
    for (size_t odd = below(in, 4); odd > 0 && count > 0; odd--) {
        array[(byte(in) << 8 | byte(in)) % count] = number(in);
    }
    return array;
}

static inline bool same_bits(const float *a, const float *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        uint32_t x, y;
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        if (x != y && !(isnan(a[i]) && isnan(b[i]))) {
            return false;
        }
    }
    return true;
}

/* Enum fields are in range but for one time in sixteen. */
static inline int choice(input *in, int count)
{
    unsigned b = byte(in);
    return b >= 240 ? (int)b - 244 : (int)(b % (unsigned)count);
}

/* The back ends of this CPU; the last one is scalar. */
extern const gru_backend *backends[MOST_BACKENDS];
extern size_t backend_count;

/* A layer on each back end, of the same weights. */
typedef struct slot {
    gru_desc desc;
    gru_layer *layers[MOST_BACKENDS]; /* all or none */
} slot;

/* fuzz_run.c: one run of one layer or of a stack of them. */
void fuzz_run(input *in, slot *slots);

#endif
