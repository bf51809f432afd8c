// log.h: log.csv, whose lines are always whole.
#ifndef NNZ_LOG_H
#define NNZ_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "folder.h"

// Whether there is a log that a run began.
bool log_is_ours(const Folder *folder);

// Write one without lines; append a line, whole or not at all; cut it back to the lines before `step`, or say that they
// are not all there. All of these print what was wrong and exit with 1 if the system refuses.
void log_start(const Folder *folder);
void log_append(const Folder *folder, const char *line);
void log_cut(const Folder *folder, int64_t step, int64_t eval_every, int64_t steps);

#endif
