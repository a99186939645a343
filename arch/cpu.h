/* SPDX-License-Identifier: BSD-2-Clause */
/* cpu.h: what a CPU says of itself, and what follows for the back ends. */
#ifndef GRU_ARCH_CPU_H
#define GRU_ARCH_CPU_H

#include <stdint.h>

/*
 * The registers that decide, apart from the instructions that read them, so that a test can ask what any CPU or any
 * operating system would get. x86: CPUID leaves 1 and 7, XCR0, and the leaf of the first cache. Arm: HWCAP.
 */
struct gru_cpu_registers {
    uint32_t max_leaf;
    uint32_t leaf1_ecx;
    uint32_t leaf7_ebx;
    uint64_t xcr0; /* 0 where the operating system doesn't use XSAVE */
    uint64_t hwcap;
    uint32_t cache_eax, cache_ebx, cache_ecx; /* 0 where the CPU doesn't say */
};

/* What this CPU's registers are. */
struct gru_cpu_registers gru_cpu_read(void);

/* The bits of enum gru_cpu_bit that follow, pure. */
uint32_t gru_cpu_decide(const struct gru_cpu_registers *registers);

#endif
