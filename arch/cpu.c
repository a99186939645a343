/* SPDX-License-Identifier: BSD-2-Clause */
/* cpu.c: which instructions this CPU has and its operating system saves, and whether its first cache is a large one. */
#include "cpu.h"

#include "backend.h"

#if defined(__x86_64__)

#include <cpuid.h>

/* Bits of CPUID leaf 1 ECX, leaf 7 EBX, and XCR0 (Intel SDM volume 2, CPUID; volume 1, 13.3). */
static const uint32_t LEAF1_FMA = UINT32_C(1) << 12, LEAF1_OSXSAVE = UINT32_C(1) << 27, LEAF1_AVX = UINT32_C(1) << 28;
static const uint32_t LEAF7_AVX2 = UINT32_C(1) << 5, LEAF7_AVX512F = UINT32_C(1) << 16;
static const uint32_t LEAF7_AVX512DQ = UINT32_C(1) << 17, LEAF7_AVX512BW = UINT32_C(1) << 30;
static const uint32_t LEAF7_AVX512VL = UINT32_C(1) << 31;
/* Leaf 4, its EAX (the same, and AMD APM volume 3, CPUID 8000_001D, whose layout is the same): kind and level. */
static const uint32_t CACHE_IS = 0xff, CACHE_FIRST_DATA = 0x21;
static const uint64_t XCR0_YMM = 0x06, XCR0_ZMM = 0xe6;

/* The first cache that CPUID lists, the first-level one for data on all CPUs so far. Intel has leaf 4, which AMD leaves
 * empty. */
static void read_cache(struct gru_cpu_registers *r)
{
    uint32_t edx;
    if (r->max_leaf >= 4) /* not covered: as below */
        __cpuid_count(4, 0, r->cache_eax, r->cache_ebx, r->cache_ecx, edx);
    const uint32_t highest = r->cache_eax ? 0 : (uint32_t)__get_cpuid_max(0x80000000, 0);
    if (highest >= 0x8000001d) /* not covered: a CPU has the one leaf or the other */
        __cpuid_count(0x8000001d, 0, r->cache_eax, r->cache_ebx, r->cache_ecx, edx);
}

struct gru_cpu_registers gru_cpu_read(void)
{
    struct gru_cpu_registers r = {0};
    uint32_t eax, ebx, ecx, edx;
    r.max_leaf = (uint32_t)__get_cpuid_max(0, 0);
    /* not covered: this CPU has all three; the conroe leg has no OSXSAVE, and test_dispatch.c has the others */
    if (r.max_leaf >= 1) {
        __cpuid(1, eax, ebx, ecx, edx);
        r.leaf1_ecx = ecx;
    }
    if (r.max_leaf >= 7) { /* not covered: as above */
        __cpuid_count(7, 0, eax, ebx, ecx, edx);
        r.leaf7_ebx = ebx;
    }
    /* CPUID says what the CPU has; XCR0 says whose registers the kernel saves. Without OSXSAVE, xgetbv is illegal. */
    if (r.leaf1_ecx & LEAF1_OSXSAVE) { /* not covered: as above */
        __asm__ volatile("xgetbv" : "=a"(eax), "=d"(edx) : "c"(0));
        r.xcr0 = (uint64_t)edx << 32 | eax;
    }
    read_cache(&r);
    return r;
}

/* Ways, partitions, bytes of a line and sets, each of them less one in its register. */
static uint64_t cache_bytes(const struct gru_cpu_registers *r)
{
    const uint64_t ways = (r->cache_ebx >> 22) + 1, partitions = (r->cache_ebx >> 12 & 0x3ff) + 1;
    return ways * partitions * ((r->cache_ebx & 0xfff) + 1) * ((uint64_t)r->cache_ecx + 1);
}

uint32_t gru_cpu_decide(const struct gru_cpu_registers *r)
{
    uint32_t bits = GRU_CPU_KNOWN;
    if ((r->cache_eax & CACHE_IS) == CACHE_FIRST_DATA && cache_bytes(r) >= GRU_LARGE_CACHE * sizeof(float))
        bits |= GRU_CPU_LARGE_CACHE;
    if (!(r->leaf1_ecx & LEAF1_OSXSAVE) || (r->xcr0 & XCR0_YMM) != XCR0_YMM || !(r->leaf1_ecx & LEAF1_AVX))
        return bits;
    if (r->leaf1_ecx & LEAF1_FMA)
        bits |= GRU_CPU_FMA;
    if (r->max_leaf < 7)
        return bits;
    if (r->leaf7_ebx & LEAF7_AVX2)
        bits |= GRU_CPU_AVX2;
    if ((r->xcr0 & XCR0_ZMM) != XCR0_ZMM)
        return bits;
    if (r->leaf7_ebx & LEAF7_AVX512F)
        bits |= GRU_CPU_AVX512F;
    if (r->leaf7_ebx & LEAF7_AVX512DQ)
        bits |= GRU_CPU_AVX512DQ;
    if (r->leaf7_ebx & LEAF7_AVX512BW)
        bits |= GRU_CPU_AVX512BW;
    if (r->leaf7_ebx & LEAF7_AVX512VL)
        bits |= GRU_CPU_AVX512VL;
    return bits;
}

#elif defined(__aarch64__) && defined(__linux__)

#include <asm/hwcap.h>
#include <sys/auxv.h>

struct gru_cpu_registers gru_cpu_read(void)
{
    return (struct gru_cpu_registers){.hwcap = getauxval(AT_HWCAP)};
}

uint32_t gru_cpu_decide(const struct gru_cpu_registers *r)
{
    return GRU_CPU_KNOWN | (r->hwcap & HWCAP_ASIMD ? GRU_CPU_NEON : 0);
}

#else

struct gru_cpu_registers gru_cpu_read(void)
{
    return (struct gru_cpu_registers){0};
}

/* Elsewhere AArch64 always has NEON, and other families have the scalar back end alone. */
uint32_t gru_cpu_decide(const struct gru_cpu_registers *r)
{
    (void)r;
#if defined(__aarch64__)
    return GRU_CPU_KNOWN | GRU_CPU_NEON;
#else
    return GRU_CPU_KNOWN;
#endif
}

#endif
