/* SPDX-License-Identifier: BSD-2-Clause */
/* fpu.h: the floating-point control and status of this CPU, as one word each. */
#ifndef GRU_FPU_H
#define GRU_FPU_H

#include <stdint.h>

/*
 * x86 has rounding, masks, FTZ and DAZ in MXCSR, with the sticky flags beside them, and the x87 unit has a control word of its
 * own that a library could upset as well. AArch64 keeps them apart in FPCR and FPSR.
 */
#if defined(__x86_64__)

enum { FPU_FLUSH = 0x8040, FPU_FLAGS = 0x3f, FPU_DENORMAL = 0x02 };

static inline uint64_t fpu_control(void)
{
    uint32_t mxcsr = 0; /* which a memory checker doesn't see the assembler write */
    uint16_t x87 = 0;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    __asm__ volatile("fnstcw %0" : "=m"(x87));
    return (uint64_t)x87 << 32 | (mxcsr & ~(uint32_t)FPU_FLAGS);
}

static inline uint32_t fpu_flags(void)
{
    uint32_t mxcsr = 0;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    return mxcsr & FPU_FLAGS;
}

/* Adds and takes away bits of MXCSR. */
static inline void fpu_change(uint32_t set, uint32_t clear)
{
    uint32_t mxcsr = 0;
    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    mxcsr = (mxcsr | set) & ~clear;
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}

#elif defined(__aarch64__)

/* The flag of a subnormal operand rises only where it is flushed, so it says nothing here. */
enum { FPU_FLUSH = 1 << 24, FPU_FLAGS = 0x9f, FPU_DENORMAL = 0 };

static inline uint64_t fpu_control(void)
{
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
}

static inline uint32_t fpu_flags(void)
{
    uint64_t fpsr;
    __asm__ volatile("mrs %0, fpsr" : "=r"(fpsr));
    return (uint32_t)fpsr & FPU_FLAGS;
}

/* Adds and takes away bits of FPCR; flags are cleared in FPSR. */
static inline void fpu_change(uint32_t set, uint32_t clear)
{
    uint64_t fpcr = (fpu_control() | set) & ~(uint64_t)(clear & ~(uint32_t)FPU_FLAGS), fpsr;
    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr));
    __asm__ volatile("mrs %0, fpsr" : "=r"(fpsr));
    fpsr &= ~(uint64_t)(clear & FPU_FLAGS);
    __asm__ volatile("msr fpsr, %0" : : "r"(fpsr));
}

#else

enum { FPU_FLUSH = 0, FPU_FLAGS = 0, FPU_DENORMAL = 0 };

static inline uint64_t fpu_control(void)
{
    return 0;
}

static inline uint32_t fpu_flags(void)
{
    return 0;
}

static inline void fpu_change(uint32_t set, uint32_t clear)
{
    (void)set, (void)clear;
}

#endif

#endif
