#include "settings.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"

typedef enum { TEXT, WHOLE, SEED, RATE, SWITCH } Kind;

typedef struct {
    const char *key, *flag;  // as a recipe names it, and its short form
    Kind kind;
    size_t offset;
    int least;  // that a number may be; for a RATE 1 says: above 0
    const char *help;
} Setting;

#define AT(field) offsetof(Settings, field)

static const Setting SETTINGS[] = {
    {"data.name", "--data", TEXT, AT(data), 0, "folder with train.txt, val.txt and test.txt"},
    {"out", "--out", TEXT, AT(out), 0, "folder for log.csv and samples.txt"},
    {"model.context_length", "--context-length", WHOLE, AT(context_length), 1, "tokens that the model sees"},
    {"model.embedding_size", "--embedding-size", WHOLE, AT(embedding_size), 1, "numbers a token is turned into"},
    {"model.hidden_size", "--hidden-size", WHOLE, AT(hidden_size), 1, "hidden units"},
    {"model.dtype", "--dtype", TEXT, AT(dtype), 0, "float32 or float64"},
    {"optimizer.name", "--optimizer", TEXT, AT(optimizer), 0, "adamw or sgd"},
    {"optimizer.lr", "--lr", RATE, AT(lr), 1, "learning rate"},
    {"optimizer.weight_decay", "--weight-decay", RATE, AT(weight_decay), 0, "decay of every parameter"},
    {"optimizer.schedule", "--schedule", TEXT, AT(schedule), 0, "cosine or constant"},
    {"train.batch_size", "--batch-size", WHOLE, AT(batch_size), 1, "windows in a step"},
    {"train.steps", "--steps", WHOLE, AT(steps), 1, "updates"},
    {"train.eval_every", "--eval-every", WHOLE, AT(eval_every), 1, "steps between evaluations"},
    {"train.eval_batches", "--eval-batches", WHOLE, AT(eval_batches), 1, "batches that judge the training split"},
    {"train.seed", "--seed", SEED, AT(seed), 1, "draws the initial weights"},
    {"sample.count", "--count", WHOLE, AT(count), 0, "samples drawn after training"},
    {"sample.seed", "--sample-seed", SEED, AT(sample_seed), 1, "draws the samples"},
    {"sample.new", "--new", SWITCH, AT(new), 0, "true: only samples that are no line of train.txt; false: all"},
    {"sample.temperature", "--temperature", RATE, AT(temperature), 0, "0 takes the likeliest token"},
    {"sample.top_k", "--top-k", WHOLE, AT(top_k), 0, "draw from the k likeliest tokens; 0: from all"},
};

enum { N_SETTINGS = sizeof SETTINGS / sizeof *SETTINGS };

static void help(void) {
    puts(
        "usage: mlp --data DIR [--FLAG VALUE]... [--set SECTION.KEY=VALUE]...\n\n"
        "Train the recipe `names` on a folder of text, all in C: what `nnz train names` does.\n");
    for (int i = 0; i < N_SETTINGS; i++) {
        printf("  %-18s %-24s %s\n", SETTINGS[i].flag, i == 1 ? "" : SETTINGS[i].key, SETTINGS[i].help);
    }
}

static void refuse(const Setting *setting, const char *value, const char *allowed) {
    fail(ASKED_WRONGLY, "%s = %s is not allowed; it takes %s", setting->key, value, allowed);
}

static uint64_t read_seed(const Setting *setting, const char *value) {
    char *end;
    errno = 0;
    const uint64_t seed = strtoull(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || errno || seed == 0) {
        refuse(setting, value, "an integer from 1 to 18446744073709551615");
    }
    return seed;
}

static double read_rate(const Setting *setting, const char *value) {
    char *end;
    const double rate = strtod(value, &end);
    if (!*value || *end || !isfinite(rate) || rate < 0 || (rate <= 0 && setting->least > 0)) {
        refuse(setting, value, setting->least > 0 ? "a number above 0" : "a number of at least 0");
    }
    return rate;
}

static int64_t read_whole(const Setting *setting, const char *value) {
    char *end;
    errno = 0;
    const int64_t whole = strtoll(value, &end, 10);
    if (!*value || *end || errno || whole < setting->least || whole > INT32_MAX) {
        refuse(setting, value,
               setting->least > 0 ? "an integer from 1 to 2147483647" : "an integer from 0 to 2147483647");
    }
    return whole;
}

static int64_t read_switch(const Setting *setting, const char *value) {
    const int yes = strcmp(value, "true") == 0;
    if (!yes && strcmp(value, "false") != 0) {
        refuse(setting, value, "true or false");
    }
    return yes;
}

static void put(Settings *settings, const Setting *setting, const char *value) {
    void *field = (char *)settings + setting->offset;
    switch (setting->kind) {
        case TEXT: *(const char **)field = value; break;
        case SEED: *(uint64_t *)field = read_seed(setting, value); break;
        case RATE: *(double *)field = read_rate(setting, value); break;
        case WHOLE: *(int64_t *)field = read_whole(setting, value); break;
        case SWITCH: *(int64_t *)field = read_switch(setting, value); break;
    }
}

static const Setting *find(const char *name, size_t length) {
    for (int i = 0; i < N_SETTINGS; i++) {
        const Setting *setting = SETTINGS + i;
        int by_flag = strlen(setting->flag) == length && strncmp(setting->flag, name, length) == 0;
        int by_key = strlen(setting->key) == length && strncmp(setting->key, name, length) == 0;
        if (by_flag || by_key) {
            return setting;
        }
    }
    fail(ASKED_WRONGLY, "unknown setting %.*s; see mlp --help", (int)length, name);
}

static void one_of(const char *key, const char *value, const char *first, const char *second) {
    if (strcmp(value, first) != 0 && strcmp(value, second) != 0) {
        fail(ASKED_WRONGLY, "%s = %s is not allowed; it takes %s or %s", key, value, first, second);
    }
}

Settings settings_read(int argc, char **argv) {
    Settings s = {.out = "runs/names-mlp",
                  .dtype = "float32",
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
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help();
            exit(0);
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
        put(&s, find(name, length), value);
    }
    if (s.data == NULL) {
        fail(ASKED_WRONGLY, "which data? give --data DIR, a folder with train.txt, val.txt and test.txt");
    }
    one_of("model.dtype", s.dtype, "float32", "float64");
    one_of("optimizer.name", s.optimizer, "adamw", "sgd");
    one_of("optimizer.schedule", s.schedule, "cosine", "constant");
    return s;
}
