/* SPDX-License-Identifier: BSD-2-Clause */
/* cell.h: one cell of the grid: what is run, with which sizes, and the running of it. */
#ifndef BENCH_CELL_H
#define BENCH_CELL_H

#include "library.h"
#include "util.h"

#include <stdbool.h>
#include <stddef.h>

/* Layers first, then the kernels by themselves. */
enum path {
    PATH_STREAMING, /* T = 1, B = 1 unless asked otherwise, state updated in place, another input each time */
    PATH_SEQUENCE,  /* T = 100, B = 1, every output wanted */
    PATH_BATCH,     /* T = 50, B = 4, 16, 64 */
    PATH_GEMV,      /* 3H x I times a vector, through a gate without activation */
    PATH_GEMM,      /* the same for B rows */
    PATH_SIGMOID,   /* over H values */
    PATH_TANH,
    PATH_UPDATE,
    PATH_COUNT
};

enum { CELL_LAYERS = 8 }; /* enough for the presets; a layer more costs what the last one did */

struct cell_spec {
    enum path path;
    size_t input;
    size_t hidden;
    size_t batch;
    size_t steps;
    enum gru_reset reset;
    enum gru_gates gates;
    enum gru_direction direction; /* of all layers */
    char backend[16];
    size_t threads;
    enum gru_weight_type weights;
    enum gru_tier tier;
    bool cold;     /* weights out of the caches before each call */
    size_t pause;  /* microseconds that the caller sleeps before each call */
    size_t deeper; /* further layers of a stack, and their sizes */
    size_t deep[CELL_LAYERS - 1];
};

/* The words of the command line and of the files, in the enums' order, ending in NULL. */
extern const char *const path_names[];
extern const char *const reset_names[];
extern const char *const gates_names[];
extern const char *const direction_names[];
extern const char *const weight_names[];
extern const char *const tier_names[];

bool path_is_layer(enum path path);

/* "streaming/hidden:64/input:64/...": names a cell in every file and table; a new text each time. */
char *cell_name(const struct cell_spec *spec);
/* "streaming H=64": and what else differs from a default run's cells. It holds until the next call. */
const char *cell_label(const struct cell_spec *spec);

/* Fails if the cell needs more memory than is free: the system would end the process in the middle of a table. */
void cell_must_fit(const struct cell_spec *spec);

/* What one step does: a multiply-add counts two operations; weights are those of fp32 unless smaller. */
double cell_operations(const struct cell_spec *spec);
double cell_weight_bytes(const struct cell_spec *spec);
double cell_parameters(const struct cell_spec *spec);

/* How many directions its layers have. */
size_t cell_directions(const struct cell_spec *spec);
/* Whether it is one layer of one direction. */
bool cell_is_single(const struct cell_spec *spec);

/* Sizes of one layer of a stack. */
size_t cell_hidden(const struct cell_spec *spec, size_t layer);
size_t cell_input(const struct cell_spec *spec, size_t layer);

struct cell {
    const struct library *library;
    struct cell_spec spec;
    const gru_backend *backend;
    gru_layer *layers[CELL_LAYERS];
    gru_gate *gate;
    gru_team *team;
    gru_io io;
    gru_state states[CELL_LAYERS];
    float *x;
    float *h;
    float *y;
    void *workspace;
    size_t workspace_bytes;
};

/* Makes the layer (or gate) with random weights and inputs. False, with `why`, if this library can't do that cell. */
bool cell_open(struct cell *cell, const struct library *library, const struct cell_spec *spec, struct random *random,
               gru_error *why);
void cell_close(struct cell *cell);

/* One call: `steps` steps of a layer, or one of a kernel. It can't fail once a cell was opened. */
void cell_run(struct cell *cell);
/* The same with two steps at most: brings code and weights into the caches without the cost of a long call. */
void cell_warm(struct cell *cell);

#endif
