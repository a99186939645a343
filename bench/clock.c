/* SPDX-License-Identifier: BSD-2-Clause */
/* clock.c: the time stamp counter where it is steady, else the system's monotonic clock. */
#include "clock.h"

#include "util.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

double clock_tick_ns = 1.0;
int clock_uses_counter;
static double overhead_ticks;
static uint64_t started;

uint64_t clock_system_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* CPUID 0x80000007, EDX bit 8: the counter runs at one rate in all power states. */
static int counter_is_steady(void)
{
#if defined(__x86_64__)
    unsigned a, b, c, d;
    return __get_cpuid(0x80000007, &a, &b, &c, &d) && (d >> 8 & 1);
#else
    return 0;
#endif
}

const char *clock_name(void)
{
    return clock_uses_counter ? "time stamp counter" : "clock_gettime";
}

void clock_start(void)
{
    clock_uses_counter = counter_is_steady();
    if (clock_uses_counter) {
        /* 20 ms against a system clock that is read within 0.1 us: an error of 10 ppm. */
        uint64_t system_start = clock_system_ns();
        uint64_t start = clock_ticks();
        while (clock_system_ns() - system_start < 20000000)
            ;
        uint64_t system_end = clock_system_ns();
        clock_tick_ns = (double)(system_end - system_start) / (double)(clock_ticks() - start);
    }
    /* The least of many pairs of readings: what every measurement contains at the very least. */
    overhead_ticks = 1e9;
    for (int i = 0; i < 1000; i++) {
        uint64_t start = clock_ticks();
        double ticks = (double)(clock_ticks() - start);
        overhead_ticks = ticks < overhead_ticks ? ticks : overhead_ticks;
    }
    started = clock_ticks();
}

double clock_between(uint64_t start, uint64_t end)
{
    double ticks = (double)(end - start) - overhead_ticks;
    return ticks > 0.0 ? ticks * clock_tick_ns : 0.0;
}

double clock_seconds(void)
{
    return (double)(clock_ticks() - started) * clock_tick_ns * 1e-9;
}

/* x86: imul has a latency of 3 cycles on every core since 2008 (Intel) and 2017 (AMD). AArch64: a register-to-register
 * eor takes one cycle. */
static inline uint64_t dependent_chain(uint64_t value, int links)
{
    for (int i = 0; i < links; i += 8) {
#if defined(__x86_64__)
        __asm__ volatile("imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0\n\t"
                         "imul %0, %0\n\timul %0, %0\n\timul %0, %0\n\timul %0, %0"
                         : "+r"(value));
#elif defined(__aarch64__)
        __asm__ volatile("eor %0, %0, %1\n\teor %0, %0, %1\n\teor %0, %0, %1\n\teor %0, %0, %1\n\t"
                         "eor %0, %0, %1\n\teor %0, %0, %1\n\teor %0, %0, %1\n\teor %0, %0, %1"
                         : "+r"(value)
                         : "r"((uint64_t)i));
#else
        for (int k = 0; k < 8; k++) {
            value ^= (uint64_t)i;
            __asm__ volatile("" : "+r"(value));
        }
#endif
    }
    return value;
}

double clock_core_ghz(void)
{
#if defined(__x86_64__)
    const double cycles = 3.0;
#else
    const double cycles = 1.0;
#endif
    /* The best of three, since an interrupt can only lengthen a chain. 512 links are 0.6 us at 2.5 GHz: far more than a
     * reading of the clock costs, and a hundredth of a sample. */
    enum { LINKS = 512 };
    double least = 0.0;
    for (int i = 0; i < 3; i++) {
        uint64_t start = clock_ticks();
        dependent_chain(start | 1, LINKS);
        double ns = clock_between(start, clock_ticks());
        least = i == 0 || ns < least ? ns : least;
    }
    return least > 0.0 ? cycles * LINKS / least : 0.0;
}
