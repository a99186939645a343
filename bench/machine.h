/* SPDX-License-Identifier: BSD-2-Clause */
/* machine.h: what this machine is: CPU, features, caches, governor or hypervisor; pinning; memory on small or huge
 * pages. */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>

struct machine {
    char cpu[128];
    char features[128];  /* those that matter to a GRU */
    char hypervisor[32]; /* "none" if there is none */
    char governor[32];   /* "unknown" where the system doesn't say */
    char huge_pages[32]; /* the system's setting of transparent huge pages */
    char kernel[96];
    char compiler[64];
    size_t cpus;     /* that this process may use */
    size_t cache[3]; /* bytes of L1d, L2, L3; 0 if unknown */
};

/* Everything that can be known without measuring. */
const struct machine *machine_this(void);

/* "L1", "L2", "L3" or "memory": the level that holds so many bytes, by the caches' sizes. */
const char *machine_level(const size_t cache[3], double bytes);

/* What the system could still give, all of its memory where it doesn't say. */
double machine_free_bytes(void);

/* Pins the calling thread to one of the CPUs that the process started with (the i-th, counted from the last, which
 * has the fewest interrupts as a rule). */
void machine_pin(size_t i);
/* Gives it all of them again, so that threads which it starts may spread. */
void machine_unpin(void);
/* Called by the first thread: pins it again, and each other one to a CPU of its own. Else the system may leave a worker
 * on its caller's CPU for tens of milliseconds, which is as long as a sample. */
void machine_pin_all(void);

/* `bytes` of zeroed memory on huge pages, or on small ones; written to, so that it is really there. */
void *machine_pages(size_t bytes, bool huge);
void machine_pages_free(void *memory, size_t bytes);

#endif
