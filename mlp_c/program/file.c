#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failure.h"

FILE *file_open(const char *path, size_t *size) {
    struct stat status;
    if (stat(path, &status) != 0) {
        fail(COULD_NOT_BE_DONE, "cannot open %s: %s", path, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        fail(COULD_NOT_BE_DONE, "cannot open %s: it is not a regular file", path);
    }
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fail(COULD_NOT_BE_DONE, "cannot open %s: %s", path, strerror(errno));
    }
    *size = (size_t)status.st_size;
    return file;
}

void file_read(FILE *file, const char *path, void *bytes, size_t n) {
    if (fread(bytes, 1, n, file) != n) {
        fail(COULD_NOT_BE_DONE, "cannot read %s: %s", path, ferror(file) ? strerror(errno) : "it ends too early");
    }
}

char *file_content(const char *path, size_t *size) {
    FILE *file = file_open(path, size);
    char *content = allocate(*size + 1, 1);
    file_read(file, path, content, *size);
    fclose(file);
    return content;
}

void file_sync(const char *path) {
    const int handle = open(path, O_RDONLY);
    if (handle < 0 || fsync(handle) != 0) {
        fail(COULD_NOT_BE_DONE, "cannot write %s: %s", path, strerror(errno));
    }
    close(handle);
}

static _Noreturn void give_up(const AtomicFile *f) {
    const int reason = errno;
    unlink(f->temporary);
    fail(COULD_NOT_BE_DONE, "cannot write %s: %s; check the folder and the space left there", f->path,
         strerror(reason));
}

AtomicFile atomic_open(const char *path, bool durable) {
    AtomicFile f = {.path = path, .durable = durable};
    const int n = snprintf(f.temporary, sizeof f.temporary, "%s.tmp", path);
    if (n < 0 || (size_t)n >= sizeof f.temporary) {
        fail(COULD_NOT_BE_DONE, "the path %s is too long", path);
    }
    unlink(f.temporary);  // of a run that was killed; or, in a folder from elsewhere, a link to another place
    f.handle = open(f.temporary, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (f.handle < 0) {
        fail(COULD_NOT_BE_DONE, "cannot write %s: %s", path, strerror(errno));
    }
    return f;
}

void atomic_write(AtomicFile *f, const void *bytes, size_t n) {
    for (const char *at = bytes; n > 0;) {
        const ssize_t written = write(f->handle, at, n);
        if (written < 0) {
            give_up(f);
        }
        at += written, n -= (size_t)written;
    }
}

// The new name is on the disk only when its folder is.
static void sync_folder(const AtomicFile *f) {
    char folder[sizeof f->temporary];
    strcpy(folder, f->temporary);
    char *slash = strrchr(folder, '/');
    if (slash == NULL) {
        strcpy(folder, ".");
    } else {
        slash[slash == folder] = '\0';
    }
    file_sync(folder);
}

void atomic_commit(AtomicFile *f) {
    if ((f->durable && fsync(f->handle) != 0) || close(f->handle) != 0 || rename(f->temporary, f->path) != 0) {
        give_up(f);
    }
    if (f->durable) {
        sync_folder(f);
    }
}

void file_replace(const char *path, const void *bytes, size_t n) {
    AtomicFile file = atomic_open(path, true);
    atomic_write(&file, bytes, n);
    atomic_commit(&file);
}

FILE *text_open(char **text, size_t *size) {
    FILE *stream = open_memstream(text, size);
    if (stream == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    return stream;
}

void text_close(FILE *stream) {
    if (ferror(stream) || fclose(stream) != 0) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
}
