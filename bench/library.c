/* SPDX-License-Identifier: BSD-2-Clause */
/* library.c: the linked library, and private copies of loaded ones. */
#include "library.h"

#include "util.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

const struct library library_linked = {
    .version = gru_version,
    .arithmetic = gru_arithmetic,
    .status_text = gru_status_text,
    .backend_find = gru_backend_find,
    .backend_at = gru_backend_at,
    .backend_name = gru_backend_name,
    .layer_create = gru_layer_create,
    .layer_destroy = gru_layer_destroy,
    .layer_bytes = gru_layer_bytes,
    .workspace_bytes = gru_workspace_bytes,
    .run = gru_run,
    .stack_workspace_bytes = gru_stack_workspace_bytes,
    .run_stack = gru_run_stack,
    .team_create = gru_team_create,
    .team_destroy = gru_team_destroy,
    .team_pool = gru_team_pool,
    .gate_create = gru_gate_create,
    .gate_destroy = gru_gate_destroy,
    .gate_workspace_bytes = gru_gate_workspace_bytes,
    .gate_run = gru_gate_run,
    .update_blend = gru_update_blend,
    .sigmoid = gru_sigmoid,
    .tanh = gru_tanh,
};

/* Where each function's address goes; a pointer to a function can't be told from another's in C, an offset can. */
static const struct {
    const char *name;
    size_t offset;
} functions[] = {
    {"gru_version", offsetof(struct library, version)},
    {"gru_arithmetic", offsetof(struct library, arithmetic)},
    {"gru_status_text", offsetof(struct library, status_text)},
    {"gru_backend_find", offsetof(struct library, backend_find)},
    {"gru_backend_at", offsetof(struct library, backend_at)},
    {"gru_backend_name", offsetof(struct library, backend_name)},
    {"gru_layer_create", offsetof(struct library, layer_create)},
    {"gru_layer_destroy", offsetof(struct library, layer_destroy)},
    {"gru_layer_bytes", offsetof(struct library, layer_bytes)},
    {"gru_workspace_bytes", offsetof(struct library, workspace_bytes)},
    {"gru_run", offsetof(struct library, run)},
    {"gru_stack_workspace_bytes", offsetof(struct library, stack_workspace_bytes)},
    {"gru_run_stack", offsetof(struct library, run_stack)},
    {"gru_team_create", offsetof(struct library, team_create)},
    {"gru_team_destroy", offsetof(struct library, team_destroy)},
    {"gru_team_pool", offsetof(struct library, team_pool)},
    {"gru_gate_create", offsetof(struct library, gate_create)},
    {"gru_gate_destroy", offsetof(struct library, gate_destroy)},
    {"gru_gate_workspace_bytes", offsetof(struct library, gate_workspace_bytes)},
    {"gru_gate_run", offsetof(struct library, gate_run)},
    {"gru_update_blend", offsetof(struct library, update_blend)},
    {"gru_sigmoid", offsetof(struct library, sigmoid)},
    {"gru_tanh", offsetof(struct library, tanh)},
};

/* A copy in memory under /proc/self/fd. The loader takes libraries of one name or one inode for the same, so the
 * descriptor stays open, which keeps its number to itself, as long as the library is loaded. */
static int private_copy(const char *path)
{
    int from = open(path, O_RDONLY | O_CLOEXEC);
    if (from < 0)
        fail("can't read %s: %s", path, strerror(errno));
    struct stat about;
    int to = memfd_create("libgru", MFD_CLOEXEC);
    if (fstat(from, &about) != 0 || to < 0)
        fail("can't copy %s: %s", path, strerror(errno));
    if (!S_ISREG(about.st_mode))
        fail("%s is a folder or a device, not a library", path);
    for (off_t left = about.st_size; left > 0;) {
        ssize_t sent = sendfile(to, from, NULL, (size_t)left);
        if (sent <= 0)
            fail("can't copy %s: %s", path, sent ? strerror(errno) : "it changed while it was read");
        left -= sent;
    }
    close(from);
    return to;
}

/* The ABI stands in the library's own name, libgru.so.<ABI>, which the dynamic section holds. */
static void check_abi(const struct library *library, const char *path)
{
    struct link_map *map;
    if (dlinfo(library->handle, RTLD_DI_LINKMAP, &map) != 0)
        fail("%s: %s", path, dlerror());
    const char *strings = NULL;
    size_t name = 0;
    for (const ElfW(Dyn) *entry = map->l_ld; entry->d_tag != DT_NULL; entry++) {
        if (entry->d_tag == DT_STRTAB)
            strings = (const char *)entry->d_un.d_ptr;
        if (entry->d_tag == DT_SONAME)
            name = entry->d_un.d_val;
    }
    char *wanted = take_text("libgru.so.%d", GRU_ABI);
    if (!strings || !name)
        fail("%s has no SONAME, so its ABI is unknown; %s is expected", path, wanted);
    if (strcmp(strings + name, wanted) != 0)
        fail("%s is %s, of another ABI or another library; %s is expected", path, strings + name, wanted);
    free(wanted);
}

void library_load(struct library *library, const char *path)
{
    int copy = private_copy(path);
    char *name = take_text("/proc/self/fd/%d", copy);
    /* All symbols at once, so that no first call looks one up in a timed block; local, so that the other build doesn't
     * get this one's. */
    *library = (struct library){.copy = copy, .handle = dlopen(name, RTLD_NOW | RTLD_LOCAL)};
    if (!library->handle)
        fail("%s can't be loaded: %s", path, dlerror());
    free(name);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(library->handle, functions[i].name);
        if (!function)
            fail("%s isn't libgru, or is too old: it has no %s", path, functions[i].name);
        memcpy((char *)library + functions[i].offset, &function, sizeof function);
    }
    check_abi(library, path);
}

void library_unload(struct library *library)
{
    if (!library->handle)
        return;
    dlclose(library->handle);
    close(library->copy);
    library->handle = NULL;
}
