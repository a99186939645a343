/* SPDX-License-Identifier: BSD-2-Clause */
/* worker.c: `grubench worker`: libgru as one of the implementations that bench/peers/run compares. */
#include "bench.h"
#include "machine.h"
#include "options.h"
#include "peers/peer.h"
#include "quiet.h"
#include "util.h"

#include <gru.h>
#include <stdlib.h>
#include <string.h>

static gru_layer *layer;
static gru_team *team;
static gru_io io;
static void *workspace;
static size_t workspace_bytes;
static gru_error why;
static const char *backend_name;

/* The creator's pin must be off while a team starts, as in cell.c. */
static bool make_team(size_t threads)
{
    machine_unpin();
    enum gru_status status = gru_team_create(&team, threads, NULL, &why);
    machine_pin_all();
    return status == GRU_OK;
}

static const char *worker_open(const struct peer_cell *cell)
{
    gru_desc desc = {.size = sizeof desc,
                     .input = cell->input,
                     .hidden = cell->hidden,
                     .reset = cell->before ? GRU_RESET_BEFORE : GRU_RESET_AFTER,
                     .bias = GRU_BIAS_SIX};
    gru_weights weights;
    /* The data's order of gates, r z n with W and U apart, is PyTorch's; its importer refuses reset before, though. */
    weights = (gru_weights){.size = sizeof weights};
    ptrdiff_t input = (ptrdiff_t)cell->input;
    ptrdiff_t hidden = (ptrdiff_t)cell->hidden;
    for (int gate = GRU_R; gate <= GRU_N; gate++) {
        weights.w[gate] = (gru_matrix){cell->w + gate * hidden * input, input, 1};
        weights.u[gate] = (gru_matrix){cell->u + gate * hidden * hidden, hidden, 1};
        weights.bx[gate] = (gru_vector){cell->bx + gate * hidden, 1};
        weights.bh[gate] = (gru_vector){cell->bh + gate * hidden, 1};
    }
    if ((backend_name && gru_backend_find(&desc.backend, backend_name, &why) != GRU_OK) ||
        gru_layer_create(&layer, &desc, &weights, NULL, &why) != GRU_OK ||
        gru_workspace_bytes(layer, cell->steps, cell->batch, &workspace_bytes, &why) != GRU_OK ||
        (cell->threads > 1 && !make_team(cell->threads)))
        return why.text;
    /* Written to, since calloc's pages of zeros would all be the one that every cache holds. */
    workspace = take(workspace_bytes, 1);
    memset(workspace, 1, workspace_bytes);
    ptrdiff_t rows = (ptrdiff_t)cell->batch;
    bool streaming = cell->steps == 1;
    io = (gru_io){.size = sizeof io,
                  .steps = cell->steps,
                  .rows = cell->batch,
                  .x = cell->x,
                  .x_step = rows * input,
                  .x_row = input,
                  .y = streaming ? NULL : cell->y,
                  .y_step = rows * hidden,
                  .y_row = hidden,
                  .state = {.h0 = streaming ? cell->h : cell->h0, .h0_row = hidden, .h = cell->h, .h_row = hidden},
                  .pool = team ? gru_team_pool(team) : NULL};
    return NULL;
}

static void worker_run(void)
{
    if (io.steps == 1)
        io.steps_before++;
    if (gru_run(layer, &io, workspace, workspace_bytes, &why) != GRU_OK)
        fail("%s", why.text);
}

static void worker_close(void)
{
    gru_layer_destroy(layer);
    if (team)
        gru_team_destroy(team);
    free(workspace);
    layer = NULL;
    team = NULL;
    workspace = NULL;
}

static int worker_quiet(void)
{
    return quiet_now();
}

int worker_main(int argc, char **argv)
{
    const struct option options[] = {
        {"backend", OPTION_TEXT, &backend_name, "the back end; the library's choice by default", NULL, 0, 0},
    };
    const struct command_line line = {
        "worker [options]", "Serves bench/peers/run; see bench/peers/peer.h.", options, 1, 0, 0};
    options_parse(&line, argc, argv, NULL);
    bench_start();
    const struct peer peer = {worker_open, worker_run, worker_close, worker_quiet};
    return peer_serve(&peer);
}
