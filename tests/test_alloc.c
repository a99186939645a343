/* SPDX-License-Identifier: BSD-2-Clause */
/* test_alloc.c: each allocation of each path fails once, and runs make none. */
#include "rig.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

/* The paths that allocate: each makes an object, which `unmake` takes down, and answers how it went. */
enum path { LAYER, LAYER_BOTH, LAYER_BEFORE, GATE, TEAM_OF_ONE, TEAM, PATHS };
static const char *const path_names[PATHS] = {"a layer", "a bidirectional layer", "a layer with the reset before", "a gate",
                                              "a team of one", "a team of three"};

/* The object of a path; `untouched` in each tells that a failure wrote nothing. */
typedef struct object {
    gru_layer *layer;
    gru_gate *gate;
    gru_team *team;
} object;

static const float number = 0.25f;

static enum gru_status make(enum path path, object *o, size_t hidden, const gru_allocator *allocator, gru_error *error)
{
    gru_weights views[2] = {{.size = sizeof views[0]}, {.size = sizeof views[0]}};
    for (int i = 0; i < 6; i++) {
        views[i / 3].w[i % 3].data = views[i / 3].u[i % 3].data = &number;
    }
    gru_desc desc = {.size = sizeof desc, .input = 3, .hidden = hidden};
    desc.direction = path == LAYER_BOTH ? GRU_BIDIRECTIONAL : GRU_FORWARD;
    desc.reset = path == LAYER_BEFORE ? GRU_RESET_BEFORE : GRU_RESET_AFTER;
    gru_gate_desc gate = {.size = sizeof gate, .units = hidden, .inputs = hidden, .w = {&number, 0, 0}};
    switch (path) {
    case GATE:
        return gru_gate_create(&o->gate, &gate, allocator, error);
    case TEAM_OF_ONE:
    case TEAM:
        return gru_team_create(&o->team, path == TEAM ? 3 : 1, allocator, error);
    default:
        return gru_layer_create(&o->layer, &desc, views, allocator, error);
    }
}

static void unmake(enum path path, const object *o)
{
    if (path == GATE) {
        gru_gate_destroy(o->gate);
    } else if (path == TEAM || path == TEAM_OF_ONE) {
        gru_team_destroy(o->team);
    } else {
        gru_layer_destroy(o->layer);
    }
}

/* The hook counts the calls of a success, then lets each of them fail in its turn. */
void test_alloc_refused(void)
{
    for (enum path path = LAYER; path < PATHS; path++) {
        check_memory memory = {0};
        gru_allocator allocator = check_allocator(&memory);
        object o = {NULL, NULL, NULL};
        gru_error error = {0};
        CHECK_STATUS(make(path, &o, 40, &allocator, &error), GRU_OK, &error, "%s", path_names[path]);
        size_t calls = memory.calls;
        CHECK(calls > 0 && memory.live > 0, "%s comes from the allocator", path_names[path]);
        unmake(path, &o);
        CHECK(memory.live == 0 && memory.bytes == 0 && memory.mistakes == 0, "%s: %zu blocks are left", path_names[path],
              memory.live);
        for (size_t fail_at = 1; fail_at <= calls; fail_at++) {
            memory = (check_memory){.fail_at = fail_at};
            object as_before = o, after = o;
            CHECK_STATUS(make(path, &after, 40, &allocator, &error), GRU_NO_MEMORY, &error, "%s, allocation %zu of %zu",
                         path_names[path], fail_at, calls);
            CHECK(memcmp(&as_before, &after, sizeof after) == 0, "%s: a failure wrote the result", path_names[path]);
            CHECK(memory.live == 0 && memory.mistakes == 0, "%s: %zu blocks leak", path_names[path], memory.live);
        }
    }
}

/* An allocator with one of its two functions would only fail at the first release, so it is refused at once. */
void test_alloc_half(void)
{
    for (enum path path = LAYER; path < PATHS; path++) {
        for (int half = 0; half < 2; half++) {
            check_memory memory = {0};
            gru_allocator allocator = check_allocator(&memory);
            object o = {NULL, NULL, NULL};
            gru_error error = {0};
            if (half) {
                allocator.allocate = NULL;
            } else {
                allocator.release = NULL;
            }
            CHECK_STATUS(make(path, &o, 40, &allocator, &error), GRU_NULL_POINTER, &error, "%s", path_names[path]);
            CHECK(memory.calls == 0 && !o.layer && !o.gate && !o.team, "%s: nothing is made", path_names[path]);
        }
    }
}

/* An allocator that knows of no alignment: what it gave goes back, and the message has the address. */
typedef struct crooked {
    unsigned char *given;
    size_t live;
} crooked;

static void *crooked_allocate(void *context, size_t bytes, size_t alignment)
{
    crooked *c = context;
    (void)alignment;
    c->live++;
    c->given = guarded_bytes(bytes + 64, GUARD_BEFORE, 0); /* at the start of a page */
    return c->given + 16;
}

static void crooked_release(void *context, void *memory, size_t bytes)
{
    crooked *c = context;
    (void)bytes;
    c->live -= memory == c->given + 16;
}

void test_alloc_crooked(void)
{
    for (enum path path = LAYER; path < PATHS; path++) {
        crooked c = {0};
        const gru_allocator allocator = {crooked_allocate, crooked_release, &c};
        object o = {NULL, NULL, NULL};
        gru_error error = {0};
        char address[32];
        CHECK_STATUS(make(path, &o, 40, &allocator, &error), GRU_BAD_ALIGNMENT, &error, "%s", path_names[path]);
        snprintf(address, sizeof address, "%p", (void *)(c.given + 16));
        CHECK(strstr(error.text, address) != NULL, "%s: '%s' names %s", path_names[path], error.text, address);
        CHECK(c.live == 0 && !o.layer && !o.gate && !o.team, "%s: nothing is left", path_names[path]);
        guarded_free_all();
    }
}

/* With 64 MiB of address space left, objects that need more: 0 if each is refused well and a small one still works. */
static int starve(void *context)
{
    (void)context;
    struct rlimit limit;
    FILE *file = fopen("/proc/self/statm", "r");
    unsigned long pages = 0;
    int read = file ? fscanf(file, "%lu", &pages) : 0;
    if (file != NULL) {
        fclose(file);
    }
    limit.rlim_cur = limit.rlim_max = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + ((rlim_t)64 << 20);
    if (read != 1 || setrlimit(RLIMIT_AS, &limit) != 0) {
        return CHECK_CANNOT;
    }
    /* An emulator may take the limit and not keep to it. */
    if (mmap(NULL, (size_t)128 << 20, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0) != MAP_FAILED) {
        return CHECK_CANNOT;
    }
    for (enum path path = LAYER; path <= GATE; path++) {
        object o = {NULL, NULL, NULL};
        gru_error error = {0};
        if (make(path, &o, 10000, NULL, &error) != GRU_NO_MEMORY || error.status != GRU_NO_MEMORY || o.layer || o.gate) {
            return 1;
        }
        if (make(path, &o, 100, NULL, &error) != GRU_OK) {
            return 1;
        }
        unmake(path, &o);
    }
    return 0;
}

/* The same without a hook: the system has no memory. */
void test_alloc_system(void)
{
    int status = check_child(starve, NULL);
    if (status == CHECK_CANNOT) {
        SKIP("this system doesn't limit a process's memory");
    }
    CHECK(status == 0, "a layer or a gate without memory is refused: %d", status);
}

/* Once a layer is there, nothing of it allocates: runs, packing anew, describing; and its memory is given back once. */
void test_alloc_none_in_runs(void)
{
    for (int i = 0; i < 200; i++) {
        rig_shape shape = rig_random(check_this(), 40, 70, 5, 9);
        rig r = rig_make(&shape, NULL);
        check_memory memory = {0};
        gru_allocator allocator = check_allocator(&memory);
        gru_error error = {0};
        gru_desc desc = {.size = sizeof desc};
        gru_layer_destroy(r.layer);
        CHECK_STATUS(gru_layer_create(&r.layer, &shape.desc, r.views, &allocator, &error), GRU_OK, &error, "%s",
                     rig_text(&shape));
        size_t calls = memory.calls;
        CHECK_STATUS(rig_run(&r, &error), GRU_OK, &error, "%s", rig_text(&shape));
        CHECK_STATUS(gru_layer_repack(r.layer, r.views, &error), GRU_OK, &error, "packed anew");
        CHECK_STATUS(gru_layer_describe(r.layer, &desc, &error), GRU_OK, &error, "described");
        CHECK(memory.calls == calls && memory.live == calls, "%s: %zu more allocations", rig_text(&shape), memory.calls - calls);
        rig_free(&r);
        CHECK(memory.live == 0 && memory.mistakes == 0, "%s: %zu blocks are left", rig_text(&shape), memory.live);
        guarded_free_all();
    }
}
