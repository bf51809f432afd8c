#include "memory_files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../program/failure.h"
#include "../program/file.h"
#include "../program/folder.h"

enum { MOST_FILES = 8 };  // three of a text, and those of a run

static MemoryFile files[MOST_FILES];

MemoryFile *memory_file(const char *name) {
    for (MemoryFile *f = files; f < files + MOST_FILES; f++) {
        if (*name != '\0' && strcmp(f->name, name) == 0) {
            return f;
        }
    }
    return NULL;
}

MemoryFile *memory_file_put(const char *name, char *bytes, size_t n) {
    MemoryFile *f = memory_file(name), *unused = files;
    while (f == NULL && unused < files + MOST_FILES && unused->name[0] != '\0') { unused++; }
    f = f == NULL ? unused : f;
    if (f == files + MOST_FILES || strlen(name) >= sizeof f->name) {
        fail(COULD_NOT_BE_DONE, "there is no place for a file called %s", name);
    }
    strcpy(f->name, name);
    free(f->bytes);
    f->bytes = bytes, f->n = n;
    return f;
}

static const MemoryFile *found(const char *path) {
    const MemoryFile *f = memory_file(path);
    if (f == NULL) {
        fail_at("", path, ENOENT);
    }
    return f;
}

bool path_is_folder(const char *path) {
    const size_t n = strlen(path);
    bool is = false;
    for (const MemoryFile *f = files; f < files + MOST_FILES; f++) {
        is |= strncmp(f->name, path, n) == 0 && f->name[n] == '/';
    }
    return is;
}

bool path_exists(const char *path) { return errno = ENOENT, memory_file(path) != NULL || path_is_folder(path); }

FILE *file_open(const char *path, size_t *size) {
    const MemoryFile *f = found(path);
    FILE *file = fmemopen(f->n > 0 ? f->bytes : NULL, f->n > 0 ? f->n : 1, "rb");
    if (file == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    *size = f->n;
    return file;
}

void file_read(FILE *file, const char *path, void *bytes, size_t n) {
    if (fread(bytes, 1, n, file) != n) {
        fail(COULD_NOT_BE_DONE, "cannot read %s: it ends too early", path);
    }
}

char *file_content(const char *path, size_t limit, size_t *size) {
    const MemoryFile *f = found(path);
    char *content = allocate(f->n + 1, 1);
    (void)limit;  // memory is the limit
    if (f->n > 0) {
        memcpy(content, f->bytes, f->n);
    }
    *size = f->n;
    return content;
}

void file_sync(const char *path) { (void)path; }

AtomicFile atomic_open(const char *path, bool durable) {
    memory_file_put(path, NULL, 0);
    return (AtomicFile){.path = path, .durable = durable};
}

void atomic_write(AtomicFile *file, const void *bytes, size_t n) {
    MemoryFile *f = memory_file(file->path);
    char *longer = realloc(f->bytes, f->n + n + 1);
    if (longer == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    memcpy(longer + f->n, bytes, n);
    f->bytes = longer, f->n += n;
}

void atomic_commit(AtomicFile *file) { (void)file; }

void file_replace(const char *path, const void *bytes, size_t n) {
    AtomicFile file = atomic_open(path, false);
    atomic_write(&file, bytes, n);
}

Folder folder_open(const char *path) {
    static Folder folder = {.log = "log.csv",
                            .checkpoint = "checkpoint.safetensors",
                            .best = "best.safetensors",
                            .config = "config.toml",
                            .samples = "samples.txt"};
    folder.path = path;
    return folder;
}

bool folder_clear(const Folder *folder, bool resume, bool restart) {
    return (void)folder, (void)resume, (void)restart, false;
}

// There is no log: the page draws the losses itself. A checkpoint of a run that had one keeps what was printed.
void log_start(const Folder *folder) { (void)folder; }
void log_append(const Folder *folder, const char *line) { (void)folder, (void)line; }
bool log_is_ours(const Folder *folder) { return (void)folder, false; }

char *log_before(const Folder *folder, int64_t step, int64_t eval_every, int64_t steps, size_t *lines) {
    (void)folder, (void)steps;
    *lines = step > 0 ? (size_t)((step - 1) / eval_every) + 1 : 0;
    return text_copy("");
}

bool log_best(const Folder *folder, int64_t eval_every, int64_t steps, int64_t *best_step) {
    return (void)folder, (void)eval_every, (void)steps, (void)best_step, false;
}
