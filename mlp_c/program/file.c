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

static _Noreturn void give_up(const Replacement *r) {
    const int reason = errno;
    unlink(r->temporary);
    fail(COULD_NOT_BE_DONE, "cannot write %s: %s", r->path, strerror(reason));
}

Replacement file_replacement(const char *path, bool lasting) {
    Replacement r = {.path = path, .lasting = lasting};
    const int n = snprintf(r.temporary, sizeof r.temporary, "%s.tmp", path);
    if (n < 0 || (size_t)n >= sizeof r.temporary) {
        fail(COULD_NOT_BE_DONE, "the path %s is too long", path);
    }
    r.stream = fopen(r.temporary, "wb");
    if (r.stream == NULL) {
        fail(COULD_NOT_BE_DONE, "cannot write %s: %s", path, strerror(errno));
    }
    return r;
}

// The new name is on the disk only when its folder is.
static void sync_folder(const Replacement *r) {
    char folder[sizeof r->temporary];
    strcpy(folder, r->temporary);
    char *slash = strrchr(folder, '/');
    if (slash == NULL) {
        strcpy(folder, ".");
    } else {
        slash[slash == folder] = '\0';
    }
    const int handle = open(folder, O_RDONLY);
    if (handle < 0 || fsync(handle) != 0) {
        fail(COULD_NOT_BE_DONE, "cannot write %s: %s", r->path, strerror(errno));
    }
    close(handle);
}

void file_replace(Replacement *r) {
    if (ferror(r->stream) || fflush(r->stream) != 0 || (r->lasting && fsync(fileno(r->stream)) != 0)) {
        give_up(r);
    }
    if (fclose(r->stream) != 0 || rename(r->temporary, r->path) != 0) {
        give_up(r);
    }
    if (r->lasting) {
        sync_folder(r);
    }
}
