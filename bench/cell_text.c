/* SPDX-License-Identifier: BSD-2-Clause */
/* cell_text.c: what cells and their parts are called. */
#include "cell.h"

#include <string.h>

const char *const path_names[] = {"streaming", "sequence", "batch", "gemv", "gemm", "sigmoid", "tanh", "update", NULL};
const char *const reset_names[] = {"after", "before", "none", NULL};
const char *const gates_names[] = {"sigmoid", "hard", NULL};
const char *const direction_names[] = {"forward", "reverse", "both", NULL};
const char *const weight_names[] = {"f32", NULL};
const char *const tier_names[] = {"fast", "faster", "accurate", "sleef", NULL};

char *cell_name(const struct cell_spec *spec)
{
    char deeper[128] = "", pause[32] = "";
    if (spec->pause)
        snprintf(pause, sizeof pause, "/pause:%zu", spec->pause);
    for (size_t i = 0; i < spec->deeper; i++)
        snprintf(deeper + strlen(deeper), sizeof deeper - strlen(deeper), "+%zu", spec->deep[i]);
    return take_text("%s/hidden:%zu%s/input:%zu/batch:%zu/steps:%zu/reset:%s/backend:%s/threads:%zu/weights:%s/"
                     "tier:%s%s%s%s%s%s%s",
                     path_names[spec->path], spec->hidden, deeper, spec->input, spec->batch, spec->steps,
                     reset_names[spec->reset], spec->backend, spec->threads, weight_names[spec->weights],
                     tier_names[spec->tier], spec->gates ? "/gates:" : "", spec->gates ? gates_names[spec->gates] : "",
                     spec->direction ? "/direction:" : "", spec->direction ? direction_names[spec->direction] : "",
                     spec->cold ? "/cold" : "", pause);
}

/* Only what differs from the usual, so that a table's line stays one. */
const char *cell_label(const struct cell_spec *spec)
{
    static char label[128];
    int length = snprintf(label, sizeof label, "%s H=%zu", path_names[spec->path], spec->hidden);
    if (spec->batch > 1)
        length += snprintf(label + length, sizeof label - (size_t)length, " B=%zu", spec->batch);
    if (spec->input != spec->hidden && spec->path <= PATH_GEMM)
        length += snprintf(label + length, sizeof label - (size_t)length, " I=%zu", spec->input);
    if (spec->deeper)
        length += snprintf(label + length, sizeof label - (size_t)length, " %zu layers", spec->deeper + 1);
    if (spec->direction != GRU_FORWARD)
        length += snprintf(label + length, sizeof label - (size_t)length, " %s", direction_names[spec->direction]);
    if (spec->gates != GRU_GATES_SIGMOID)
        length += snprintf(label + length, sizeof label - (size_t)length, " %s", gates_names[spec->gates]);
    if (spec->threads > 1)
        length += snprintf(label + length, sizeof label - (size_t)length, " %zu threads", spec->threads);
    if (spec->tier != GRU_TIER_FAST)
        length += snprintf(label + length, sizeof label - (size_t)length, " %s", tier_names[spec->tier]);
    if (spec->cold)
        length += snprintf(label + length, sizeof label - (size_t)length, " cold");
    if (spec->pause)
        length += snprintf(label + length, sizeof label - (size_t)length, " pause %zu", spec->pause);
    if (strcmp(spec->backend, library_linked.backend_name(library_linked.backend_at(0))) != 0)
        length += snprintf(label + length, sizeof label - (size_t)length, " %s", spec->backend);
    if (spec->reset != GRU_RESET_AFTER)
        snprintf(label + length, sizeof label - (size_t)length, " %s", reset_names[spec->reset]);
    return label;
}
