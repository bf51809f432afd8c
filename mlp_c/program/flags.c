// flags.c: the command line: which recipe, and what is changed in it.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "process.h"
#include "settings.h"

static bool is_model(const Setting *setting) { return strcmp(setting->flag, "--model") == 0; }

static void help(void) {
    puts(
        "usage: mlp --data FILE|DIR [--model gpt|microgpt] [--FLAG VALUE]... [--set SECTION.KEY=VALUE]... "
        "[--resume | --restart]\n\n"
        "Train the recipe `names`, or with --model gpt the recipe `gpt-cpu`, or `microgpt`, on a text, all in C: what "
        "`nnz train` does.\n");
    for (const Setting *s = SETTINGS; s < SETTINGS + N_SETTINGS; s++) {
        if (s->kind != FIXED) {
            const char *of_mlp = s->initial[NAMES_RECIPE], *of_gpt = s->initial[GPT_CPU],
                       *of_micro = s->initial[MICROGPT];
            printf("  %-20s %-24s %s%s", s->flag, strchr(s->key, '.') == NULL ? "" : s->key, s->help,
                   !of_mlp == !of_gpt ? ""
                   : of_mlp           ? " (mlp)"
                                      : " (gpt)");
            if (of_mlp != NULL || of_gpt != NULL) {
                printf("; default: %s", of_mlp != NULL ? of_mlp : of_gpt);
            }
            if (of_mlp != NULL && of_gpt != NULL && strcmp(of_mlp, of_gpt) != 0 && !is_model(s)) {
                printf("; of a gpt: %s", of_gpt);
            }
            if (of_gpt != NULL && strcmp(of_gpt, of_micro) != 0) {
                printf("; of microgpt: %s", of_micro);
            }
            puts("");
        }
    }
    printf("  %-20s %-24s %s\n", "--resume", "", "go on from the folder's checkpoint, also to a larger --steps");
    printf("  %-20s %-24s %s\n", "--restart", "", "replace the run that is in the folder");
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

// The recipe that the last word on the model asks for.
static Recipe asked_recipe(int argc, char **argv) {
    Recipe recipe = NAMES_RECIPE;
    for (int i = 1; i < argc; i++) {
        const bool flag = strcmp(argv[i], "--model") == 0 && i + 1 < argc;
        if (flag || strncmp(argv[i], "model.kind=", 11) == 0) {
            const char *model = flag ? argv[i + 1] : argv[i] + 11;
            recipe = is(model, "gpt") ? GPT_CPU : is(model, "microgpt") ? MICROGPT : NAMES_RECIPE;
        }
    }
    return recipe;
}

static void read_word(Settings *s, const char *name, const char *value) {
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
    if (!setting_is_of(setting, s)) {
        fail(ASKED_WRONGLY, "%s means nothing to %s; leave it out", setting->key, s->model);
    }
    setting_put(s, setting, is_model(setting) && is(value, "microgpt") ? "gpt" : value, ASKED_WRONGLY);
    s->steps_given |= strcmp(setting->flag, "--steps") == 0;
}

static void check_documents(const Settings *s) {
    if (s->context_length == 1) {
        fail(ASKED_WRONGLY, "model.context_length = 1 shows of a document only its start; take 2 or more");
    }
    if (is(s->evaluation, "batches")) {
        fail(ASKED_WRONGLY, "train.evaluation = 'batches' counts windows, and documents have none; take all");
    }
    if (is(s->data_kind, "text")) {
        fail(COULD_NOT_BE_DONE,
             "data.windows = 'documents' needs lines that end; take data.windows=stream, or data.kind=list");
    }
}

static void check(const Settings *s) {
    if (s->resume && s->restart) {
        fail(ASKED_WRONGLY, "--resume continues a run and --restart begins it again; give only one of them");
    }
    if (s->data == NULL) {
        fail(ASKED_WRONGLY, "which data? give --data FILE, or a folder with train.txt, val.txt and test.txt");
    }
    if (*s->data == '\0') {
        fail(ASKED_WRONGLY, "--data is empty; give a file, or a folder with train.txt, val.txt and test.txt");
    }
    if (*s->out == '\0') {
        fail(ASKED_WRONGLY, "--out is empty; give a folder");
    }
    if (is(s->precision, "strict") && is(s->dtype, "float64")) {
        fail(ASKED_WRONGLY, "model.precision = 'strict' rounds to float32; drop it, or model.dtype = 'float64'");
    }
    if (is(s->model, "gpt") && s->n_embd % s->n_head != 0) {
        fail(ASKED_WRONGLY,
             "model.n_embd = %" PRId64 " is not a multiple of model.n_head = %" PRId64
             "; each head has an equal part of it",
             s->n_embd, s->n_head);
    }
    if (is(s->windows, "documents")) {
        check_documents(s);
    }
    if (is(s->shape, "microgpt") && s->sample_seed != settings_default(s->recipe).sample_seed) {
        fail(ASKED_WRONGLY, "sample.seed means nothing to microgpt, which goes on drawing by train.seed; leave it out");
    }
}

Settings settings_read(int argc, char **argv) {
    Settings s = settings_default(asked_recipe(argc, argv));
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
            help();
            flush_results();
            exit(0);
        }
        const int resume = strcmp(argv[i], "--resume") == 0, restart = strcmp(argv[i], "--restart") == 0;
        if (resume || restart) {
            s.resume |= resume, s.restart |= restart;
        } else if (argv[i][0] != '-') {
            s.data = argv[i];
        } else if (i + 1 == argc) {
            fail(ASKED_WRONGLY, "%s needs a value; see mlp --help", argv[i]);
        } else {
            read_word(&s, argv[i], argv[i + 1]);
            i++;
        }
    }
    check(&s);
    return s;
}
