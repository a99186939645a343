/* SPDX-License-Identifier: BSD-2-Clause */
/* vectors.c: reads the conformance cases of tests/vectors and runs them through the public API. */
#include "vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

double vectors_distance(const vectors_case *c, const gru_backend *backend)
{
    gru_desc desc = c->desc;
    desc.backend = backend;
    gru_layer *layer = NULL;
    gru_error error = {0};
    if (!CHECK(gru_layer_create(&layer, &desc, c->weights, NULL, &error) == GRU_OK, "%s: %s", c->name, error.text))
        return HUGE_VAL;
    size_t bytes = 0;
    enum gru_status status = gru_workspace_bytes(layer, c->io.steps, c->io.rows, &bytes, &error);
    void *workspace = guarded_bytes(bytes, GUARD_AFTER, 0);
    gru_io io = c->io;
    io.y = c->y.want != NULL ? guarded_floats(c->y.count, GUARD_AFTER, 0) : NULL;
    io.state.h = c->h.want != NULL ? guarded_floats(c->h.count, GUARD_AFTER, 0) : NULL;
    if (status == GRU_OK)
        status = gru_run(layer, &io, workspace, bytes, &error);
    gru_layer_destroy(layer);
    if (!CHECK(status == GRU_OK, "%s: %s", c->name, error.text))
        return HUGE_VAL;

    double distance = 0.0;
    const vectors_result *results[2] = {&c->y, &c->h};
    const float *got[2] = {io.y, io.state.h};
    for (size_t r = 0; r < 2; r++) {
        for (size_t i = 0; got[r] != NULL && i < results[r]->count; i++) {
            double d = fabs((double)got[r][i] - (double)results[r]->want[i]);
            distance = d <= distance ? distance : isnan(d) ? HUGE_VAL : d;
        }
    }
    return distance;
}

#ifdef GRU_TESTS_CJSON

#include <cjson/cJSON.h>

typedef struct word {
    const char *name;
    int value;
} word;

static const word resets[] = {{"after", GRU_RESET_AFTER}, {"before", GRU_RESET_BEFORE}, {NULL, 0}};
static const word updates[] = {{"keep", GRU_UPDATE_KEEP}, {"replace", GRU_UPDATE_REPLACE}, {NULL, 0}};
static const word biases[] = {{"none", GRU_BIAS_NONE}, {"one", GRU_BIAS_ONE}, {"four", GRU_BIAS_FOUR},
                              {"six", GRU_BIAS_SIX}, {NULL, 0}};
static const word directions[] = {{"forward", GRU_FORWARD}, {"reverse", GRU_REVERSE},
                                  {"bidirectional", GRU_BIDIRECTIONAL}, {NULL, 0}};
static const word merges[] = {{"concat", GRU_MERGE_CONCAT}, {"sum", GRU_MERGE_SUM}, {NULL, 0}};
static const word activations[] = {{"sigmoid", GRU_GATES_SIGMOID}, {"hard_sigmoid", GRU_GATES_HARD_SIGMOID}, {NULL, 0}};

static int word_value(const cJSON *item, const word *words)
{
    const char *text = cJSON_IsString(item) ? item->valuestring : "";
    for (; words->name != NULL; words++) {
        if (strcmp(text, words->name) == 0)
            return words->value;
    }
    CHECK(false, "%s '%s' isn't understood", item->string, text);
    return 0;
}

static size_t count_of(const cJSON *item)
{
    bool sound = cJSON_IsNumber(item) && item->valuedouble >= 0.0 && item->valuedouble == floor(item->valuedouble);
    CHECK(sound, "%s isn't a count", item != NULL && item->string != NULL ? item->string : "a value");
    return sound ? (size_t)item->valuedouble : 0;
}

static void read_desc(gru_desc *desc, const cJSON *from)
{
    *desc = (gru_desc){.size = sizeof *desc};
    for (const cJSON *item = from->child; item != NULL; item = item->next) {
        if (strcmp(item->string, "input") == 0)
            desc->input = count_of(item);
        else if (strcmp(item->string, "hidden") == 0)
            desc->hidden = count_of(item);
        else if (strcmp(item->string, "reset") == 0)
            desc->reset = (enum gru_reset)word_value(item, resets);
        else if (strcmp(item->string, "update") == 0)
            desc->update = (enum gru_update)word_value(item, updates);
        else if (strcmp(item->string, "bias") == 0)
            desc->bias = (enum gru_bias)word_value(item, biases);
        else if (strcmp(item->string, "direction") == 0)
            desc->direction = (enum gru_direction)word_value(item, directions);
        else if (strcmp(item->string, "merge") == 0)
            desc->merge = (enum gru_merge)word_value(item, merges);
        else if (strcmp(item->string, "gates") == 0)
            desc->gates = (enum gru_gates)word_value(item, activations);
        else if (strcmp(item->string, "hard_alpha") == 0)
            desc->hard_alpha = (float)item->valuedouble;
        else if (strcmp(item->string, "hard_beta") == 0)
            desc->hard_beta = (float)item->valuedouble;
        else if (strcmp(item->string, "clip") == 0)
            desc->clip = (float)item->valuedouble;
        else
            CHECK(false, "desc.%s isn't understood", item->string);
    }
}

/* The numbers of {"shape": ..., "data": ...}, in an array that ends at an unreadable page; NULL if there are none. */
static float *read_array(const cJSON *from, size_t *count)
{
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(from, "data"), *item;
    *count = 1;
    if (from == NULL)
        return NULL;
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(from, "shape"))
    {
        *count *= count_of(item);
    }
    if (!CHECK((size_t)cJSON_GetArraySize(data) == *count, "%s hasn't %zu numbers", from->string, *count))
        return NULL;
    float *array = guarded_floats(*count, GUARD_AFTER, 0);
    size_t i = 0;
    cJSON_ArrayForEach(item, data)
    {
        array[i++] = (float)item->valuedouble;
    }
    guarded_freeze(array);
    return array;
}

/* A weight array by name: "bias" or, of direction 1 in the dialects whose directions have their own, "bias_reverse". */
static const float *weight(const cJSON *arrays, const char *name, size_t direction)
{
    char full[64];
    size_t count;
    snprintf(full, sizeof full, "%s%s", name, direction == 1 ? "_reverse" : "");
    return read_array(cJSON_GetObjectItemCaseSensitive(arrays, full), &count);
}

static void import(vectors_case *c, size_t d, const char *dialect, const cJSON *arrays)
{
    gru_error error = {0};
    enum gru_status status = GRU_BAD_DIALECT;
    gru_weights *view = &c->weights[d];
    view->size = sizeof *view;
    if (strcmp(dialect, "pytorch") == 0)
        status = gru_weights_pytorch(view, &c->desc, weight(arrays, "weight_ih", d), weight(arrays, "weight_hh", d),
                                     weight(arrays, "bias_ih", d), weight(arrays, "bias_hh", d), &error);
    else if (strcmp(dialect, "keras") == 0)
        status = gru_weights_keras(view, &c->desc, weight(arrays, "kernel", d), weight(arrays, "recurrent_kernel", d),
                                   weight(arrays, "bias", d), &error);
    else if (strcmp(dialect, "onnx") == 0)
        status = gru_weights_onnx(view, &c->desc, weight(arrays, "W", 0), weight(arrays, "R", 0),
                                  weight(arrays, "B", 0), d, &error);
    else if (strcmp(dialect, "openvino") == 0)
        status = gru_weights_openvino(view, &c->desc, weight(arrays, "W", 0), weight(arrays, "R", 0),
                                      weight(arrays, "B", 0), d, &error);
    else if (strcmp(dialect, "onednn") == 0)
        status = gru_weights_onednn(view, &c->desc, weight(arrays, "weights_layer", d),
                                    weight(arrays, "weights_iter", d), weight(arrays, "bias", d), &error);
    CHECK(status == GRU_OK, "%s, dialect %s: %s", c->name, dialect, error.text);
}

/* An array whose axes the file names; checks its shape against the case, and finds its strides. */
static vectors_result read_result(const cJSON *from, const vectors_case *c)
{
    vectors_result result = {0};
    if (from == NULL)
        return result;
    const char *axes = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(from, "axes"));
    const cJSON *shape = cJSON_GetObjectItemCaseSensitive(from, "shape");
    ptrdiff_t stride = 1;
    for (size_t i = axes != NULL ? strlen(axes) : 0; i-- > 0;) {
        size_t found = count_of(cJSON_GetArrayItem(shape, (int)i)), want = 0;
        switch (axes[i]) {
        case 'T': want = c->io.steps, result.step = stride; break;
        case 'B': want = c->io.rows, result.row = stride; break;
        case 'D': want = c->desc.direction == GRU_BIDIRECTIONAL ? 2 : 1, result.direction = stride; break;
        case 'H': want = c->desc.hidden; break;
        case 'I': want = c->desc.input; break;
        }
        CHECK(found == want, "%s, %s: axis %c has %zu elements, not %zu", c->name, from->string, axes[i], found, want);
        stride *= (ptrdiff_t)found;
    }
    result.want = read_array(from, &result.count);
    return result;
}

static const size_t *read_lengths(const cJSON *from, const vectors_case *c)
{
    if (from == NULL)
        return NULL;
    CHECK((size_t)cJSON_GetArraySize(from) == c->io.rows, "%s: a length for each row", c->name);
    size_t *lengths = guarded_bytes(c->io.rows * sizeof *lengths, GUARD_AFTER, 0), i = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, from)
    {
        if (i < c->io.rows)
            lengths[i++] = count_of(item);
    }
    return lengths;
}

static void read_case(vectors_case *c, const cJSON *from)
{
    static const char *const known[] = {"name", "dialect", "desc", "steps", "rows", "arrays", "x", "h0", "lengths",
                                        "reversed_output", "y", "h", "tolerance"};
    for (const cJSON *item = from->child; item != NULL; item = item->next) {
        size_t i = 0;
        while (i < sizeof known / sizeof known[0] && strcmp(item->string, known[i]) != 0)
            i++;
        CHECK(i < sizeof known / sizeof known[0], "the field '%s' isn't understood", item->string);
    }
    *c = (vectors_case){.io = {.size = sizeof c->io}};
    snprintf(c->name, sizeof c->name, "%s", cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(from, "name")));
    read_desc(&c->desc, cJSON_GetObjectItemCaseSensitive(from, "desc"));
    c->io.steps = count_of(cJSON_GetObjectItemCaseSensitive(from, "steps"));
    c->io.rows = count_of(cJSON_GetObjectItemCaseSensitive(from, "rows"));
    c->io.reversed_output = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(from, "reversed_output"));
    c->io.lengths = read_lengths(cJSON_GetObjectItemCaseSensitive(from, "lengths"), c);
    c->tolerance = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(from, "tolerance"));
    CHECK(c->tolerance > 0.0, "%s: its tolerance is %g", c->name, c->tolerance);

    vectors_result x = read_result(cJSON_GetObjectItemCaseSensitive(from, "x"), c);
    vectors_result h0 = read_result(cJSON_GetObjectItemCaseSensitive(from, "h0"), c);
    c->y = read_result(cJSON_GetObjectItemCaseSensitive(from, "y"), c);
    c->h = read_result(cJSON_GetObjectItemCaseSensitive(from, "h"), c);
    c->io.x = x.want, c->io.x_step = x.step, c->io.x_row = x.row;
    c->io.y_step = c->y.step, c->io.y_row = c->y.row, c->io.y_direction = c->y.direction;
    c->io.state = (gru_state){.h0 = h0.want, .h0_row = h0.row, .h0_direction = h0.direction, .h_row = c->h.row,
                              .h_direction = c->h.direction};
    const char *dialect = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(from, "dialect"));
    for (size_t d = 0; d < (c->desc.direction == GRU_BIDIRECTIONAL ? 2u : 1u); d++)
        import(c, d, dialect != NULL ? dialect : "", cJSON_GetObjectItemCaseSensitive(from, "arrays"));
}

static cJSON *read_file(const char *name)
{
    char path[64];
    snprintf(path, sizeof path, "vectors/%s.json", name);
    FILE *file = check_open(path, "rb");
    if (!CHECK(file != NULL, "tests/%s can't be opened", path))
        return NULL;
    fseek(file, 0, SEEK_END);
    long bytes = ftell(file);
    rewind(file);
    char *text = calloc((size_t)bytes + 1, 1);
    cJSON *json = text != NULL && fread(text, 1, (size_t)bytes, file) == (size_t)bytes ? cJSON_Parse(text) : NULL;
    CHECK(json != NULL, "tests/%s isn't JSON", path);
    free(text);
    fclose(file);
    return json;
}

bool vectors_each(const char *file, void (*use)(const vectors_case *))
{
    cJSON *json = read_file(file);
    const cJSON *item, *cases = cJSON_GetObjectItemCaseSensitive(json, "cases");
    CHECK(cJSON_GetArraySize(cases) > 0, "%s.json has cases", file);
    cJSON_ArrayForEach(item, cases)
    {
        vectors_case c;
        read_case(&c, item);
        use(&c);
    }
    cJSON_Delete(json);
    return true;
}

#else

bool vectors_each(const char *file, void (*use)(const vectors_case *))
{
    (void)file;
    (void)use;
    return false;
}

#endif
