// folder.h: the folder of a run: one run at a time, and what is called what in it.
#ifndef NNZ_FOLDER_H
#define NNZ_FOLDER_H

#include <stdbool.h>

enum { LONGEST_PATH = 4096 };

typedef struct {
    const char *path;
    char log[LONGEST_PATH], checkpoint[LONGEST_PATH], best[LONGEST_PATH], config[LONGEST_PATH], samples[LONGEST_PATH];
} Folder;

// All of these print what was wrong and exit with 1 if the system refuses.

// Make the folder, and hold it until the program ends: another run is refused, and told who holds it.
Folder folder_hold(const char *path);

// Remove a former run's files, and no others; whether there were any.
bool folder_clear(const Folder *folder);

#endif
