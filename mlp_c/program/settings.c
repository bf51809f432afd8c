#include "settings.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "json.h"
#include "process.h"

enum { MOST_THREADS = 1024 };

#define AT(field) offsetof(Settings, field)

const Setting SETTINGS[N_SETTINGS] = {
    {"data.name", "--data", TEXT, AT(data), 0, NULL, "folder with train.txt, val.txt and test.txt"},
    {"data.kind", "--data-kind", TEXT, AT(data_kind), 0, "list", "list: an item on each line; text: running text"},
    {"out", "--out", TEXT, AT(out), 0, "runs/names-mlp", "folder for log.csv and samples.txt"},
    {"--threads", "--threads", THREADS, AT(threads), 1, NULL, "1 to 1024 threads; else as many as are of use"},
    {"model.context_length", "--context-length", INTEGER, AT(context_length), 1, "3", "tokens that the model sees"},
    {"model.embedding_size", "--embedding-size", INTEGER, AT(embedding_size), 1, "48",
     "numbers a token is turned into"},
    {"model.hidden_size", "--hidden-size", INTEGER, AT(hidden_size), 1, "512", "hidden units"},
    {"model.dtype", "--dtype", TEXT, AT(dtype), 0, "float32", "float32 or float64"},
    {"model.precision", "--precision", TEXT, AT(precision), 0, "native", "native, or strict: the same bits everywhere"},
    {"optimizer.name", "--optimizer", TEXT, AT(optimizer), 0, "adamw", "adamw or sgd"},
    {"optimizer.lr", "--lr", NUMBER, AT(lr), 1, "7e-4", "learning rate"},
    {"optimizer.weight_decay", "--weight-decay", NUMBER, AT(weight_decay), 0, "1e-4", "decay of every parameter"},
    {"optimizer.schedule", "--schedule", TEXT, AT(schedule), 0, "cosine", "cosine or constant"},
    {"train.batch_size", "--batch-size", INTEGER, AT(batch_size), 1, "128", "windows in a step"},
    {"train.steps", "--steps", INTEGER, AT(steps), 1, "50000", "updates"},
    {"train.eval_every", "--eval-every", INTEGER, AT(eval_every), 1, "200", "steps between evaluations"},
    {"train.eval_batches", "--eval-batches", INTEGER, AT(eval_batches), 1, "20",
     "batches that judge the training split"},
    {"train.evaluation", "--evaluation", TEXT, AT(evaluation), 0, "batches",
     "batches: as many full ones as val has tokens for; all: every target once"},
    {"train.seed", "--seed", SEED, AT(seed), 1, "1337", "draws the initial weights"},
    {"sample.count", "--count", INTEGER, AT(count), 0, "20", "samples drawn after training"},
    {"sample.seed", "--sample-seed", SEED, AT(sample_seed), 1, "42", "draws the samples"},
    {"sample.new", "--new", BOOLEAN, AT(new), 0, "true",
     "true: only samples that are on no line of the data; false: all"},
    {"sample.temperature", "--temperature", NUMBER, AT(temperature), 0, "1", "0 takes the likeliest token"},
    {"sample.top_k", "--top-k", INTEGER, AT(top_k), 0, "0", "draw from the k likeliest tokens; 0: from all"},
};

Settings settings_default(void) {
    Settings settings = {0};
    for (const Setting *s = SETTINGS; s < SETTINGS + N_SETTINGS; s++) {
        if (s->initial != NULL) {
            setting_put(&settings, s, s->initial, ASKED_WRONGLY);
        }
    }
    return settings;
}

static void help(void) {
    puts(
        "usage: mlp --data DIR [--FLAG VALUE]... [--set SECTION.KEY=VALUE]... [--resume | --restart]\n\n"
        "Train the recipe `names` on a folder of text, all in C: what `nnz train names` does.\n");
    for (int i = 0; i < N_SETTINGS; i++) {
        printf("  %-18s %-24s %s\n", SETTINGS[i].flag, strchr(SETTINGS[i].key, '.') == NULL ? "" : SETTINGS[i].key,
               SETTINGS[i].help);
    }
    printf("  %-18s %-24s %s\n", "--resume", "", "go on from the folder's checkpoint, also to a larger --steps");
    printf("  %-18s %-24s %s\n", "--restart", "", "replace the run that is in the folder");
}

static void one_of(const char *key, const char *value, const char *first, const char *second) {
    if (strcmp(value, first) != 0 && strcmp(value, second) != 0) {
        fail(ASKED_WRONGLY, "%s = %s is not allowed; it takes %s or %s", key, value, first, second);
    }
}

// Whether one letter that is wrong, missing, too many or changed with its neighbour makes up the difference.
static int is_near(const char *a, size_t n, const char *b) {
    const size_t m = strlen(b);
    size_t begin = 0, end = 0;
    while (begin < n && begin < m && a[begin] == b[begin]) { begin++; }
    while (end < n - begin && end < m - begin && a[n - 1 - end] == b[m - 1 - end]) { end++; }
    const size_t left = n - begin - end, right = m - begin - end;
    return (left <= 1 && right <= 1) ||
           (left == 2 && right == 2 && a[begin] == b[begin + 1] && a[begin + 1] == b[begin]);
}

// The setting that a name was probably meant for: one of another section, or one that is written nearly so; else NULL.
static const Setting *nearest(const char *name, size_t length) {
    const char *dot = memchr(name, '.', length), *key = dot == NULL ? name : dot + 1;
    const size_t n = length - (size_t)(key - name);
    for (const Setting *s = SETTINGS; s < SETTINGS + N_SETTINGS; s++) {
        const char *own = strchr(s->key, '.');
        if (own != NULL && strlen(own + 1) == n && strncmp(own + 1, key, n) == 0) {
            return s;
        }
    }
    for (const Setting *s = SETTINGS; s < SETTINGS + N_SETTINGS; s++) {
        if (is_near(name, length, s->flag) || is_near(name, length, s->key)) {
            return s;
        }
    }
    return NULL;
}

Settings settings_read(int argc, char **argv) {
    Settings s = settings_default();
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help();
            flush_results();
            exit(0);
        }
        const int resume = strcmp(argv[i], "--resume") == 0, restart = strcmp(argv[i], "--restart") == 0;
        if (resume || restart) {
            s.resume |= resume, s.restart |= restart;
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
        const Setting *setting = setting_find(name, length);
        if (setting == NULL) {
            const Setting *meant = nearest(name, length);
            fail(ASKED_WRONGLY,
                 meant == NULL ? "unknown setting %.*s; see mlp --help"
                               : "unknown setting %.*s; did you mean %s? see mlp --help",
                 (int)length, name,
                 meant == NULL  ? ""
                 : *name == '-' ? meant->flag
                                : meant->key);
        }
        setting_put(&s, setting, value, ASKED_WRONGLY);
        s.steps_given |= setting->offset == AT(steps);
    }
    if (s.resume && s.restart) {
        fail(ASKED_WRONGLY, "--resume continues a run and --restart begins it again; give only one of them");
    }
    if (s.data == NULL) {
        fail(ASKED_WRONGLY, "which data? give --data DIR, a folder with train.txt, val.txt and test.txt");
    }
    if (*s.data == '\0') {
        fail(ASKED_WRONGLY, "--data is empty; give a folder with train.txt, val.txt and test.txt");
    }
    if (*s.out == '\0') {
        fail(ASKED_WRONGLY, "--out is empty; give a folder");
    }
    one_of("data.kind", s.data_kind, "list", "text");
    one_of("model.dtype", s.dtype, "float32", "float64");
    one_of("model.precision", s.precision, "native", "strict");
    if (strcmp(s.precision, "strict") == 0 && strcmp(s.dtype, "float64") == 0) {
        fail(ASKED_WRONGLY, "model.precision = 'strict' rounds to float32; drop it, or model.dtype = 'float64'");
    }
    one_of("optimizer.name", s.optimizer, "adamw", "sgd");
    one_of("optimizer.schedule", s.schedule, "cosine", "constant");
    one_of("train.evaluation", s.evaluation, "batches", "all");
    return s;
}

static _Noreturn void refuse(const Setting *setting, const char *value, int status, const char *allowed) {
    fail(status, "%s = %s is not allowed; it takes %s", setting->key, value, allowed);
}

// Whether the value has these characters alone, and begins with a digit: strtod and the like skip spaces.
static int consists_of(const char *value, const char *characters) {
    value += *value == '-';
    const char *digit = *value == '.' ? value + 1 : value;
    return *digit >= '0' && *digit <= '9' && value[strspn(value, characters)] == '\0';
}

static uint64_t read_seed(const Setting *setting, const char *value, int status) {
    errno = 0;
    const uint64_t seed = strtoull(value, NULL, 10);
    if (*value == '-' || !consists_of(value, "0123456789") || errno || seed == 0) {
        refuse(setting, value, status, "an integer from 1 to 18446744073709551615");
    }
    return seed;
}

static double read_number(const Setting *setting, const char *value, int status) {
    char *end;
    const double number = strtod(value, &end);
    if (!consists_of(value, "0123456789.eE+-") || *end || !isfinite(number) || number < 0 ||
        (number <= 0 && setting->minimum > 0)) {
        refuse(setting, value, status, setting->minimum > 0 ? "a number above 0" : "a number of at least 0");
    }
    return number;
}

static int64_t read_integer(const Setting *setting, const char *value, int status) {
    char allowed[64];
    const int most = setting->kind == THREADS ? MOST_THREADS : INT32_MAX;
    errno = 0;
    const int64_t integer = strtoll(value, NULL, 10);
    if (!consists_of(value, "0123456789") || errno || integer < setting->minimum || integer > most) {
        snprintf(allowed, sizeof allowed, "an integer from %d to %d", setting->minimum, most);
        refuse(setting, value, status, allowed);
    }
    return integer;
}

static int64_t read_boolean(const Setting *setting, const char *value, int status) {
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
        case NUMBER: *(double *)field = read_number(setting, value, status); break;
        case THREADS:
        case INTEGER: *(int64_t *)field = read_integer(setting, value, status); break;
        case BOOLEAN: *(int64_t *)field = read_boolean(setting, value, status); break;
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
