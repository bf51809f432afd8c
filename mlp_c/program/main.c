// main.c: build/mlp, the whole job without Python: read a folder of text, train, print the log, samples, test loss.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "conformance.h"
#include "failure.h"
#include "settings.h"
#include "text.h"
#include "train.h"

static void make_folders(const char *path) {
    if (*path == '\0') {
        fail(ASKED_WRONGLY, "--out is empty; give a folder");
    }
    char prefix[4096];
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

static Tape read_tape(const Vocabulary *vocabulary, const char *folder, const char *split) {
    size_t n;
    uint32_t *text = text_read(folder, split, &n);
    return tape_of(vocabulary, text, n, folder, split);
}

static Data read_data(const char *folder) {
    Data data;
    size_t n;
    uint32_t *text = text_read(folder, "train", &n);
    data.vocabulary = vocabulary_of(text, n);
    data.train = tape_of(&data.vocabulary, text, n, folder, "train");
    data.val = read_tape(&data.vocabulary, folder, "val");
    data.test = read_tape(&data.vocabulary, folder, "test");
    return data;
}

int main(int argc, char **argv) {
    if (argc > 1 && strcmp(argv[1], "conformance") == 0) {
        conformance(argc - 2, argv + 2);
        return 0;
    }
    const Settings settings = settings_read(argc, argv);
    Data data = read_data(settings.data);
    make_folders(settings.out);
    (strcmp(settings.dtype, "float64") == 0 ? train_float64 : train_float32)(&settings, &data);
    free(data.train.tokens), free(data.val.tokens), free(data.test.tokens);
    vocabulary_free(&data.vocabulary);
    return 0;
}
