#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "failure.h"

static struct {
    int handle;
    char path[4096];
} held = {-1, ""};

// Whether the file is still at its name: its last holder may have removed it, and another may be there by now.
static bool is_at_its_name(int handle, const char *path) {
    struct stat own, named;
    return fstat(handle, &own) == 0 && stat(path, &named) == 0 && own.st_ino == named.st_ino &&
           own.st_dev == named.st_dev;
}

static void give_back(void) {
    if (is_at_its_name(held.handle, held.path)) {
        unlink(held.path);
    }
    close(held.handle);
}

static _Noreturn void tell_holder(int handle, const char *folder) {
    char holder[500] = "";
    const ssize_t n = pread(handle, holder, sizeof holder - 1, 0);
    holder[n > 0 ? strcspn(holder, "\n") : 0] = '\0';
    fail(COULD_NOT_BE_DONE, "%s is in use by %s; wait until it ends, or give another folder with --out", folder,
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

void lock_take(const char *folder, const char *path) {
    do {
        if (held.handle >= 0) {
            close(held.handle);
        }
        held.handle = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
        if (held.handle < 0) {
            fail(COULD_NOT_BE_DONE, "cannot write %s: %s; give another folder with --out", path, strerror(errno));
        }
        if (flock(held.handle, LOCK_EX | LOCK_NB) != 0) {
            if (errno == EWOULDBLOCK) {
                tell_holder(held.handle, folder);
            }
            fprintf(stderr, "mlp: %s cannot be locked (%s): let no other run use it meanwhile\n", folder,
                    strerror(errno));
        }
    } while (!is_at_its_name(held.handle, path));
    sign(held.handle);
    snprintf(held.path, sizeof held.path, "%s", path);
    atexit(give_back);
}
