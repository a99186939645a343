/* SPDX-License-Identifier: BSD-2-Clause */
/* limits_use.c: limits as JSON and back, and what they say about a number of threads and a working set. */
#include "limits.h"
#include "util.h"

#include <math.h>
#include <string.h>

/* Raised whenever a file of before can't be read any more. */
enum { LIMITS_FORMAT = 4 };

cJSON *machine_to_json(cJSON *parent, const char *key, const struct machine *machine)
{
    cJSON *json = json_put_object(parent, key);
    json_put_text(json, "cpu", machine->cpu);
    json_put_text(json, "features", machine->features);
    json_put_text(json, "hypervisor", machine->hypervisor);
    json_put_text(json, "governor", machine->governor);
    json_put_text(json, "huge_pages", machine->huge_pages);
    json_put_text(json, "kernel", machine->kernel);
    json_put_text(json, "compiler", machine->compiler);
    json_put_number(json, "cpus", (double)machine->cpus);
    json_put_number(json, "l1d_bytes", (double)machine->cache[0]);
    json_put_number(json, "l2_bytes", (double)machine->cache[1]);
    json_put_number(json, "l3_bytes", (double)machine->cache[2]);
    return json;
}

static void read_to_json(cJSON *json, const struct limits_read *read)
{
    json_put_number(json, "bytes", read->bytes);
    json_put_number(json, "one_small_pages", read->one[PAGES_SMALL]);
    json_put_number(json, "one_huge_pages", read->one[PAGES_HUGE]);
    json_put_number(json, "all_small_pages", read->all[PAGES_SMALL]);
    json_put_number(json, "all_huge_pages", read->all[PAGES_HUGE]);
    json_put_number(json, "streams", (double)read->streams);
    json_put_number(json, "prefetch", (double)read->ahead);
    json_put_number(json, "one_by_multiply_adds", read->fed);
}

void limits_to_json(cJSON *json, const struct limits *limits)
{
    json_put_text(json, "grubench", "limits");
    json_put_number(json, "format", LIMITS_FORMAT);
    machine_to_json(json, "machine", &limits->machine);
    json_put_number(json, "threads", (double)limits->threads);
    json_put_number(json, "barrier_ns", limits->barrier_ns);
    json_put_number(json, "quiet_level", limits->quiet_level);
    json_put_number(json, "quiet_share", limits->quiet_share);
    json_put_number(json, "seconds", limits->seconds);
    cJSON *backends = json_put_array(json, "backends");
    for (size_t i = 0; i < limits->backends; i++) {
        const struct limits_backend *backend = &limits->backend[i];
        cJSON *entry = json_append_object(backends);
        json_put_text(entry, "name", backend->name);
        json_put_number(entry, "lanes", (double)backend->lanes);
        json_put_number(entry, "fma_gflops_one", backend->peak_one);
        json_put_number(entry, "fma_gflops_all", backend->peak_all);
        json_put_number(entry, "ghz", backend->ghz);
        json_put_number(entry, "fma_latency_ns", backend->fma_ns);
        json_put_number(entry, "division_ns", backend->division_ns);
        cJSON *reads = json_put_array(entry, "read");
        for (size_t k = 0; k < backend->reads; k++)
            read_to_json(json_append_object(reads), &backend->read[k]);
        cJSON *steps = json_put_array(entry, "steps");
        for (size_t k = 0; k < backend->steps; k++) {
            cJSON *step = json_append_object(steps);
            json_put_number(step, "hidden", (double)backend->step[k].hidden);
            json_put_number(step, "batch", (double)backend->step[k].batch);
            json_put_number(step, "ns", backend->step[k].ns);
        }
    }
}

static void text_from_json(char *text, size_t size, const cJSON *json, const char *key, const char *file)
{
    snprintf(text, size, "%s", json_text_of(json, key, file));
}

void machine_from_json(struct machine *machine, const cJSON *json, const char *file)
{
    text_from_json(machine->cpu, sizeof machine->cpu, json, "cpu", file);
    text_from_json(machine->features, sizeof machine->features, json, "features", file);
    text_from_json(machine->hypervisor, sizeof machine->hypervisor, json, "hypervisor", file);
    text_from_json(machine->governor, sizeof machine->governor, json, "governor", file);
    text_from_json(machine->huge_pages, sizeof machine->huge_pages, json, "huge_pages", file);
    text_from_json(machine->kernel, sizeof machine->kernel, json, "kernel", file);
    text_from_json(machine->compiler, sizeof machine->compiler, json, "compiler", file);
    machine->cpus = json_size_of(json, "cpus", file);
    machine->cache[0] = json_size_of(json, "l1d_bytes", file);
    machine->cache[1] = json_size_of(json, "l2_bytes", file);
    machine->cache[2] = json_size_of(json, "l3_bytes", file);
}

static void read_from_json(struct limits_read *read, const cJSON *json, const char *file)
{
    read->bytes = json_positive_of(json, "bytes", file);
    read->one[PAGES_SMALL] = json_positive_of(json, "one_small_pages", file);
    read->one[PAGES_HUGE] = json_positive_of(json, "one_huge_pages", file);
    read->all[PAGES_SMALL] = json_positive_of(json, "all_small_pages", file);
    read->all[PAGES_HUGE] = json_positive_of(json, "all_huge_pages", file);
    read->streams = json_size_of(json, "streams", file);
    read->ahead = json_size_of(json, "prefetch", file);
    read->fed = json_positive_of(json, "one_by_multiply_adds", file);
}

/* A file from elsewhere may hold anything: each count is held against its array, each figure must be one that can be
 * divided by, and what the interpolations take for granted, that sizes grow, is checked here and not there. */
static void steps_from_json(struct limits_backend *backend, const cJSON *json, const char *file)
{
    const cJSON *step;
    cJSON_ArrayForEach(step, json_member(json, "steps", JSON_ARRAY, file))
    {
        if (backend->steps == LIMITS_STEPS)
            fail("%s: more than %d steps", file, LIMITS_STEPS);
        struct limits_step *to = &backend->step[backend->steps++];
        to->hidden = json_count_of(step, "hidden", file);
        to->batch = json_count_of(step, "batch", file);
        to->ns = json_positive_of(step, "ns", file);
    }
}

static void backend_from_json(struct limits_backend *backend, const cJSON *json, const char *file)
{
    text_from_json(backend->name, sizeof backend->name, json, "name", file);
    backend->lanes = json_count_of(json, "lanes", file);
    backend->peak_one = json_positive_of(json, "fma_gflops_one", file);
    backend->peak_all = json_positive_of(json, "fma_gflops_all", file);
    backend->ghz = json_positive_of(json, "ghz", file);
    backend->fma_ns = json_positive_of(json, "fma_latency_ns", file);
    backend->division_ns = json_positive_of(json, "division_ns", file);
    const cJSON *reads = json_member(json, "read", JSON_ARRAY, file);
    const cJSON *read;
    cJSON_ArrayForEach(read, reads)
    {
        if (backend->reads == LIMITS_SIZES)
            fail("%s: more than %d working sets", file, LIMITS_SIZES);
        read_from_json(&backend->read[backend->reads++], read, file);
        if (backend->reads > 1 && !(backend->read[backend->reads - 1].bytes > backend->read[backend->reads - 2].bytes))
            fail("%s: the working sets of '%s' don't grow", file, backend->name);
    }
    if (backend->reads == 0)
        fail("%s: '%s' has no working sets", file, backend->name);
    steps_from_json(backend, json, file);
}

void limits_from_json(struct limits *limits, const cJSON *json, const char *file)
{
    *limits = (struct limits){0};
    if (strcmp(json_text_of(json, "grubench", file), "limits") != 0)
        fail("%s is not a file of `grubench limits --json`", file);
    if (json_number_of(json, "format", file) != LIMITS_FORMAT)
        fail("%s is of another version of grubench; `grubench limits --json` makes it anew", file);
    machine_from_json(&limits->machine, json_member(json, "machine", JSON_OBJECT, file), file);
    limits->threads = json_size_of(json, "threads", file);
    limits->barrier_ns = json_number_of(json, "barrier_ns", file);
    limits->quiet_level = json_number_of(json, "quiet_level", file);
    limits->quiet_share = json_number_of(json, "quiet_share", file);
    limits->seconds = json_number_of(json, "seconds", file);
    const cJSON *backend;
    cJSON_ArrayForEach(backend, json_member(json, "backends", JSON_ARRAY, file))
    {
        if (limits->backends == LIMITS_ISAS)
            fail("%s: more than %d back ends", file, LIMITS_ISAS);
        backend_from_json(&limits->backend[limits->backends++], backend, file);
    }
    if (limits->backends == 0)
        fail("%s: no back end in it", file);
}

const struct limits_backend *limits_backend(const struct limits *limits, const char *name)
{
    for (size_t i = 0; i < limits->backends; i++)
        if (strcmp(limits->backend[i].name, name) == 0)
            return &limits->backend[i];
    return NULL;
}

void limits_read_file(struct limits *limits, const char *file)
{
    cJSON *json = json_read(file);
    limits_from_json(limits, json, file);
    cJSON_Delete(json);
}

void limits_read_here(struct limits *limits, const char *file, const char *backend)
{
    limits_read_file(limits, file);
    if (!limits_backend(limits, backend))
        fail("%s has no limits of the back end %s", file, backend);
    if (strcmp(limits->machine.cpu, machine_this()->cpu) != 0)
        fail("%s has the limits of another machine, %s; `cost --predict` is what takes those", file,
             limits->machine.cpu);
}

/* Between one thread and all: in proportion to the threads. */
static double between(double one, double all, size_t threads, size_t most)
{
    if (threads <= 1 || most <= 1)
        return one;
    if (threads >= most)
        return all;
    return one + (all - one) * (double)(threads - 1) / (double)(most - 1);
}

double limits_peak(const struct limits *limits, const struct limits_backend *backend, size_t threads)
{
    return between(backend->peak_one, backend->peak_all, threads, limits->threads);
}

double limits_barrier(const struct limits *limits, size_t threads)
{
    return between(0.0, limits->barrier_ns, threads, limits->threads);
}

static double better(const double pages[2])
{
    return fmax(pages[PAGES_SMALL], pages[PAGES_HUGE]);
}

/* The measured sizes below and above what one of so many threads reads, and how far from the lower one to the upper
 * that is: a thread's part is what its caches must hold, and 4 MiB on four threads are four times 1 MiB. */
struct place {
    const struct limits_read *low;
    const struct limits_read *high;
    double way;
};

static struct place place_of(const struct limits_backend *backend, size_t threads, double bytes)
{
    double share = bytes / (double)(threads ? threads : 1);
    size_t above = 0;
    while (above < backend->reads && backend->read[above].bytes < share)
        above++;
    size_t below = above > 0 ? above - 1 : 0;
    above = above < backend->reads ? above : backend->reads - 1;
    struct place place = {&backend->read[below], &backend->read[above], 1.0};
    if (below != above && share < place.high->bytes)
        place.way = log(share / place.low->bytes) / log(place.high->bytes / place.low->bytes);
    return place;
}

double limits_bandwidth(const struct limits *limits, const struct limits_backend *backend, size_t threads, double bytes)
{
    struct place place = place_of(backend, threads, bytes);
    double from = between(better(place.low->one), better(place.low->all), threads, limits->threads);
    double to = between(better(place.high->one), better(place.high->all), threads, limits->threads);
    return from + (to - from) * place.way;
}

double limits_fed_share(const struct limits *limits, const struct limits_backend *backend, double bytes)
{
    struct place place = place_of(backend, 1, bytes);
    double fed = place.low->fed + (place.high->fed - place.low->fed) * place.way;
    return fed / limits_bandwidth(limits, backend, 1, bytes);
}

void limits_make_consistent(struct limits_backend *backend, size_t threads)
{
    /* From the largest set down, so that one pass carries what was reached at any size to all smaller ones. */
    double shares = (double)(threads ? threads : 1);
    backend->peak_one = fmax(backend->peak_one, backend->peak_all / shares);
    for (size_t i = backend->reads; i-- > 0;) {
        struct limits_read *read = &backend->read[i];
        const struct limits_read *larger = i + 1 < backend->reads ? read + 1 : read;
        read->fed = fmax(read->fed, larger->fed);
        read->one[PAGES_HUGE] = fmax(read->one[PAGES_HUGE], read->fed);
        for (int pages = PAGES_SMALL; pages <= PAGES_HUGE; pages++) {
            read->one[pages] = fmax(fmax(read->one[pages], larger->one[pages]), read->all[pages] / shares);
            read->all[pages] = fmax(read->all[pages], larger->all[pages]);
        }
    }
}

bool limits_raise(struct limits *limits, const char *name, size_t threads, double bytes, double rate)
{
    struct limits_backend *backend = (struct limits_backend *)limits_backend(limits, name);
    /* Between one thread and all nothing is measured, so nothing can be raised. */
    if (!backend || (threads > 1 && threads < limits->threads))
        return false;
    double read = limits_bandwidth(limits, backend, threads, bytes);
    double factor = fmax(1.0, rate / read);
    double fed_factor = threads > 1 ? 1.0 : fmax(1.0, rate / (read * limits_fed_share(limits, backend, bytes)));
    /* Both neighbours by the same factor, so that the interpolated figure rises by just as much. */
    struct place place = place_of(backend, threads, bytes);
    for (size_t i = (size_t)(place.low - backend->read); i <= (size_t)(place.high - backend->read); i++) {
        struct limits_read *raised = &backend->read[i];
        for (int pages = PAGES_SMALL; pages <= PAGES_HUGE; pages++)
            *(threads > 1 ? &raised->all[pages] : &raised->one[pages]) *= factor;
        raised->fed = fmin(raised->fed * fed_factor, better(raised->one));
    }
    limits_make_consistent(backend, limits->threads);
    return factor > 1.0;
}
