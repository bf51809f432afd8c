// log.c: log.csv, whose lines are always whole.
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failure.h"
#include "folder.h"
#include "without_posix.h"

static const char HEADER[] = "step,train_loss,val_loss,lr\n";
enum { HEADER_SIZE = sizeof HEADER - 1 };

bool log_is_ours(const Folder *folder) {
    char begin[HEADER_SIZE];
    if (access(folder->log, F_OK) != 0) {
        return false;
    }
    size_t size;
    FILE *file = file_open(folder->log, &size);
    const size_t n = fread(begin, 1, sizeof begin, file);
    fclose(file);
    return n == sizeof begin && memcmp(begin, HEADER, n) == 0;
}

void log_start(const Folder *folder) { file_replace(folder->log, HEADER, HEADER_SIZE); }

void log_append(const Folder *folder, const char *line) {
    const size_t size = strlen(line);
    struct stat before;
    const int handle = open(folder->log, O_WRONLY | O_APPEND);
    if (handle < 0 || fstat(handle, &before) != 0) {
        fail_at("", folder->log, errno);
    }
    const ssize_t written = write(handle, line, size);
    if (written < (ssize_t)size) {
        const int reason = written < 0 ? errno : ENOSPC;
        if (ftruncate(handle, before.st_size) != 0) {}  // the first error is reported
        fail_at("", folder->log, reason);
    }
    close(handle);
}

// Whether the line at `at` is whole and of this step.
static bool is_line_of(const char *at, int64_t step) {
    char begin[32];
    const int n = snprintf(begin, sizeof begin, "%" PRId64 ",", step);
    return strncmp(at, begin, (size_t)n) == 0 && strchr(at, '\n') != NULL;
}

// As log_before, but NULL if lines are missing.
static char *whole_log_before(const Folder *folder, int64_t step, int64_t eval_every, int64_t steps, size_t *lines) {
    size_t size;
    char *content = file_content(folder->log, MOST_OF_A_LOG, &size), *end = content;
    bool whole = strncmp(content, HEADER, HEADER_SIZE) == 0;
    end += whole ? HEADER_SIZE : 0;
    *lines = 0;
    for (int64_t i = 0; whole && i < step && i < steps; i++) {
        if (i % eval_every == 0 || i == steps - 1) {
            whole = is_line_of(end, i);
            end = whole ? strchr(end, '\n') + 1 : end;
            ++*lines;
        }
    }
    if (!whole) {
        free(content);
        return NULL;
    }
    *end = '\0';
    return content;
}

char *log_before(const Folder *folder, int64_t step, int64_t eval_every, int64_t steps, size_t *lines) {
    char *log = whole_log_before(folder, step, eval_every, steps, lines);
    if (!log) {
        fail(COULD_NOT_BE_DONE, "%s lacks lines from before step %" PRId64 ", that of the checkpoint; " WITHOUT_RESUME,
             folder->log, step);
    }
    return log;
}

bool log_best(const Folder *folder, int64_t eval_every, int64_t steps, int64_t *best_step) {
    size_t lines;
    char *log = whole_log_before(folder, steps, eval_every, steps, &lines);
    if (!log) {  // somebody has shortened it, and this is only for a note
        return false;
    }
    char *at = log + HEADER_SIZE;
    double best = INFINITY, val_loss = INFINITY;
    for (; lines > 0; lines--, at = strchr(at, '\n') + 1) {
        const int64_t step = strtoll(at, &at, 10);
        strtod(at + 1, &at);  // train_loss
        val_loss = strtod(at + 1, &at);
        if (val_loss < best) {
            best = val_loss, *best_step = step;
        }
    }
    free(log);
    return best < val_loss;
}
