/* SPDX-License-Identifier: BSD-2-Clause */
/* backend.c: the back end of AVX2 with FMA. */
#if !defined(__AVX2__) || !defined(__FMA__)
#error "compile this file with the flags of its row in arch/meson.build"
#endif

#include "vec.h"

#define BACKEND avx2
#define BACKEND_NEEDS (GRU_CPU_AVX2 | GRU_CPU_FMA)
#define BACKEND_SLEEF_NEEDS BACKEND_NEEDS

#include "../../src/kernels/table.h"
