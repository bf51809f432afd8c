// faults.c: a library to load before the C library (LD_PRELOAD): one chosen write, fsync, rename or opening of a file
// below a folder goes wrong. FAULT_FOLDER is the folder; FAULT is "N HOW": the N-th of these calls gets the fault HOW:
//   kill    the process is killed before the call
//   full    it fails with ENOSPC, and so does every write from then on, as on a full disk
//   half    half of what is to be written is, and from then on the disk is full
//   error   it fails with EIO, this once
//   readonly  it fails with EROFS, and so does all that would change the folder from then on
// A process may also call fault_arm for a new count. FAULT_LOG, if set, is a file that gets a letter for each call.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static long left, calls;
static char how[16], folder[4096];
static int sticky;  // the error that everything fails with from now on

void fault_arm(const char *where, long n, const char *kind) {
    snprintf(folder, sizeof folder, "%s", where);
    snprintf(how, sizeof how, "%s", kind);
    left = n, calls = 0, sticky = 0;
}

long fault_calls(void) { return calls; }

__attribute__((constructor)) static void arm_by_environment(void) {
    const char *fault = getenv("FAULT"), *where = getenv("FAULT_FOLDER");
    long n;
    char kind[16];
    if (where != NULL && fault != NULL && sscanf(fault, "%ld %15s", &n, kind) == 2) {
        fault_arm(where, n, kind);
    }
}

static int is_below(const char *path) { return *folder != '\0' && strncmp(path, folder, strlen(folder)) == 0; }

static int is_open_below(int handle) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", handle);
    const ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    return n > 0 && is_below(path);
}

static void log_call(char letter) {
    const char *log = getenv("FAULT_LOG");
    FILE *file = log == NULL ? NULL : fopen(log, "a");
    if (file != NULL) {
        fputc(letter, file);
        fclose(file);
    }
}

// The error that this call is to fail with, or 0; 'h' for half a write.
static int fault(char letter) {
    calls++;
    log_call(letter);
    if (sticky == EROFS || (sticky == ENOSPC && letter == 'w')) {
        return sticky;
    }
    if (left == 0 || --left > 0) {
        return 0;
    }
    switch (*how) {
        case 'k': kill(getpid(), SIGKILL); return EIO;
        case 'f': return sticky = ENOSPC;
        case 'h': sticky = ENOSPC; return letter == 'w' ? 'h' : ENOSPC;
        case 'r': return sticky = EROFS;
        default: return EIO;
    }
}

// The n-th allocation that the library `name` asks for fails, once.
static char failing[64];
static long allocations_left;

void fault_allocation(const char *name, long n) {
    snprintf(failing, sizeof failing, "%s", name);
    allocations_left = n;
}

static int allocation_fails(void *caller) {
    Dl_info from;
    if (allocations_left == 0 || dladdr(caller, &from) == 0 || strstr(from.dli_fname, failing) == NULL) {
        return 0;
    }
    return --allocations_left == 0;
}

extern void *__libc_malloc(size_t n), *__libc_calloc(size_t n, size_t size);
void *malloc(size_t n) { return allocation_fails(__builtin_return_address(0)) ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t size) {
    return allocation_fails(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size);
}

#define REAL(name) ((__typeof__(name) *)dlsym(RTLD_NEXT, #name))

ssize_t write(int handle, const void *bytes, size_t n) {
    const int error = is_open_below(handle) ? fault('w') : 0;
    if (error == 'h' && n > 1) {
        return REAL(write)(handle, bytes, n / 2);
    }
    if (error != 0) {
        return errno = error == 'h' ? ENOSPC : error, -1;
    }
    return REAL(write)(handle, bytes, n);
}

int fsync(int handle) {
    const int error = is_open_below(handle) ? fault('s') : 0;
    return error != 0 ? (errno = error, -1) : REAL(fsync)(handle);
}

int rename(const char *from, const char *to) {
    const int error = is_below(to) ? fault('r') : 0;
    return error != 0 ? (errno = error, -1) : REAL(rename)(from, to);
}

#define OPEN(name)                                                                        \
    int name(const char *path, int flags, ...) {                                          \
        va_list rest;                                                                     \
        va_start(rest, flags);                                                            \
        const mode_t mode = flags & O_CREAT ? va_arg(rest, mode_t) : 0;                   \
        va_end(rest);                                                                     \
        const int changes = (flags & O_ACCMODE) != O_RDONLY;                              \
        const int error = changes && is_below(path) ? fault('o') : 0;                     \
        return error != 0 ? (errno = error, -1) : REAL(name)(path, flags, mode);          \
    }
OPEN(open)
OPEN(open64)
