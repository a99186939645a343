/* SPDX-License-Identifier: BSD-2-Clause */
/* json.h: reading and writing JSON files with cJSON, each mistake being one clear line. */
#ifndef BENCH_JSON_H
#define BENCH_JSON_H

#include <cjson/cJSON.h>
#include <stddef.h>

enum json_kind { JSON_OBJECT, JSON_ARRAY, JSON_TEXT, JSON_NUMBER };

/* Reads a file, or fails with its name, line and what is wrong. */
cJSON *json_read(const char *file);
/* The same from text in memory; `file` is the name for messages. */
cJSON *json_parse(const char *text, const char *file);

/* Writes a file whole or not at all; "-" is standard output. */
void json_write(const cJSON *value, const char *file);

/* A member of an object read from `file`: fails if it isn't there or is of another kind. */
const cJSON *json_member(const cJSON *object, const char *key, enum json_kind kind, const char *file);
double json_number_of(const cJSON *object, const char *key, const char *file);
double json_positive_of(const cJSON *object, const char *key, const char *file); /* greater than 0 */
const char *json_text_of(const cJSON *object, const char *key, const char *file);
size_t json_count_of(const cJSON *object, const char *key, const char *file); /* from 1 on */
size_t json_size_of(const cJSON *object, const char *key, const char *file);

/* New values; they fail when memory is out. The containers made by the latter two belong to `object`. */
cJSON *json_object(void);
void json_put_text(cJSON *object, const char *key, const char *text);
void json_put_number(cJSON *object, const char *key, double value);
cJSON *json_put_object(cJSON *object, const char *key);
cJSON *json_put_array(cJSON *object, const char *key);
cJSON *json_append_object(cJSON *array);

#endif
