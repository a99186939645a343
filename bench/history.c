/* SPDX-License-Identifier: BSD-2-Clause */
/* history.c: a file of runs, one line of JSON each. */
#include "history.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What must be the same for two runs to be of one series. Not the host's name: machines of a pool have many names and
 * one speed; nor the kernel, whose change is one of the things to be seen. */
static void machine_key(char *key, size_t size, const struct machine *machine)
{
    snprintf(key, size, "%s, %zu CPUs", machine->cpu, machine->cpus);
}

/* A line at the file's end, whole or not at all: what a full disk has cut off is taken away again, and a last line that
 * an editor left open is closed first. One write, so that two runs which end at once both have theirs. */
static void append_line(const char *file, const char *text)
{
    int to = open(file, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    struct stat about;
    if (to < 0 || fstat(to, &about) != 0)
        fail("can't write %s: %s", file, strerror(errno));
    if (!S_ISREG(about.st_mode))
        fail("%s is no file that a history could be kept in", file);
    char last = '\n';
    if (about.st_size > 0 && pread(to, &last, 1, about.st_size - 1) != 1)
        fail("can't read %s: %s", file, strerror(errno));
    char *line = take_text("%s%s\n", last == '\n' ? "" : "\n", text);
    ssize_t length = (ssize_t)strlen(line);
    errno = ENOSPC; /* of a write that was only cut short */
    if (write(to, line, (size_t)length) != length) {
        int error = errno;
        if (ftruncate(to, about.st_size) != 0)
            fail("can't write %s: %s, and its last line is broken now", file, strerror(error));
        fail("can't write %s: %s", file, strerror(error));
    }
    close(to);
    free(line);
}

void history_add(const char *file, const char *run, const char *commit)
{
    struct filed_report report;
    report_read(&report, run);
    char machine[160];
    machine_key(machine, sizeof machine, &report.machine);
    cJSON *entry = json_object();
    json_put_text(entry, "commit", commit ? commit : report.commit);
    json_put_text(entry, "date", report.date);
    json_put_text(entry, "machine", machine);
    cJSON *cells = json_put_object(entry, "cells");
    for (size_t i = 0; i < report.count; i++) {
        cJSON *pair = json_put_array(cells, report.cells[i].name);
        cJSON_AddItemToArray(pair, cJSON_CreateString(report.cells[i].family));
        cJSON_AddItemToArray(pair, cJSON_CreateNumber(filed_median(&report.cells[i])));
    }
    char *text = cJSON_PrintUnformatted(entry);
    if (!text)
        fail("out of memory");
    append_line(file, text);
    free(text);
    cJSON_Delete(entry);
    report_release(&report);
}

/* Families beyond the room aren't drawn. There are 14 at most for each back end and thread count, of which a history
 * has few. */
static void know_family(struct history *history, const char *family)
{
    for (size_t i = 0; i < history->family_count; i++)
        if (strcmp(history->families[i], family) == 0)
            return;
    if (history->family_count < HISTORY_FAMILIES)
        history->families[history->family_count++] = take_text("%s", family);
}

static void read_line(struct history *history, const char *text, const char *where)
{
    cJSON *json = json_parse(text, where);
    struct history_entry *entries = realloc(history->entries, (history->count + 1) * sizeof *entries);
    if (!entries)
        fail("out of memory");
    history->entries = entries;
    struct history_entry *entry = &entries[history->count++];
    snprintf(entry->commit, sizeof entry->commit, "%.12s", json_text_of(json, "commit", where));
    snprintf(entry->date, sizeof entry->date, "%s", json_text_of(json, "date", where));
    snprintf(entry->machine, sizeof entry->machine, "%s", json_text_of(json, "machine", where));
    const cJSON *cells = json_member(json, "cells", JSON_OBJECT, where);
    const cJSON *cell;
    cJSON_ArrayForEach(cell, cells)
    {
        const cJSON *family = cJSON_GetArrayItem(cell, 0);
        const cJSON *ns = cJSON_GetArrayItem(cell, 1);
        if (!cJSON_IsString(family) || !cJSON_IsNumber(ns) || !(ns->valuedouble > 0.0))
            fail("%s: '%s' is not a family and a time", where, cell->string);
        know_family(history, family->valuestring);
    }
    /* Only now that all of it was looked at: what reads it takes names and numbers for granted. */
    /* Kept as JSON: a history has hundreds of lines, and each cell is looked up once or twice. */
    entry->cells = cJSON_DetachItemFromObjectCaseSensitive(json, "cells");
    cJSON_Delete(json);
}

void history_read(struct history *history, const char *file)
{
    *history = (struct history){0};
    FILE *in = fopen(file, "r");
    struct stat about;
    if (!in || fstat(fileno(in), &about) != 0)
        fail("can't read %s: %s", file, strerror(errno));
    if (!S_ISREG(about.st_mode))
        fail("%s is no file that a history could be kept in", file);
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    for (size_t number = 1; (length = getline(&line, &room, in)) > 0; number++) {
        char *where = take_text("%s, run %zu", file, number);
        if (strlen(line) != (size_t)length)
            fail("%s is not JSON: it has a zero byte", where);
        if (line[strspn(line, " \r\n")])
            read_line(history, line, where);
        free(where);
    }
    free(line);
    fclose(in);
}

void history_release(struct history *history)
{
    for (size_t i = 0; i < history->count; i++)
        cJSON_Delete(history->entries[i].cells);
    for (size_t i = 0; i < history->family_count; i++)
        free(history->families[i]);
    free(history->entries);
}

/* Whether each run of this machine that has any cell of the family has this one. A family's value is a mean over its
 * cells, so one that comes or goes would be a step by itself. */
static bool everywhere(const struct history *history, const char *machine, const char *family, const char *name)
{
    for (size_t i = 0; i < history->count; i++) {
        const struct history_entry *entry = &history->entries[i];
        if (strcmp(entry->machine, machine) != 0 || cJSON_GetObjectItemCaseSensitive(entry->cells, name))
            continue;
        const cJSON *cell;
        cJSON_ArrayForEach(cell, entry->cells)
        {
            if (strcmp(cJSON_GetArrayItem(cell, 0)->valuestring, family) == 0)
                return false;
        }
    }
    return true;
}

size_t history_series(const struct history *history, size_t family, const char *machine, double *values,
                      size_t *entries)
{
    size_t n = 0;
    for (size_t i = 0; i < history->count; i++) {
        const struct history_entry *entry = &history->entries[i];
        if (strcmp(entry->machine, machine) != 0)
            continue;
        double sum = 0.0;
        size_t cells = 0;
        const cJSON *cell;
        cJSON_ArrayForEach(cell, entry->cells)
        {
            if (strcmp(cJSON_GetArrayItem(cell, 0)->valuestring, history->families[family]) != 0 ||
                !everywhere(history, machine, history->families[family], cell->string))
                continue;
            sum += log(cJSON_GetArrayItem(cell, 1)->valuedouble);
            cells++;
        }
        if (cells == 0)
            continue;
        values[n] = sum / (double)cells;
        entries[n++] = i;
    }
    return n;
}
