/* SPDX-License-Identifier: BSD-2-Clause */
/* cpu.c: the CPU's features, remembered. */
#include <stdatomic.h>

#include "../arch/cpu.h"
#include "backend.h"

/*
 * The library's only mutable global: one word, 0 until it is known. Threads that meet here for the first time all ask,
 * and the first answer counts, since cores of two kinds may differ in their caches: relaxed order is enough, and nobody
 * waits for anybody.
 */
static _Atomic uint32_t cpu_bits;

uint32_t gru_cpu_bits(void)
{
    uint32_t bits = atomic_load_explicit(&cpu_bits, memory_order_relaxed);
    if (bits == 0) {
        struct gru_cpu_registers registers = gru_cpu_read();
        const uint32_t mine = gru_cpu_decide(&registers);
        if (atomic_compare_exchange_strong_explicit(&cpu_bits, &bits, mine, memory_order_relaxed, memory_order_relaxed))
            bits = mine;
    }
    return bits;
}

size_t gru_first_cache(void)
{
    return gru_cpu_bits() & GRU_CPU_LARGE_CACHE ? GRU_LARGE_CACHE - 1024 : GRU_NEAR_WEIGHTS;
}
