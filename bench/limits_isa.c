/* SPDX-License-Identifier: BSD-2-Clause */
/* limits_isa.c: which of the measuring loops this CPU can run. */
#include "limits_isa.h"

#include <stdbool.h>
#include <string.h>

/* GCC's and clang's __builtin_cpu_supports asks XCR0 too, so a set that the kernel doesn't save isn't reported. */
static size_t runnable(const struct limits_isa *list[4])
{
    size_t n = 0;
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (fma && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        list[n++] = &limits_avx512;
    if (fma)
        list[n++] = &limits_avx2;
#elif defined(__aarch64__)
    list[n++] = &limits_neon;
#endif
    list[n++] = &limits_scalar; /* last and always, so that the probe of quiet.c has one to run */
    return n;
}

const struct limits_isa *limits_isa_at(size_t i)
{
    const struct limits_isa *list[4];
    return i < runnable(list) ? list[i] : NULL;
}

const struct limits_isa *limits_isa_named(const char *name)
{
    const struct limits_isa *isa;
    for (size_t i = 0; (isa = limits_isa_at(i)) != NULL; i++)
        if (strcmp(isa->name, name) == 0)
            return isa;
    return NULL;
}
