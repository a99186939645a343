/* SPDX-License-Identifier: BSD-2-Clause */
/* backend.c: the back end of NEON on AArch64. */
#if !defined(__aarch64__) || !defined(__ARM_NEON)
#error "this back end is for AArch64"
#endif

#include "vec.h"

#define BACKEND neon
#define BACKEND_NEEDS GRU_CPU_NEON
#define BACKEND_SLEEF_NEEDS BACKEND_NEEDS

#include "../../src/kernels/table.h"
