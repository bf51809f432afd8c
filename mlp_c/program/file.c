#include "file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "failure.h"
#include "without_posix.h"

enum { GROWTH = 1 << 20 };  // bytes, while a file is read; files of /proc say that they have none

bool path_exists(const char *path) { return access(path, F_OK) == 0; }

bool path_is_folder(const char *path) {
    struct stat status;
    return stat(path, &status) == 0 && S_ISDIR(status.st_mode);
}

FILE *file_open(const char *path, size_t *size) {
    struct stat status;
    const int handle = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);  // does not wait for a pipe
    const bool is_socket = handle < 0 && errno == ENXIO;
    if (is_socket || (handle >= 0 && fstat(handle, &status) == 0 && !S_ISREG(status.st_mode))) {
        if (!is_socket && S_ISDIR(status.st_mode)) {
            fail_at("", path, EISDIR);
        }
        fail(COULD_NOT_BE_DONE, "%s is not a regular file; copy its content into one", path);
    }
    FILE *file = handle < 0 ? NULL : fdopen(handle, "rb");
    if (file == NULL) {
        fail_at("", path, errno);
    }
    *size = (size_t)status.st_size;
    return file;
}

void file_read(FILE *file, const char *path, void *bytes, size_t n) {
    if (fread(bytes, 1, n, file) != n) {
        fail(COULD_NOT_BE_DONE, "cannot read %s: %s", path, ferror(file) ? strerror(errno) : "it ends too early");
    }
}

char *file_content(const char *path, size_t limit, size_t *size) {
    FILE *file = file_open(path, size);
    const size_t most = *size > limit ? 0 : *size + GROWTH < limit ? *size + GROWTH : limit + 1;
    char *content = allocate(most + 1, 1), found[COUNT_TEXT], allowed[COUNT_TEXT];
    const size_t n = fread(content, 1, most, file);
    if (ferror(file)) {
        fail_at("", path, errno);
    }
    *size = most == 0 ? *size : n;
    if (*size > limit) {
        fail(COULD_NOT_BE_DONE, "%s is too large: %s bytes; at most %s are read", path, count_text(found, *size),
             count_text(allowed, limit));
    }
    fclose(file);
    return content;
}

void file_sync(const char *path) {
    if (path_is_folder(path) && !FOLDERS_SYNC) {
        return;
    }
    const int handle = open(path, TO_SYNC);
    if (handle < 0 || fsync(handle) != 0) {
        fail_at("", path, errno);
    }
    close(handle);
}

static _Noreturn void give_up(const AtomicFile *f) {
    const int reason = errno;
    unlink(f->temporary);
    fail_at("", f->path, reason);
}

static size_t folder_size(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? 0 : (size_t)(slash - path) + 1;
}

enum { LONGEST = 60, DIGITS = 8 };  // bytes of the name in a temporary one; the digits that make it unique

// The temporary names of path are this and then DIGITS hexadecimal ones and ".tmp": .NAME.0123abcd.tmp. A long name is
// cut between two characters of UTF-8.
static void start_of_names(char start[LONGEST + 3], const char *path) {
    const char *name = path + folder_size(path);
    size_t end = strnlen(name, LONGEST);
    while (end > 0 && name[end] != '\0' && (unsigned char)name[end] >> 6 == 2) { end--; }
    snprintf(start, LONGEST + 3, ".%.*s.", (int)end, name);
}

// Remove what killed writers of path left. A writer that lives holds a lock. common/files/atomic.py does the same.
static void sweep(const char *path) {
    static char folder[PATH_SIZE];
    char start[LONGEST + 3];
    start_of_names(start, path);
    if (snprintf(folder, sizeof folder, "%.*s.", (int)folder_size(path), path) >= (int)sizeof folder) {
        return;
    }
    DIR *names = opendir(folder);
    for (const struct dirent *at; names != NULL && (at = readdir(names)) != NULL;) {
        const char *end = at->d_name + strlen(start) + DIGITS;
        if (strncmp(at->d_name, start, strlen(start)) != 0 || strlen(at->d_name) != strlen(start) + DIGITS + 4 ||
            strcmp(end, ".tmp") != 0) {
            continue;
        }
        const int handle = openat(dirfd(names), at->d_name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        if (handle >= 0) {
            if (flock(handle, LOCK_EX | LOCK_NB) == 0) {
                unlinkat(dirfd(names), at->d_name, 0);
            }
            close(handle);
        }
    }
    if (names != NULL) {
        closedir(names);
    }
}

// Make a temporary file of a name of its own next to the path; a link is not followed.
static void create(AtomicFile *f) {
    static uint32_t count;
    char start[LONGEST + 3];
    start_of_names(start, f->path);
    do {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now);
        const uint32_t number = (uint32_t)now.tv_nsec ^ (uint32_t)getpid() << 12 ^ count++ << 30;
        const int n = snprintf(f->temporary, sizeof f->temporary, "%.*s%s%08" PRIx32 ".tmp", (int)folder_size(f->path),
                               f->path, start, number);
        if (n < 0 || (size_t)n >= sizeof f->temporary) {
            fail(COULD_NOT_BE_DONE, "the path %s is too long", f->path);
        }
        f->handle = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    } while (f->handle < 0 && errno == EEXIST);
    if (f->handle < 0) {
        fail_at("", f->path, errno);
    }
}

// Whether the path is in /dev or below /proc, where nothing is replaced: /dev/stdout may lead to a regular file.
static bool is_of_the_system(const char *path) {
    static char folder[PATH_SIZE];
    struct stat own, devices, descriptors;
    snprintf(folder, sizeof folder, "%.*s.", (int)folder_size(path), path);
    return HAS_DEV && stat(folder, &own) == 0 &&
           ((stat("/dev", &devices) == 0 && own.st_ino == devices.st_ino && own.st_dev == devices.st_dev) ||
            (stat("/dev/fd/", &descriptors) == 0 && own.st_dev == descriptors.st_dev));
}

AtomicFile atomic_open(const char *path, bool durable) {
    AtomicFile f = {.path = path, .durable = durable};
    struct stat status;
    if (strlen(path) >= PATH_SIZE) {
        fail(COULD_NOT_BE_DONE, "the path %s is too long", path);
    }
    if ((stat(path, &status) == 0 && !S_ISREG(status.st_mode)) || is_of_the_system(path)) {
        fail(COULD_NOT_BE_DONE, "%s is not a regular file; give the name of one", path);
    }
    sweep(path);
    create(&f);
    while ((flock(f.handle, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) ||
           (fstat(f.handle, &status) == 0 && status.st_nlink == 0)) {  // another sweeps, and came before the lock
        close(f.handle);
        create(&f);
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
    if ((f->durable && fsync(f->handle) != 0) || rename_open(f->handle, f->temporary, f->path) != 0) {
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
