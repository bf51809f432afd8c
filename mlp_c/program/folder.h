// folder.h: the folder of a run: one run at a time, the names of its files, and its log.
//
// All of these print what was wrong and exit with 1 if the system refuses.
#ifndef NNZ_FOLDER_H
#define NNZ_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "file.h"

typedef struct {
    const char *path;
    char log[PATH_SIZE], checkpoint[PATH_SIZE], best[PATH_SIZE], config[PATH_SIZE], samples[PATH_SIZE];
} Folder;

#define START_AGAIN "replace the run with --restart, or give another folder with --out"
#define WITHOUT_RESUME "without --resume, replace the run with --restart or give another folder with --out"

// Make the folder, and lock it until the program ends: another run, `nnz train` among them, is refused, and told who
// has locked it.
Folder folder_open(const char *path);

// Remove a former run's files, and no others; whether there were any. Models or samples are removed only if `restart`,
// else they are refused before anything is, with what can be done.
bool folder_clear(const Folder *folder, bool resume, bool restart);

// Whether there is a log.csv that a run began.
bool log_is_ours(const Folder *folder);

// Write a log without lines; append a line, whole or not at all.
void log_start(const Folder *folder);
void log_append(const Folder *folder, const char *line);

// What the log has before the line of `step`, and how many lines that are after the header; the caller frees. Exits if
// they are not all there.
char *log_before(const Folder *folder, int64_t step, int64_t eval_every, int64_t steps, size_t *lines);

// The step with the lowest val_loss in the log of a finished run; whether it is lower than that of the last one.
// False too if the log lacks lines.
bool log_best(const Folder *folder, int64_t eval_every, int64_t steps, int64_t *best_step);

#endif
