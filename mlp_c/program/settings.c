#include "settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "setting.h"

static void help(void) {
    puts(
        "usage: mlp --data DIR [--FLAG VALUE]... [--set SECTION.KEY=VALUE]... [--resume]\n\n"
        "Train the recipe `names` on a folder of text, all in C: what `nnz train names` does.\n");
    for (int i = 0; i < N_SETTINGS; i++) {
        printf("  %-18s %-24s %s\n", SETTINGS[i].flag, i == 1 ? "" : SETTINGS[i].key, SETTINGS[i].help);
    }
    printf("  %-18s %-24s %s\n", "--resume", "", "go on from the folder's checkpoint");
}

static const Setting *known(const char *name, size_t length) {
    const Setting *setting = setting_find(name, length);
    if (setting == NULL) {
        fail(ASKED_WRONGLY, "unknown setting %.*s; see mlp --help", (int)length, name);
    }
    return setting;
}

static void one_of(const char *key, const char *value, const char *first, const char *second) {
    if (strcmp(value, first) != 0 && strcmp(value, second) != 0) {
        fail(ASKED_WRONGLY, "%s = %s is not allowed; it takes %s or %s", key, value, first, second);
    }
}

Settings settings_default(void) {
    return (Settings){.out = "runs/names-mlp",
                      .dtype = "float32",
                      .precision = "native",
                      .optimizer = "adamw",
                      .schedule = "cosine",
                      .context_length = 3,
                      .embedding_size = 48,
                      .hidden_size = 512,
                      .lr = 7e-4,
                      .weight_decay = 1e-4,
                      .batch_size = 128,
                      .steps = 50000,
                      .eval_every = 200,
                      .eval_batches = 20,
                      .seed = 1337,
                      .count = 20,
                      .sample_seed = 42,
                      .new = 1,
                      .temperature = 1};
}

Settings settings_read(int argc, char **argv) {
    Settings s = settings_default();
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help();
            exit(0);
        }
        if (strcmp(argv[i], "--resume") == 0) {
            s.resume = 1;
            continue;
        }
        if (argv[i][0] != '-') {
            s.data = argv[i];
            continue;
        }
        if (i + 1 == argc) {
            fail(ASKED_WRONGLY, "%s needs a value; see mlp --help", argv[i]);
        }
        const char *name = argv[i], *value = argv[++i];
        size_t length = strlen(name);
        if (strcmp(name, "--set") == 0) {
            name = value, length = strcspn(name, "=");
            if (name[length] == '\0') {
                fail(ASKED_WRONGLY, "--set takes SECTION.KEY=VALUE; got %s", name);
            }
            value = name + length + 1;
        }
        setting_put(&s, known(name, length), value, ASKED_WRONGLY);
    }
    if (s.data == NULL) {
        fail(ASKED_WRONGLY, "which data? give --data DIR, a folder with train.txt, val.txt and test.txt");
    }
    if (*s.out == '\0') {
        fail(ASKED_WRONGLY, "--out is empty; give a folder");
    }
    one_of("model.dtype", s.dtype, "float32", "float64");
    one_of("model.precision", s.precision, "native", "strict");
    if (strcmp(s.precision, "strict") == 0 && strcmp(s.dtype, "float64") == 0) {
        fail(ASKED_WRONGLY, "model.precision = 'strict' rounds to float32; drop it, or model.dtype = 'float64'");
    }
    one_of("optimizer.name", s.optimizer, "adamw", "sgd");
    one_of("optimizer.schedule", s.schedule, "cosine", "constant");
    return s;
}
