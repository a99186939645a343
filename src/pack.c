/* SPDX-License-Identifier: BSD-2-Clause */
/* pack.c: the packed format (struct gru_product in backend.h says what it is and why). */
#include <string.h>

#include "layer.h"
#include "size.h"

/* Floats from a group to the next. A kernel reads up to eight groups side by side, and where they lie multiples of 4
 * KiB apart, they compete for the same few sets of the first-level cache: six lines more make them go past each other
 * (read from the second-level cache, 8 groups of 3 x 64 x 16 weights take 2,270 cycles instead of 2,580). Small groups
 * aren't worth a tenth of their size, and a matrix that a first-level cache may hold fills it better without gaps (H =
 * 64: lone steps 0.97 of the time, sequences 0.98). */
static size_t group_stride(size_t units, size_t length, size_t gates, size_t lanes)
{
    enum { KIB_4 = 1024, GAP = 6 * GRU_LINE };
    const size_t group = length * gates * lanes;
    const int gap = group > KIB_4 && group % KIB_4 == 0 && units * length * gates > 2 * (size_t)GRU_NEAR_WEIGHTS;
    return group + (gap ? GAP : 0);
}

/* Where the last group's weights end, a gap behind them or not. */
static size_t weights_end(size_t units, size_t length, size_t gates, size_t lanes)
{
    return units / lanes * group_stride(units, length, gates, lanes) + units % lanes * length * gates;
}

/* Floats of weights, with the vector's width of zeros that follows them. Every caller has checked the sum. */
static size_t weight_floats(size_t units, size_t length, size_t gates, size_t lanes)
{
    return gru_round_up(weights_end(units, length, gates, lanes) + lanes, GRU_LINE);
}

static size_t bias_floats(size_t units, size_t gates, size_t lanes)
{
    return gru_round_up(gru_round_up(units, lanes) * gates, GRU_LINE);
}

int gru_product_bytes(size_t units, size_t length, size_t gates, size_t lanes, size_t *bytes)
{
    /* A quarter of the address range for the numbers leaves room for every rounding up below. */
    size_t numbers;
    if (!gru_elements(units, length, gates, &numbers) || numbers > SIZE_MAX / 16 || units > SIZE_MAX / 64)
        return 0;
    *bytes = (weight_floats(units, length, gates, lanes) + bias_floats(units, gates, lanes)) * sizeof(float);
    return 1;
}

struct gru_product gru_product_place(void *memory, size_t units, size_t length, size_t gates, size_t lanes)
{
    float *weights = memory;
    return (struct gru_product){
        .weights = weights,
        .bias = weights + weight_floats(units, length, gates, lanes),
        .units = units,
        .length = length,
        .group_stride = group_stride(units, length, gates, lanes),
        .far = units * length * gates >= GRU_CACHED_WEIGHTS,
        .gates = gates,
    };
}

/* The scalar form of v_clean: tiny values are read as +0. */
static float clean(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return (bits & 0x7fffffff) < (uint32_t)(127 - 62) << 23 ? 0.0f : value;
}

void gru_product_pack(const struct gru_product *product, size_t lanes, size_t gate, size_t units, gru_matrix matrix,
                      gru_vector bias)
{
    /* The product is const to those who run it; here it is being made. */
    float *weights = (float *)(uintptr_t)product->weights;
    float *biases = (float *)(uintptr_t)product->bias;
    for (size_t unit = 0; unit < product->units; unit += lanes) {
        size_t width = gru_least(product->units - unit, lanes);
        size_t real = gru_least(units - unit, width);
        float *group = weights + unit / lanes * product->group_stride;
        for (size_t k = 0; k < product->length; k++)
            for (size_t lane = 0; lane < width; lane++)
                group[(k * product->gates + gate) * width + lane] =
                    lane < real
                        ? clean(matrix.data[(ptrdiff_t)(unit + lane) * matrix.unit + (ptrdiff_t)k * matrix.column])
                        : 0.0f;
        for (size_t lane = 0; lane < lanes; lane++)
            biases[unit * product->gates + gate * lanes + lane] =
                bias.data && lane < real ? clean(bias.data[(ptrdiff_t)(unit + lane) * bias.unit]) : 0.0f;
    }
    memset(weights + weights_end(product->units, product->length, product->gates, lanes), 0, lanes * sizeof(float));
}
