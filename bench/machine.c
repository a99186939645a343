/* SPDX-License-Identifier: BSD-2-Clause */
/* machine.c: reads what the system says about itself, from /proc, /sys and CPUID. */
#include "machine.h"

#include "util.h"

#include <dirent.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

/* The first line of a file, or `otherwise`. */
static void first_line(const char *path, char *text, size_t size, const char *otherwise)
{
    FILE *file = fopen(path, "r");
    if (!file || !fgets(text, (int)size, file))
        snprintf(text, size, "%s", otherwise);
    if (file)
        fclose(file);
    text[strcspn(text, "\n")] = '\0';
}

static void find_cpu(struct machine *machine)
{
    snprintf(machine->cpu, sizeof machine->cpu, "unknown");
    FILE *file = fopen("/proc/cpuinfo", "r");
    char line[4096];
    while (file && fgets(line, sizeof line, file)) {
        bool named = strncmp(line, "model name", 10) == 0 || strncmp(line, "CPU part", 8) == 0;
        char *colon = strchr(line, ':');
        if (!named || !colon || strlen(colon) < 3)
            continue;
        line[strcspn(line, "\n")] = '\0';
        snprintf(machine->cpu, sizeof machine->cpu, "%.100s%.100s", line[0] == 'C' ? "Arm part " : "", colon + 2);
        break;
    }
    if (file)
        fclose(file);
}

static void add_feature(struct machine *machine, bool there, const char *name)
{
    size_t length = strlen(machine->features);
    if (there)
        snprintf(machine->features + length, sizeof machine->features - length, "%s%s", length ? " " : "", name);
}

static void find_features(struct machine *machine)
{
    snprintf(machine->hypervisor, sizeof machine->hypervisor, "none");
#if defined(__x86_64__)
    __builtin_cpu_init();
    add_feature(machine, __builtin_cpu_supports("avx2"), "avx2");
    add_feature(machine, __builtin_cpu_supports("fma"), "fma");
    add_feature(machine, __builtin_cpu_supports("avx512f"), "avx512f");
    add_feature(machine, __builtin_cpu_supports("avx512bw"), "avx512bw");
    add_feature(machine, __builtin_cpu_supports("avx512dq"), "avx512dq");
    add_feature(machine, __builtin_cpu_supports("avx512vl"), "avx512vl");
    add_feature(machine, __builtin_cpu_supports("avx512vnni"), "avx512vnni");
    unsigned a, b, c, d;
    if (__get_cpuid(1, &a, &b, &c, &d) && (c >> 31 & 1)) {
        /* The leaf that CPUID reserves for hypervisors names them in EBX, ECX, EDX. */
        __cpuid(0x40000000, a, b, c, d);
        char name[13] = "";
        memcpy(name, &b, 4);
        memcpy(name + 4, &c, 4);
        memcpy(name + 8, &d, 4);
        snprintf(machine->hypervisor, sizeof machine->hypervisor, "%s", name[0] ? name : "unnamed");
    }
#elif defined(__aarch64__)
    add_feature(machine, true, "neon");
    if (access("/sys/hypervisor/type", R_OK) == 0)
        first_line("/sys/hypervisor/type", machine->hypervisor, sizeof machine->hypervisor, "unknown");
#endif
}

static void find_caches(struct machine *machine)
{
    /* Those of CPU 0 stand for all; Linux lists some four, the instructions' among them. */
    for (int index = 0; index < 8; index++) {
        char path[96], type[16], size[16], level[8];
        const char *folder = "/sys/devices/system/cpu/cpu0/cache/index";
        snprintf(path, sizeof path, "%s%d/type", folder, index);
        first_line(path, type, sizeof type, "");
        snprintf(path, sizeof path, "%s%d/size", folder, index);
        first_line(path, size, sizeof size, "0");
        snprintf(path, sizeof path, "%s%d/level", folder, index);
        first_line(path, level, sizeof level, "0");
        long which = atol(level);
        if (which < 1 || which > 3 || strcmp(type, "Instruction") == 0)
            continue;
        size_t unit = strchr(size, 'K') ? 1024 : strchr(size, 'M') ? 1048576 : 1;
        machine->cache[which - 1] = (size_t)atol(size) * unit;
    }
}

/* The CPUs that the process had at first: each pin takes all but one away, and which there are must not change by it.
 */
static cpu_set_t *first_cpus(void)
{
    static cpu_set_t set;
    if (CPU_COUNT(&set) == 0)
        sched_getaffinity(0, sizeof set, &set);
    return &set;
}

const struct machine *machine_this(void)
{
    static struct machine machine;
    if (machine.cpus)
        return &machine;
    find_cpu(&machine);
    find_features(&machine);
    find_caches(&machine);
    first_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", machine.governor, sizeof machine.governor,
               "unknown");
    first_line("/sys/kernel/mm/transparent_hugepage/enabled", machine.huge_pages, sizeof machine.huge_pages, "unknown");
    struct utsname system;
    uname(&system);
    snprintf(machine.kernel, sizeof machine.kernel, "%.20s %.60s", system.sysname, system.release);
    snprintf(machine.compiler, sizeof machine.compiler, "%s",
#if defined(__clang__)
             "clang "
#elif defined(__GNUC__)
             "gcc "
#endif
             __VERSION__);
    machine.cpus = (size_t)CPU_COUNT(first_cpus());
    return &machine;
}

/* MemAvailable counts the page cache, which gives way; without /proc all memory is taken to be free. */
double machine_free_bytes(void)
{
    double bytes = (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/proc/meminfo", "r");
    char line[256];
    unsigned long long kib;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
            bytes = 1024.0 * (double)kib;
    if (file)
        fclose(file);
    return bytes;
}

const char *machine_level(const size_t cache[3], double bytes)
{
    static const char *const names[] = {"L1", "L2", "L3"};
    for (int i = 0; i < 3; i++)
        if (cache[i] && bytes <= (double)cache[i])
            return names[i];
    return "memory";
}

static void pin_thread(pid_t thread, size_t i)
{
    cpu_set_t *all = first_cpus();
    size_t left = i % (size_t)CPU_COUNT(all);
    for (size_t cpu = CPU_SETSIZE; cpu-- > 0;) {
        if (!CPU_ISSET(cpu, all) || left-- > 0)
            continue;
        cpu_set_t one;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        /* Where a sandbox forbids it, the benchmark runs unpinned: noisier, but not wrong. */
        sched_setaffinity(thread, sizeof one, &one);
        return;
    }
}

void machine_pin(size_t i)
{
    pin_thread(0, i);
}

/* A team's threads are the library's, which offers no handle to them: they are found as the process' other tasks. */
void machine_pin_all(void)
{
    machine_pin(0);
    DIR *tasks = opendir("/proc/self/task");
    size_t i = 1;
    for (const struct dirent *task; tasks && (task = readdir(tasks)) != NULL;) {
        pid_t thread = (pid_t)atol(task->d_name);
        if (thread > 0 && thread != getpid())
            pin_thread(thread, i++);
    }
    if (tasks)
        closedir(tasks);
}

void machine_unpin(void)
{
    sched_setaffinity(0, sizeof *first_cpus(), first_cpus());
}

enum { HUGE_PAGE = 2 << 20 };

/* One huge page more than asked for, so that the part used can start at a huge page's border. */
void *machine_pages(size_t bytes, bool huge)
{
    size_t whole = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE + HUGE_PAGE;
    char *memory = mmap(NULL, whole, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        fail("out of memory (%zu bytes)", bytes);
    size_t lead = (HUGE_PAGE - (size_t)memory % HUGE_PAGE) % HUGE_PAGE;
    if (lead)
        munmap(memory, lead);
    munmap(memory + lead + whole - HUGE_PAGE, HUGE_PAGE - lead);
    madvise(memory + lead, whole - HUGE_PAGE, huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    /* Until it is written to, memory is one page of zeros, which every cache holds. */
    memset(memory + lead, 0, bytes);
    return memory + lead;
}

void machine_pages_free(void *memory, size_t bytes)
{
    munmap(memory, (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE);
}
