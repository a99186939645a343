/* SPDX-License-Identifier: BSD-2-Clause */
/* drive_layer.c: translates a problem's description and weights into the public API's terms. */
#include "drive.h"
#include "field.h"

static enum gru_tier tier_of(enum problem_tier tier)
{
    static const enum gru_tier tiers[] = {GRU_TIER_FAST, GRU_TIER_FASTER, GRU_TIER_ACCURATE, GRU_TIER_SLEEF};
    return tiers[tier];
}

bool drive_has_tier(const gru_backend *backend, enum problem_tier tier)
{
    return gru_sigmoid(backend, tier_of(tier), 0, NULL, NULL, NULL) == GRU_OK;
}

gru_desc drive_desc(const problem *p, const way *w)
{
    static const enum gru_reset resets[] = {GRU_RESET_AFTER, GRU_RESET_BEFORE, GRU_RESET_NONE};
    static const enum gru_bias biases[] = {GRU_BIAS_NONE, GRU_BIAS_ONE, GRU_BIAS_ONE_INSIDE, GRU_BIAS_FOUR,
                                           GRU_BIAS_SIX};
    static const enum gru_direction ways[] = {GRU_FORWARD, GRU_REVERSE, GRU_BIDIRECTIONAL, GRU_BIDIRECTIONAL};
    const problem_shape *s = &p->shape;
    return (gru_desc){
        .size = sizeof(gru_desc),
        .input = s->input,
        .hidden = s->hidden,
        .reset = resets[s->reset],
        .update = s->replace ? GRU_UPDATE_REPLACE : GRU_UPDATE_KEEP,
        .bias = biases[s->bias],
        .direction = ways[s->way],
        .merge = s->way == WAY_BOTH_SUM ? GRU_MERGE_SUM : GRU_MERGE_CONCAT,
        .gates = s->hard ? GRU_GATES_HARD_SIGMOID : GRU_GATES_SIGMOID,
        .hard_alpha = s->hard && s->own_slope ? p->alpha : 0.0f,
        .hard_beta = s->hard && s->own_slope ? p->beta : 0.0f,
        .clip = p->clip,
        .tier = tier_of(s->tier),
        .backend = w->backend,
    };
}

/* A field of width 1, so that both strides of a matrix can be anything. */
static gru_matrix place_matrix(const float *dense, size_t units, size_t columns, const way *w)
{
    if (dense == NULL) {
        return (gru_matrix){NULL, 0, 0};
    }
    field_form form = {w->weight_form == 1, w->negative, w->odd, w->offset, w->side, w->weight_form == 2 ? w->gap : 0};
    field f = field_make(units, columns, 1, form);
    for (size_t j = 0; j < units; j++) {
        for (size_t k = 0; k < columns; k++) {
            *field_row(&f, j, k) = dense[j * columns + k];
        }
    }
    guarded_freeze(f.buffer);
    return (gru_matrix){f.origin, f.outer_stride, f.inner_stride};
}

static gru_vector place_vector(const float *dense, size_t units, const way *w)
{
    gru_matrix m = place_matrix(dense, units, 1, w);
    return (gru_vector){m.data, m.unit};
}

void drive_weights(const problem *p, const way *w, gru_weights *views)
{
    static const int names[3] = {[GRU_R] = PROBLEM_RESET, [GRU_Z] = PROBLEM_UPDATE, [GRU_N] = PROBLEM_CANDIDATE};
    for (size_t d = 0; d < p->directions; d++) {
        views[d] = (gru_weights){.size = sizeof(gru_weights)};
        for (int g = 0; g < 3; g++) {
            views[d].w[g] = place_matrix(p->w[d][names[g]], p->shape.hidden, p->shape.input, w);
            views[d].u[g] = place_matrix(p->u[d][names[g]], p->shape.hidden, p->shape.hidden, w);
            views[d].bx[g] = place_vector(p->bx[d][names[g]], p->shape.hidden, w);
            views[d].bh[g] = place_vector(p->bh[d][names[g]], p->shape.hidden, w);
        }
    }
}

/* Weights that are all one number, to be packed over: a part that repacking forgot would show. */
static void old_weights(const gru_weights *views, gru_weights *old, size_t directions)
{
    float *number = guarded_floats(1, GUARD_AFTER, 0);
    *number = 0.25f;
    for (size_t d = 0; d < directions; d++) {
        old[d] = (gru_weights){.size = sizeof(gru_weights)};
        for (int g = 0; g < 3; g++) {
            old[d].w[g].data = views[d].w[g].data ? number : NULL;
            old[d].u[g].data = views[d].u[g].data ? number : NULL;
            old[d].bx[g].data = views[d].bx[g].data ? number : NULL;
            old[d].bh[g].data = views[d].bh[g].data ? number : NULL;
        }
    }
}

gru_layer *drive_layer(const problem *p, const way *w)
{
    gru_desc desc = drive_desc(p, w);
    gru_weights views[2], old[2];
    drive_weights(p, w, views);
    old_weights(views, old, p->directions);
    const gru_weights *first = w->repacked ? old : views;
    gru_layer *layer = NULL;
    gru_error error = {0};
    enum gru_status status;
    if (w->placed) {
        size_t bytes = 0;
        status = gru_layer_bytes(&desc, &bytes, &error);
        /* The exact end on a page, as far as the alignment lets it. */
        size_t rest = (GRU_ALIGNMENT - bytes % GRU_ALIGNMENT) % GRU_ALIGNMENT;
        if (status == GRU_OK) {
            status = gru_layer_place(&layer, &desc, first, guarded_bytes(bytes, GUARD_AFTER, rest), bytes, &error);
        }
    } else {
        status = gru_layer_create(&layer, &desc, first, NULL, &error);
    }
    if (status == GRU_OK && w->repacked) {
        status = gru_layer_repack(layer, views, &error);
    }
    if (!CHECK(status == GRU_OK, "%s, %s: no layer: %s", problem_text(p), way_text(w), error.text)) {
        gru_layer_destroy(layer);
        return NULL;
    }
    return layer;
}
