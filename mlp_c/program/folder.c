#include "folder.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failure.h"
#include "lock.h"
#include "log.h"

static void make_folders(const char *path) {
    char prefix[LONGEST_PATH];
    for (size_t i = 0; i < sizeof prefix; i++) {
        const int end = path[i] == '\0';
        prefix[i] = '\0';
        if (i > 0 && (end || path[i] == '/') && mkdir(prefix, 0777) != 0 && errno != EEXIST) {
            fail(COULD_NOT_BE_DONE, "cannot make the folder %s: %s; give another with --out", prefix, strerror(errno));
        }
        if (end) {
            return;
        }
        prefix[i] = path[i];
    }
    fail(COULD_NOT_BE_DONE, "the path given with --out is too long");
}

static void name(char path[LONGEST_PATH], const char *folder, const char *file) {
    const int n = snprintf(path, LONGEST_PATH, "%s/%s", folder, file);
    if (n < 0 || n >= LONGEST_PATH) {
        fail(COULD_NOT_BE_DONE, "the path given with --out is too long");
    }
}

Folder folder_hold(const char *path) {
    Folder folder = {.path = path};
    char lock[LONGEST_PATH];
    make_folders(path);
    name(lock, path, "lock");
    name(folder.log, path, "log.csv");
    name(folder.checkpoint, path, "checkpoint.safetensors");
    name(folder.best, path, "best.safetensors");
    name(folder.config, path, "config.toml");
    name(folder.samples, path, "samples.txt");
    lock_take(path, lock);
    return folder;
}

bool folder_clear(const Folder *folder) {
    // The log last: until then it shows, also after a kill, that these files are a run's.
    static const char *const files[] = {"checkpoint.safetensors",
                                        "best.safetensors",
                                        "config.toml",
                                        "samples.txt",
                                        "statistics.npz",
                                        "loss.png",
                                        "embeddings.png",
                                        "histograms.png",
                                        "updates.png",
                                        "gradient-by-depth.png",
                                        "log.csv"};
    char path[LONGEST_PATH];
    const bool ours = access(folder->checkpoint, F_OK) == 0 || log_is_ours(folder);
    bool found = false;
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        name(path, folder->path, files[i]);
        if (access(path, F_OK) != 0) {
            continue;
        }
        if (!ours) {
            fail(COULD_NOT_BE_DONE, "%s is there, but no run wrote it; give another folder with --out", path);
        }
        found = true;
        if (unlink(path) != 0) {
            fail(COULD_NOT_BE_DONE, "cannot remove %s: %s", path, strerror(errno));
        }
    }
    return found;
}
