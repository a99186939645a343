/* SPDX-License-Identifier: BSD-2-Clause */
/* cpu.c: the CPU's features, remembered. */
#include <stdatomic.h>

#include "../arch/cpu.h"
#include "backend.h"

/*
 * The library's only mutable global: one word, 0 until it is known. Threads that meet here for the first time all
 * compute the same value, so that relaxed order is enough and nobody waits for anybody.
 */
static _Atomic uint32_t cpu_bits;

uint32_t gru_cpu_bits(void)
{
    uint32_t bits = atomic_load_explicit(&cpu_bits, memory_order_relaxed);
    if (bits == 0) {
        struct gru_cpu_registers registers = gru_cpu_read();
        bits = gru_cpu_decide(&registers);
        atomic_store_explicit(&cpu_bits, bits, memory_order_relaxed);
    }
    return bits;
}
