/* SPDX-License-Identifier: BSD-2-Clause */
/* backend.c: the back end of AVX-512 (F, BW, DQ, VL). */
#if !defined(__AVX512F__) || !defined(__AVX512BW__) || !defined(__AVX512DQ__) || !defined(__AVX512VL__) || \
    !defined(__FMA__)
#error "compile this file with the flags of its row in arch/meson.build"
#endif

#include "vec.h"

#define BACKEND avx512
#define BACKEND_NEEDS \
    (GRU_CPU_AVX512F | GRU_CPU_AVX512BW | GRU_CPU_AVX512DQ | GRU_CPU_AVX512VL | GRU_CPU_AVX2 | GRU_CPU_FMA)
#define BACKEND_SLEEF_NEEDS BACKEND_NEEDS

#include "../../src/kernels/table.h"
