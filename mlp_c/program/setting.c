#include "setting.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "json.h"

#define AT(field) offsetof(Settings, field)

const Setting SETTINGS[N_SETTINGS] = {
    {"data.name", "--data", TEXT, AT(data), 0, "folder with train.txt, val.txt and test.txt"},
    {"out", "--out", TEXT, AT(out), 0, "folder for log.csv and samples.txt"},
    {"model.context_length", "--context-length", WHOLE, AT(context_length), 1, "tokens that the model sees"},
    {"model.embedding_size", "--embedding-size", WHOLE, AT(embedding_size), 1, "numbers a token is turned into"},
    {"model.hidden_size", "--hidden-size", WHOLE, AT(hidden_size), 1, "hidden units"},
    {"model.dtype", "--dtype", TEXT, AT(dtype), 0, "float32 or float64"},
    {"model.precision", "--precision", TEXT, AT(precision), 0, "native, or strict: the same bits everywhere"},
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

static _Noreturn void refuse(const Setting *setting, const char *value, int status, const char *allowed) {
    fail(status, "%s = %s is not allowed; it takes %s", setting->key, value, allowed);
}

static uint64_t read_seed(const Setting *setting, const char *value, int status) {
    char *end;
    errno = 0;
    const uint64_t seed = strtoull(value, &end, 10);
    if (*value < '0' || *value > '9' || *end || errno || seed == 0) {
        refuse(setting, value, status, "an integer from 1 to 18446744073709551615");
    }
    return seed;
}

static double read_rate(const Setting *setting, const char *value, int status) {
    char *end;
    const double rate = strtod(value, &end);
    if (!*value || *end || !isfinite(rate) || rate < 0 || (rate <= 0 && setting->least > 0)) {
        refuse(setting, value, status, setting->least > 0 ? "a number above 0" : "a number of at least 0");
    }
    return rate;
}

static int64_t read_whole(const Setting *setting, const char *value, int status) {
    char *end;
    errno = 0;
    const int64_t whole = strtoll(value, &end, 10);
    if (!*value || *end || errno || whole < setting->least || whole > INT32_MAX) {
        refuse(setting, value, status,
               setting->least > 0 ? "an integer from 1 to 2147483647" : "an integer from 0 to 2147483647");
    }
    return whole;
}

static int64_t read_switch(const Setting *setting, const char *value, int status) {
    const int yes = strcmp(value, "true") == 0;
    if (!yes && strcmp(value, "false") != 0) {
        refuse(setting, value, status, "true or false");
    }
    return yes;
}

void setting_put(Settings *settings, const Setting *setting, const char *value, int status) {
    void *field = (char *)settings + setting->offset;
    switch (setting->kind) {
        case TEXT: *(const char **)field = value; break;
        case SEED: *(uint64_t *)field = read_seed(setting, value, status); break;
        case RATE: *(double *)field = read_rate(setting, value, status); break;
        case WHOLE: *(int64_t *)field = read_whole(setting, value, status); break;
        case SWITCH: *(int64_t *)field = read_switch(setting, value, status); break;
    }
}

const Setting *setting_find(const char *name, size_t length) {
    for (const Setting *setting = SETTINGS; setting < SETTINGS + N_SETTINGS; setting++) {
        const int by_flag = strlen(setting->flag) == length && strncmp(setting->flag, name, length) == 0;
        const int by_key = strlen(setting->key) == length && strncmp(setting->key, name, length) == 0;
        if (by_flag || by_key) {
            return setting;
        }
    }
    return NULL;
}

// The shortest decimal that is this number, with a point or an exponent.
static void write_rate(FILE *file, double rate) {
    char text[32] = "";
    for (int digits = 1; digits <= 17 && (*text == '\0' || strtod(text, NULL) != rate); digits++) {
        snprintf(text, sizeof text, "%.*g", digits, rate);
    }
    fprintf(file, strpbrk(text, ".e") ? "%s" : "%s.0", text);
}

void setting_write(FILE *file, const Settings *settings, const Setting *setting) {
    const void *field = (const char *)settings + setting->offset;
    switch (setting->kind) {
        case TEXT: json_write(file, *(const char *const *)field); break;
        case SEED: fprintf(file, "%" PRIu64, *(const uint64_t *)field); break;
        case RATE: write_rate(file, *(const double *)field); break;
        case WHOLE: fprintf(file, "%" PRId64, *(const int64_t *)field); break;
        case SWITCH: fputs(*(const int64_t *)field ? "true" : "false", file); break;
    }
}

bool setting_same(const Settings *a, const Settings *b, const Setting *setting) {
    const char *x = (const char *)a + setting->offset, *y = (const char *)b + setting->offset;
    if (setting->kind == TEXT) {
        return strcmp(*(const char *const *)x, *(const char *const *)y) == 0;
    }
    return memcmp(x, y, sizeof(int64_t)) == 0;  // all the others are 8 bytes
}
