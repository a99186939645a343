/* SPDX-License-Identifier: BSD-2-Clause */
/* count.c: grubench-count: runs cells a given number of times and nothing else, for tools that count instructions. It is a
 * program of its own, since it then needs libgru alone and is built for any machine. */
#include "grid.h"

#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv)
{
    struct grid grid = {0};
    size_t calls = 1;
    bool list = false;
    struct option options[GRID_OPTIONS + 2];
    grid_options(&grid, options);
    const struct option own[] = {
        {"calls", OPTION_SIZE, &calls, "how often each cell is called (1)", NULL, 0, 1e9},
        {"list", OPTION_FLAG, &list, "only print the cells' names", NULL, 0, 0},
    };
    memcpy(options + GRID_OPTIONS, own, sizeof own);
    const struct command_line line = {
        "-count [options]",
        "Runs cells of the grid without a clock. The difference between two numbers of calls, counted from outside,\n"
        "is what the calls cost: see bench/count/run.",
        options, GRID_OPTIONS + sizeof own / sizeof *own, 0, 0};
    options_parse(&line, argc, argv, NULL);
    size_t count;
    struct cell_spec *specs = grid_cells(&grid, &library_linked, &count);
    struct random random = {1};
    for (size_t i = 0; i < count; i++) {
        if (list) {
            char *name = cell_name(&specs[i]);
            puts(name);
            free(name);
            continue;
        }
        struct cell cell;
        gru_error why = {.text = ""};
        if (!cell_open(&cell, &library_linked, &specs[i], &random, &why))
            fail("%s: %s", cell_label(&specs[i]), why.text);
        for (size_t k = 0; k < calls; k++)
            cell_run(&cell);
        cell_close(&cell);
    }
    free(specs);
    return 0;
}
