/* SPDX-License-Identifier: BSD-2-Clause */
/* relax.h: the pause between two looks at a word that another thread will change. */
#ifndef GRU_RELAX_H
#define GRU_RELAX_H

/*
 * Leaves the core's resources to its other hardware thread and keeps the loop from flooding the memory system. It never
 * calls the system. x86 takes 5 to 60 ns for it. AArch64 has a `yield` too, but most cores take it as a nop, so an
 * `isb` is used, which empties the pipeline and takes some 10 ns. Elsewhere it only keeps the compiler from
 * removing the loop.
 */
static inline void gru_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory");
#else
    __asm__ volatile("" ::: "memory");
#endif
}

#endif
