#include "log.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failure.h"
#include "file.h"

static const char HEADER[] = "step,train_loss,val_loss,lr\n";
enum { HEADER_SIZE = sizeof HEADER - 1 };

bool log_is_ours(const Folder *folder) {
    char begin[HEADER_SIZE];
    FILE *file = fopen(folder->log, "rb");
    if (file == NULL) {
        return false;
    }
    const size_t n = fread(begin, 1, sizeof begin, file);
    fclose(file);
    return n == sizeof begin && memcmp(begin, HEADER, n) == 0;
}

static void replace(const Folder *folder, const char *content, size_t size) {
    Replacement file = file_replacement(folder->log, true);
    file_write(&file, content, size);
    file_replace(&file);
}

void log_start(const Folder *folder) { replace(folder, HEADER, HEADER_SIZE); }

void log_append(const Folder *folder, const char *line) {
    const size_t size = strlen(line);
    struct stat before;
    const int handle = open(folder->log, O_WRONLY | O_APPEND);
    if (handle < 0 || fstat(handle, &before) != 0) {
        fail(COULD_NOT_BE_DONE, "cannot write %s: %s", folder->log, strerror(errno));
    }
    const ssize_t written = write(handle, line, size);
    if (written < (ssize_t)size) {
        const int reason = written < 0 ? errno : ENOSPC;
        if (ftruncate(handle, before.st_size) != 0) {}  // the first error is the one to tell
        fail(COULD_NOT_BE_DONE, "cannot write %s: %s; check the space left there", folder->log, strerror(reason));
    }
    close(handle);
}

// Whether the line at `at` is whole and of this step.
static bool is_of(const char *at, int64_t step) {
    char begin[32];
    const int n = snprintf(begin, sizeof begin, "%" PRId64 ",", step);
    return strncmp(at, begin, (size_t)n) == 0 && strchr(at, '\n') != NULL;
}

void log_cut(const Folder *folder, int64_t step, int64_t eval_every, int64_t steps) {
    size_t size;
    char *content = file_content(folder->log, &size), *end = content;
    bool whole = strncmp(content, HEADER, HEADER_SIZE) == 0;
    end += whole ? HEADER_SIZE : 0;
    for (int64_t due = 0; whole && due < step && due < steps;) {
        whole = is_of(end, due);
        end = whole ? strchr(end, '\n') + 1 : end;
        due = due == steps - 1 ? steps : due + eval_every < steps - 1 ? due + eval_every : steps - 1;
    }
    if (!whole) {
        fail(COULD_NOT_BE_DONE,
             "%s lacks lines from before step %" PRId64 ", where the checkpoint stands; start again without --resume",
             folder->log, step);
    }
    replace(folder, content, (size_t)(end - content));
    free(content);
}
