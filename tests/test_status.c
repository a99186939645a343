/* SPDX-License-Identifier: BSD-2-Clause */
/* test_status.c: status texts, error messages, sizes that overflow, structs of older and newer callers. */
#include "check.h"
#include "size.h"
#include "status.h"

#include <stdio.h>
#include <string.h>

void test_status_texts(void)
{
    for (int i = 0; i < GRU_STATUS_COUNT; i++) {
        const char *text = gru_status_text((enum gru_status)i);
        if (!CHECK(text != NULL && text[0] != '\0', "status %d has a text", i))
            return;
        for (int k = 0; k < i; k++)
            CHECK(strcmp(text, gru_status_text((enum gru_status)k)) != 0, "statuses %d and %d differ", i, k);
    }
    static const int unknown[] = {GRU_STATUS_COUNT, -1, 1 << 30};
    for (size_t i = 0; i < 3; i++)
        CHECK(strcmp(gru_status_text((enum gru_status)unknown[i]), "an unknown status") == 0, "status %d", unknown[i]);

    char version[64];
    snprintf(version, sizeof version, "%d.%d.%d", GRU_VERSION_MAJOR, GRU_VERSION_MINOR, GRU_VERSION_PATCH);
    CHECK(strcmp(gru_version(), version) == 0, "gru_version is %s, the header's is %s", gru_version(), version);
    CHECK(gru_arithmetic() == GRU_ARITHMETIC, "gru_arithmetic is %d", gru_arithmetic());
}

/* A text is cut at a whole character, wherever the cut falls in it, even if a single byte is too many. */
void test_status_fail(void)
{
    CHECK(gru_fail(NULL, GRU_OVERFLOW, "%d", 1) == GRU_OVERFLOW, "the error may be NULL");
    gru_error error;
    memset(&error, 0xa5, sizeof error);
    CHECK(gru_fail(&error, GRU_BAD_VALUE, "clip is %d", -3) == GRU_BAD_VALUE, "the status comes back");
    CHECK(error.status == GRU_BAD_VALUE && strcmp(error.text, "clip is -3") == 0, "the text is '%s'", error.text);

    static const char *const characters[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9d\x84\x9e"};
    for (size_t width = 1; width <= 4; width++) {
        for (size_t shift = 0; shift < width; shift++) {
            char text[1024] = "";
            memset(text, '.', shift);
            for (size_t i = shift; i + width < sizeof text - 1; i += width)
                memcpy(text + i, characters[width - 1], width + 1);
            memset(&error, 0xa5, sizeof error);
            gru_fail(&error, GRU_BAD_VALUE, "%s", text);
            size_t whole = shift + (sizeof error.text - 1 - shift) / width * width;
            CHECK(strnlen(error.text, sizeof error.text) == whole && memcmp(error.text, text, whole) == 0,
                  "characters of %zu bytes after %zu: %zu bytes are kept, not %zu", width, shift,
                  strnlen(error.text, sizeof error.text), whole);
        }
        char text[sizeof error.text + 1] = "";
        memset(text, '.', sizeof error.text);
        memcpy(text + sizeof error.text - width, characters[width - 1], width + 1);
        gru_fail(&error, GRU_BAD_VALUE, "%s", text);
        text[sizeof error.text - width] = '\0';
        CHECK(strcmp(error.text, text) == 0, "the last of a byte too many, of %zu bytes: %zu bytes are kept", width,
              strnlen(error.text, sizeof error.text));
    }
}

void test_status_sizes(void)
{
    static const size_t edges[] = {0, 1, 2, 3, 65535, 65536, SIZE_MAX / 4, SIZE_MAX / 2, SIZE_MAX / 2 + 1,
                                   SIZE_MAX - 1, SIZE_MAX};
    enum { EDGES = sizeof edges / sizeof edges[0] };
    for (size_t i = 0; i < EDGES * EDGES; i++) {
        size_t a = edges[i / EDGES], b = edges[i % EDGES], out = 42;
        bool fits = gru_add(a, b, &out);
        /* A wrapped sum is smaller than each of its terms; a wrapped product doesn't divide back. */
        CHECK(fits == (a + b >= a) && out == (fits ? a + b : 42), "%zu + %zu: %d, %zu", a, b, fits, out);
        out = 42;
        fits = gru_mul(a, b, &out);
        bool divides = a == 0 || (a * b) / a == b;
        CHECK(fits == divides && out == (fits ? a * b : 42), "%zu * %zu: %d, %zu", a, b, fits, out);
    }
    size_t most = (size_t)PTRDIFF_MAX / sizeof(float), out = 42;
    CHECK(gru_elements(most, 1, 1, &out) && out == most, "the largest array");
    CHECK(!gru_elements(most + 1, 1, 1, &out) && !gru_elements(most / 2 + 1, 1, 2, &out), "one float more");
    CHECK(!gru_elements(SIZE_MAX / 2 + 1, 2, 0, &out) && !gru_elements(SIZE_MAX / 4 + 1, 2, 2, &out), "wrapping to 0");
    CHECK(gru_elements(0, SIZE_MAX, 1, &out) && out == 0, "an empty array");
}

typedef struct sample {
    size_t size;
    size_t a;
    float b;
    int c;
} sample;

void test_status_read_struct(void)
{
    gru_error error;
    sample from = {sizeof from, 1, 2.0f, 3}, to = {0};
    CHECK_STATUS(gru_read_struct(&to, sizeof to, &from, "sample", &error), GRU_OK, &error, "the same version");
    CHECK(memcmp(&to, &from, sizeof to) == 0, "all fields are copied");

    from.size = 2 * sizeof(size_t);
    memset(&to, 0xa5, sizeof to);
    CHECK_STATUS(gru_read_struct(&to, sizeof to, &from, "sample", &error), GRU_OK, &error, "an older caller");
    CHECK(to.size == sizeof to && to.a == 1 && check_bits_of(to.b) == 0 && to.c == 0, "the fields it lacks are zero");

    unsigned char bytes[4096 + 64] = {0};
    static const struct {
        size_t size, dirty; /* `dirty`: the byte that isn't zero, or 0 */
        enum gru_status want;
    } rows[] = {
        {sizeof(sample) + 8, 0, GRU_OK},
        {sizeof(sample) + 8, sizeof(sample), GRU_BAD_STRUCT},
        {sizeof(sample) + 8, sizeof(sample) + 7, GRU_BAD_STRUCT},
        {sizeof(sample) + 8, sizeof(sample) + 8, GRU_OK}, /* beyond the struct: not looked at */
        {4096, 0, GRU_OK},
        {4096, 4095, GRU_BAD_STRUCT},
        {4096 + 8, 0, GRU_BAD_STRUCT},
        {SIZE_MAX, 0, GRU_BAD_STRUCT},
        {0, 0, GRU_BAD_STRUCT},
        {sizeof(size_t) - 1, 0, GRU_BAD_STRUCT},
        {sizeof(size_t), 0, GRU_BAD_STRUCT}, /* sizeof of a pointer */
        {2 * sizeof(size_t), 0, GRU_OK},
        {sizeof(sample) - 1, 0, GRU_BAD_STRUCT},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        memset(bytes, 0, sizeof bytes);
        bytes[rows[i].dirty] = rows[i].dirty ? 1 : 0;
        memcpy(bytes, &rows[i].size, sizeof(size_t));
        sample before = {7, 7, 7.0f, 7};
        to = before;
        CHECK_STATUS(gru_read_struct(&to, sizeof to, bytes, "sample", &error), rows[i].want, &error,
                     "size %zu, byte %zu set", rows[i].size, rows[i].dirty);
        CHECK(rows[i].want == GRU_OK ? to.size == sizeof to : memcmp(&to, &before, sizeof to) == 0,
              "size %zu, byte %zu set: what was written", rows[i].size, rows[i].dirty);
    }
    CHECK_STATUS(gru_read_struct(&to, sizeof to, NULL, "sample", &error), GRU_NULL_POINTER, &error, "NULL");
}

/* Structs that the library fills: never a byte beyond the caller's size. */
void test_status_write_struct(void)
{
    gru_error error;
    const sample from = {sizeof from, 1, 2.0f, 3};
    for (size_t size = 2 * sizeof(size_t); size <= sizeof(sample) + 16; size += sizeof(size_t)) {
        unsigned char bytes[sizeof(sample) + 32];
        memset(bytes, 0xa5, sizeof bytes);
        memcpy(bytes, &size, sizeof size);
        CHECK_STATUS(gru_write_struct(bytes, &from, sizeof from, "sample", &error), GRU_OK, &error, "size %zu", size);
        size_t kept;
        memcpy(&kept, bytes, sizeof kept);
        CHECK(kept == size, "the size stays %zu, not %zu", size, kept);
        for (size_t i = sizeof(size_t); i < sizeof bytes; i++) {
            unsigned want = i >= size ? 0xa5 : i < sizeof from ? ((const unsigned char *)&from)[i] : 0;
            CHECK(bytes[i] == want, "size %zu: byte %zu is %u, not %u", size, i, (unsigned)bytes[i], want);
        }
    }
    sample to = {.size = 3};
    CHECK_STATUS(gru_write_struct(&to, &from, sizeof from, "sample", &error), GRU_BAD_STRUCT, &error, "size 3");
    to.size = sizeof(size_t);
    CHECK_STATUS(gru_write_struct(&to, &from, sizeof from, "sample", &error), GRU_BAD_STRUCT, &error, "a pointer's");
    CHECK_STATUS(gru_write_struct(NULL, &from, sizeof from, "sample", &error), GRU_NULL_POINTER, &error, "NULL");
}
