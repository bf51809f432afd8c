#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "failure.h"
#include "file.h"
#include "without_posix.h"

static void make_folders(const char *path) {
    static char prefix[PATH_SIZE];  // as all paths here: a stack may be too small for them
    struct stat status;
    for (size_t i = 0; i < sizeof prefix; i++) {
        const int end = path[i] == '\0';
        prefix[i] = '\0';
        if (i > 0 && (end || path[i] == '/') && mkdir(prefix, 0777) != 0) {
            const int reason = errno;
            if (reason != EEXIST || (end && !(stat(prefix, &status) == 0 && S_ISDIR(status.st_mode)))) {
                fail_at("", prefix, reason);
            }
        }
        if (end) {
            return;
        }
        prefix[i] = path[i];
    }
    fail(COULD_NOT_BE_DONE, "the path given with --out is too long");
}

static void join(char path[PATH_SIZE], const char *folder, const char *file) {
    const int n = snprintf(path, PATH_SIZE, "%s/%s", folder, file);
    if (n < 0 || n >= PATH_SIZE) {
        fail(COULD_NOT_BE_DONE, "the path given with --out is too long");
    }
}

// A lock that the system takes back when the program ends, however it ends. The file says who holds it.
static struct {
    int handle;
    char path[PATH_SIZE];
} held = {-1, ""};

// Whether the file is still at its name: its last holder may have removed it, and another may be there by now.
static bool is_at_its_name(int handle, const char *path) {
    struct stat own, named;
    return fstat(handle, &own) == 0 && stat(path, &named) == 0 && IS_SAME_FILE(own, named);
}

static void unlock(void) {
    if (is_at_its_name(held.handle, held.path)) {
        remove_open(held.handle, held.path);
    }
}

static _Noreturn void tell_holder(int handle, const char *folder) {
    char holder[500] = "";
    const ssize_t n = read(handle, holder, sizeof holder - 1);
    holder[n > 0 ? strcspn(holder, "\n") : 0] = '\0';
    fail(COULD_NOT_BE_DONE, "%s is in use by %s; wait until it ends, or give another folder", folder,
         *holder ? holder : "another process");
}

static void sign(int handle) {
    char line[500], host[256] = "", since[64] = "";
    const time_t now = time(NULL);
    gethostname(host, sizeof host - 1);
    strftime(since, sizeof since, "%Y-%m-%dT%H:%M:%S+00:00", gmtime(&now));
    snprintf(line, sizeof line, "process %ld on %s since %s\n", (long)getpid(), host, since);
    if (ftruncate(handle, 0) != 0 || write(handle, line, strlen(line)) < 0) {}  // it holds unsigned as well
}

static void lock(const char *folder, const char *path) {
    do {
        if (held.handle >= 0) {
            close(held.handle);
        }
        held.handle = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (held.handle < 0) {
            fail_at("", path, errno);
        }
        if (flock(held.handle, LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) {
                tell_holder(held.handle, folder);
            }
            note("%s cannot be locked (%s): let no other run use it meanwhile", folder, strerror(errno));
        }
    } while (!is_at_its_name(held.handle, path));
    sign(held.handle);
    snprintf(held.path, sizeof held.path, "%s", path);
    atexit(unlock);
}

// The log last: until then it shows, also after a kill, that these files are a run's.
static const char *const FILES[] = {
    "checkpoint.safetensors", "best.safetensors", "config.toml", "samples.txt",           "statistics.npz", "loss.png",
    "embeddings.png",         "histograms.png",   "updates.png", "gradient-by-depth.png", "attention.png",  "log.csv"};

// A folder, a pipe or a device that has the name of a file of a run would stop it in the middle.
static void check_names(const char *folder) {
    static char path[PATH_SIZE];
    struct stat status;
    size_t size;
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        join(path, folder, FILES[i]);
        if (stat(path, &status) == 0 && !S_ISREG(status.st_mode)) {
            fclose(file_open(path, &size));  // says why not
        }
    }
}

Folder folder_open(const char *path) {
    static Folder folder;
    static char lock_file[PATH_SIZE];
    folder.path = path;
    make_folders(path);
    join(lock_file, path, "lock");
    join(folder.log, path, "log.csv");
    join(folder.checkpoint, path, "checkpoint.safetensors");
    join(folder.best, path, "best.safetensors");
    join(folder.config, path, "config.toml");
    join(folder.samples, path, "samples.txt");
    lock(path, lock_file);
    check_names(path);
    return folder;
}

bool folder_clear(const Folder *folder, bool resume, bool restart) {
    static char path[PATH_SIZE];
    const bool whole = access(folder->checkpoint, F_OK) == 0, ours = whole || log_is_ours(folder);
    const bool keeps = whole || access(folder->best, F_OK) == 0 || access(folder->samples, F_OK) == 0;
    if (ours && keeps && !restart) {
        fail(COULD_NOT_BE_DONE, "%s already holds a run%s; %s", folder->path, whole ? "" : " without its checkpoint",
             whole    ? "continue it with --resume, replace it with --restart, or give another folder with --out"
             : resume ? WITHOUT_RESUME
                      : START_AGAIN);
    }
    bool found = false;
    for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
        join(path, folder->path, FILES[i]);
        if (access(path, F_OK) != 0) {
            continue;
        }
        if (!ours) {
            fail(COULD_NOT_BE_DONE, "%s is there, but no run wrote it; give another folder with --out", path);
        }
        found = true;
        if (unlink(path) != 0) {
            fail_at("cannot remove ", path, errno);
        }
    }
    return found;
}
