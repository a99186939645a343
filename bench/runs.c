/* SPDX-License-Identifier: BSD-2-Clause */
/* runs.c: several process runs of one measurement gathered in one file. */
#include "runs.h"

#include "json.h"
#include "report.h"
#include "util.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* The arguments without those that the parent deals with. */
static int without(int argc, char **argv, char **kept)
{
    static const char *const dealt_with[] = {"--runs", "--json", "--seed"};
    int n = 0;
    for (int i = 0; i < argc; i++) {
        bool skip = false;
        for (size_t k = 0; k < sizeof dealt_with / sizeof *dealt_with; k++) {
            size_t length = strlen(dealt_with[k]);
            if (strncmp(argv[i], dealt_with[k], length) != 0 || (argv[i][length] && argv[i][length] != '='))
                continue;
            skip = true;
            i += argv[i][length] ? 0 : 1;
            break;
        }
        if (!skip)
            kept[n++] = argv[i];
    }
    return n;
}

/* A file without a name, which a child finds by its number: nothing is left of it, however this ends. */
static char *nameless(int *number)
{
    *number = memfd_create("grubench", 0);
    if (*number < 0)
        fail("can't make a file in memory: %s", strerror(errno));
    return take_text("/proc/self/fd/%d", *number);
}

/* A new program and not only a fork: addresses, pages and what the loader does are to be drawn again for each run. */
static void run_child(char **arguments, int output)
{
    fflush(NULL);
    pid_t child = fork();
    if (child < 0)
        fail("can't start a process: %s", strerror(errno));
    if (child == 0) {
        if (dup2(output, STDOUT_FILENO) < 0)
            _exit(EXIT_MISUSE);
        execv("/proc/self/exe", arguments);
        _exit(EXIT_MISUSE);
    }
    int status;
    if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
        fail("a process run was ended by a signal");
    if (WEXITSTATUS(status) != 0)
        exit(EXIT_MISUSE); /* it has said why */
}

static void keep(int number, const cJSON *value)
{
    char *text = cJSON_Print(value);
    if (!text || write(number, text, strlen(text)) != (ssize_t)strlen(text))
        fail("out of memory");
    free(text);
}

/* Moves the entries of a run into the collection; aggregates are made anew over the runs. */
static void gather(cJSON *benchmarks, cJSON *run, size_t number)
{
    cJSON *from = cJSON_GetObjectItemCaseSensitive(run, "benchmarks");
    while (cJSON_GetArraySize(from) > 0) {
        cJSON *entry = cJSON_DetachItemFromArray(from, 0);
        const cJSON *type = cJSON_GetObjectItemCaseSensitive(entry, "run_type");
        if (strcmp(type->valuestring, "iteration") != 0) {
            cJSON_Delete(entry);
            continue;
        }
        cJSON_ReplaceItemInObjectCaseSensitive(entry, "run", cJSON_CreateNumber((double)number));
        cJSON_AddItemToArray(benchmarks, entry);
    }
}

static void number_and_aggregate(cJSON *benchmarks)
{
    size_t count = (size_t)cJSON_GetArraySize(benchmarks);
    cJSON **all = take(count, sizeof *all);
    const cJSON **same = take(count, sizeof *same);
    size_t n = 0;
    for (cJSON *entry = benchmarks->child; entry; entry = entry->next)
        all[n++] = entry;
    for (size_t i = 0; i < count; i++) {
        if (!all[i])
            continue;
        const char *name = cJSON_GetObjectItemCaseSensitive(all[i], "name")->valuestring;
        size_t found = 0;
        for (size_t k = i; k < count; k++)
            if (all[k] && strcmp(cJSON_GetObjectItemCaseSensitive(all[k], "name")->valuestring, name) == 0) {
                cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(all[k], "repetition_index"), (double)found);
                same[found++] = all[k];
                all[k] = NULL;
            }
        for (size_t k = 0; k < found; k++)
            cJSON_SetNumberValue(cJSON_GetObjectItemCaseSensitive(same[k], "repetitions"), (double)found);
        report_aggregates(benchmarks, same, found);
    }
    free(all);
    free(same);
}

int runs_main(int argc, char **argv, size_t runs, size_t seed, const char *json_file)
{
    char **arguments = take((size_t)argc + 8, sizeof *arguments);
    int output_number, limits_number;
    char *output = nameless(&output_number);
    char *limits = nameless(&limits_number);
    arguments[0] = (char *)"grubench";
    int kept = 1 + without(argc, argv, arguments + 1);
    cJSON *all = NULL;
    for (size_t run = 0; run < runs; run++) {
        int n = kept;
        /* Another order and other places in each run, and the same ones when all of it is repeated. */
        char *seed_text = take_text("%zu", seed + run);
        arguments[n++] = (char *)"--json";
        arguments[n++] = (char *)"-";
        arguments[n++] = (char *)"--seed";
        arguments[n++] = seed_text;
        /* All runs are divided by the first one's limits: measured again each time they would take longer than the
         * cells. */
        if (run > 0) {
            arguments[n++] = (char *)"--limits";
            arguments[n++] = limits;
        }
        arguments[n] = NULL;
        if (ftruncate(output_number, 0) != 0 || lseek(output_number, 0, SEEK_SET) != 0)
            fail("can't empty a file in memory: %s", strerror(errno));
        run_child(arguments, output_number);
        cJSON *one = json_read(output);
        if (run == 0) {
            const cJSON *context = json_member(one, "context", JSON_OBJECT, output);
            keep(limits_number, json_member(context, "limits", JSON_OBJECT, output));
            all = json_object();
            cJSON_AddItemToObject(all, "context", cJSON_Duplicate(context, 1));
            json_put_array(all, "benchmarks");
        }
        gather(cJSON_GetObjectItemCaseSensitive(all, "benchmarks"), one, run);
        cJSON_Delete(one);
        free(seed_text);
        fprintf(stderr, "run %zu of %zu done\n", run + 1, runs);
    }
    close(output_number);
    close(limits_number);
    number_and_aggregate(cJSON_GetObjectItemCaseSensitive(all, "benchmarks"));
    json_write(all, json_file);
    cJSON_Delete(all);
    free(arguments);
    free(output);
    free(limits);
    return 0;
}
