/* SPDX-License-Identifier: BSD-2-Clause */
/* dispatch.c: which back ends there are, which this CPU can run, and which one is meant. */
#define _GNU_SOURCE 1 /* secure_getenv */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "status.h"

/* GRU_BACKENDS lists what this build has, best first: the rows of arch/meson.build. */
#define BACKEND_DECLARE(name) extern const struct gru_backend gru_backend_##name;
GRU_BACKENDS(BACKEND_DECLARE)

#define BACKEND_ADDRESS(name) &gru_backend_##name,
static const gru_backend *const built[] = {GRU_BACKENDS(BACKEND_ADDRESS)};
enum { BUILT = sizeof built / sizeof *built };

/* Every name that there is in any build, so that a wrong word and a wrong machine get different answers. */
#define BACKEND_NAME(name) #name,
static const char *const names[] = {GRU_KNOWN_BACKENDS(BACKEND_NAME)};

static int runs(const gru_backend *backend, uint32_t bits)
{
    return (backend->needs & bits) == backend->needs;
}

const gru_backend *gru_backend_at(size_t i)
{
    uint32_t bits = gru_cpu_bits();
    for (size_t b = 0; b < BUILT; b++)
        /* not covered: this CPU may run all that is built; tests/leg's conroe and max run less */
        if (runs(built[b], bits) && i-- == 0)
            return built[b];
    return NULL;
}

const char *gru_backend_name(const gru_backend *backend)
{
    return backend ? backend->name : NULL;
}

/* The names of the back ends that run here, for a message. */
static void list_runnable(char *text, size_t size)
{
    const gru_backend *backend;
    text[0] = '\0';
    for (size_t i = 0; (backend = gru_backend_at(i)); i++) {
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s%s", i ? ", " : "", backend->name);
    }
}

/* What the environment names, if it names one. */
static const char *wished(void)
{
    const char *name = secure_getenv("GRU_BACKEND");
    return name && *name ? name : NULL;
}

enum gru_status gru_backend_find(const gru_backend **backend, const char *name, gru_error *error)
{
    char runnable[96];
    const char *source = "";
    if (!backend)
        return gru_fail(error, GRU_NULL_POINTER, "gru_backend_find: backend is NULL");
    if (!name) {
        name = wished();
        source = "GRU_BACKEND: ";
        if (!name) {
            *backend = gru_backend_at(0);
            return GRU_OK;
        }
    }
    for (size_t b = 0; b < BUILT; b++)
        /* not covered: the same */
        if (strcmp(built[b]->name, name) == 0 && runs(built[b], gru_cpu_bits())) {
            *backend = built[b];
            return GRU_OK;
        }
    list_runnable(runnable, sizeof runnable);
    for (size_t n = 0; n < sizeof names / sizeof *names; n++)
        if (strcmp(names[n], name) == 0)
            return gru_fail(error, GRU_MISSING_BACKEND,
                            "%sthis CPU or this build can't run the back end \"%s\"; there are: %s", source, name,
                            runnable);
    /* The name comes last: it may be too long, and the text is cut at its end. */
    return gru_fail(error, GRU_UNKNOWN_BACKEND, "%sthe back ends here are %s; none is called \"%s\"", source, runnable,
                    name);
}

enum gru_status gru_backend_for(const gru_backend **backend, size_t units, gru_error *error)
{
    const gru_backend *next;
    enum gru_status status = gru_backend_find(backend, NULL, error);
    if (status == GRU_OK && !wished())
        /* not covered: where scalar is the only one, as on tests/leg's conroe, there is none after it */
        for (size_t i = 1; (next = gru_backend_at(i)) && next->lanes > 1 && next->lanes >= units; i++)
            *backend = next;
    return status;
}

enum gru_status gru_backend_check_tier(const gru_backend *backend, enum gru_tier tier, gru_error *error)
{
    uint32_t needs = tier == GRU_TIER_SLEEF ? backend->sleef_needs : 0;
    if ((needs & gru_cpu_bits()) != needs)
        return gru_fail(
            error, GRU_UNSUPPORTED,
            "the tier GRU_TIER_SLEEF needs a CPU with AVX2 and FMA, which this one lacks; GRU_TIER_ACCURATE runs "
            "everywhere");
    return GRU_OK;
}
