/* SPDX-License-Identifier: BSD-2-Clause */
/* json.c: reading and writing JSON files with cJSON, each mistake being one clear line. */
#include "json.h"

#include "util.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

cJSON *json_parse(const char *text, const char *file)
{
    /* With what follows the value refused: a file that was appended to twice isn't one run. */
    const char *end = text;
    cJSON *value = cJSON_ParseWithOpts(text, &end, 1);
    if (!value) {
        int line = 1;
        for (const char *c = text; c < end; c++)
            line += *c == '\n';
        fail("%s is not JSON: line %d", file, line);
    }
    return value;
}

cJSON *json_read(const char *file)
{
    FILE *stream = fopen(file, "r");
    if (!stream)
        fail("can't read %s: %s", file, strerror(errno));
    size_t size = 0;
    char *text = NULL;
    /* A text of JSON has no zero byte, so this reads the whole file, and no more than a byte of /dev/zero. */
    ssize_t length = getdelim(&text, &size, '\0', stream);
    if (length < 0)
        fail("can't read %s: %s", file, ferror(stream) ? strerror(errno) : "it is empty");
    if (text[length - 1] == '\0')
        fail("%s is not JSON: it has a zero byte", file);
    fclose(stream);
    cJSON *value = json_parse(text, file);
    free(text);
    return value;
}

void json_write(const cJSON *value, const char *file)
{
    char *text = cJSON_Print(value);
    if (!text)
        fail("out of memory");
    struct whole_file whole;
    whole_open(&whole, file);
    fprintf(whole.stream, "%s\n", text);
    whole_close(&whole);
    free(text);
}

const cJSON *json_member(const cJSON *object, const char *key, enum json_kind kind, const char *file)
{
    static const char *const names[] = {"an object", "an array", "a text", "a number"};
    const cJSON *member = cJSON_GetObjectItemCaseSensitive(object, key);
    if (!member)
        fail("%s: '%s' is missing; was this file written by grubench?", file, key);
    int right = kind == JSON_OBJECT  ? cJSON_IsObject(member)
                : kind == JSON_ARRAY ? cJSON_IsArray(member)
                : kind == JSON_TEXT  ? cJSON_IsString(member)
                                     : cJSON_IsNumber(member) && isfinite(member->valuedouble);
    if (!right)
        fail("%s: '%s' is not %s", file, key, names[kind]);
    return member;
}

double json_number_of(const cJSON *object, const char *key, const char *file)
{
    return json_member(object, key, JSON_NUMBER, file)->valuedouble;
}

double json_positive_of(const cJSON *object, const char *key, const char *file)
{
    double value = json_number_of(object, key, file);
    /* Times, rates and sizes of any machine lie well within; what divides by them stays finite. */
    if (!(value >= 1e-12 && value <= 1e18))
        fail("%s: '%s' is %g, which can't be", file, key, value);
    return value;
}

const char *json_text_of(const cJSON *object, const char *key, const char *file)
{
    return json_member(object, key, JSON_TEXT, file)->valuestring;
}

size_t json_size_of(const cJSON *object, const char *key, const char *file)
{
    double value = json_number_of(object, key, file);
    if (!(value >= 0.0 && value < 1e15 && floor(value) == value)) /* below 2^53, so that each is exact */
        fail("%s: '%s' is not a whole number", file, key);
    return (size_t)value;
}

size_t json_count_of(const cJSON *object, const char *key, const char *file)
{
    size_t value = json_size_of(object, key, file);
    if (value == 0)
        fail("%s: '%s' is 0, which can't be", file, key);
    return value;
}

/* cJSON gives NULL when memory is out. */
static cJSON *there(cJSON *value)
{
    if (!value)
        fail("out of memory");
    return value;
}

cJSON *json_object(void)
{
    return there(cJSON_CreateObject());
}

void json_put_text(cJSON *object, const char *key, const char *text)
{
    there(cJSON_AddStringToObject(object, key, text));
}

void json_put_number(cJSON *object, const char *key, double value)
{
    there(cJSON_AddNumberToObject(object, key, value));
}

cJSON *json_put_object(cJSON *object, const char *key)
{
    return there(cJSON_AddObjectToObject(object, key));
}

cJSON *json_put_array(cJSON *object, const char *key)
{
    return there(cJSON_AddArrayToObject(object, key));
}

cJSON *json_append_object(cJSON *array)
{
    cJSON *object = json_object();
    cJSON_AddItemToArray(array, object);
    return object;
}
