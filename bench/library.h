/* SPDX-License-Identifier: BSD-2-Clause */
/* library.h: libgru's functions as a table, so that the same measuring code runs the linked library or loaded ones. */
#ifndef BENCH_LIBRARY_H
#define BENCH_LIBRARY_H

#include <gru.h>

struct library {
    void *handle; /* of dlopen; NULL for the linked one */
    int copy;     /* the descriptor of the private copy */
    __typeof__(gru_version) *version;
    __typeof__(gru_arithmetic) *arithmetic;
    __typeof__(gru_status_text) *status_text;
    __typeof__(gru_backend_find) *backend_find;
    __typeof__(gru_backend_at) *backend_at;
    __typeof__(gru_backend_name) *backend_name;
    __typeof__(gru_layer_create) *layer_create;
    __typeof__(gru_layer_destroy) *layer_destroy;
    __typeof__(gru_layer_bytes) *layer_bytes;
    __typeof__(gru_workspace_bytes) *workspace_bytes;
    __typeof__(gru_run) *run;
    __typeof__(gru_stack_workspace_bytes) *stack_workspace_bytes;
    __typeof__(gru_run_stack) *run_stack;
    __typeof__(gru_team_create) *team_create;
    __typeof__(gru_team_destroy) *team_destroy;
    __typeof__(gru_team_pool) *team_pool;
    __typeof__(gru_gate_create) *gate_create;
    __typeof__(gru_gate_destroy) *gate_destroy;
    __typeof__(gru_gate_workspace_bytes) *gate_workspace_bytes;
    __typeof__(gru_gate_run) *gate_run;
    __typeof__(gru_update_blend) *update_blend;
    __typeof__(gru_sigmoid) *sigmoid;
    __typeof__(gru_tanh) *tanh;
};

/* The library that grubench is linked with. */
extern const struct library library_linked;

/* Loads a private copy of a shared library: a file of its own, so that its pages and addresses are new each time. A
 * file that isn't libgru, or of another ABI, fails with one line. */
void library_load(struct library *library, const char *path);
void library_unload(struct library *library);

#endif
