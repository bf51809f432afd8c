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

const char *const RECIPES[] = {"names", "gpt-cpu", "microgpt"};

#define AT(field) offsetof(Settings, field)
#define ALL(value) {value, value, value}
#define EACH(names, gpt_cpu, microgpt) {names, gpt_cpu, microgpt}
#define OF_MLP(value) {value, NULL, NULL}
#define OF_GPT(gpt_cpu, microgpt) {NULL, gpt_cpu, microgpt}
#define ONE_OF(words) {words, words}
#define ONE_OF_EACH(of_mlp, of_gpt) {of_mlp, of_gpt}
#define NONE {NULL}
#define FIXED_AT(key, minimum, ...) {key, key, FIXED, 0, minimum, __VA_ARGS__, NONE, ""}

const Setting SETTINGS[] = {
    // those of a recipe in its order
    {"data.name", "--data", TEXT, AT(data), 0, NONE, NONE,
     "a text file, or a folder with train.txt, val.txt and test.txt"},
    {"data.kind", "--data-kind", TEXT, AT(data_kind), 0, EACH("list", "text", "list"), ONE_OF("list or text"),
     "list: an item on each line; text: running text"},
    {"data.windows", "--windows", TEXT, AT(windows), 0, EACH("stream", "stream", "documents"),
     ONE_OF_EACH("stream", "stream or documents"), "stream: the whole text; documents, of a gpt: each line on its own"},
    {"data.split", "--split", TEXT, AT(split), 0, EACH("lines", "position", "python"),
     ONE_OF("lines or python or position"),
     "of a file; lines: shuffled; python: as Python does; position: in their order"},
    {"data.tokenizer", "--tokenizer", TEXT, AT(tokenizer), 0, EACH("char", "char", "microgpt"),
     ONE_OF("char or microgpt"), "char, or microgpt: with the newline last"},
    FIXED_AT("data.min_count", 0, ALL("1")),
    {"data.fractions", "--fractions", FRACTIONS, AT(fractions), 0,
     EACH("[0.9, 0.05, 0.05]", "[0.9, 0.1]", "[0.9, 0.05, 0.05]"), NONE,
     "of a file: train, val, test; of two val is test too"},
    {"out", "--out", TEXT, AT(out), 0, EACH("runs/names-mlp", "runs/gpt-cpu-mlp", "runs/microgpt-mlp"), NONE,
     "the folder of the run"},
    {"--threads", "--threads", THREADS, AT(threads), 1, NONE, NONE, "1 to 1024 threads; else as many as are of use"},
    {"model.kind", "--model", TEXT, AT(model), 0, EACH("mlp", "gpt", "gpt"), ONE_OF("mlp or gpt or microgpt"),
     "mlp: the recipe `names`; gpt: the recipe `gpt-cpu`; microgpt: a gpt, by that recipe"},
    {"model.context_length", "--context-length", INTEGER, AT(context_length), 1, EACH("3", "64", "16"), NONE,
     "tokens that the model sees"},
    {"model.embedding_size", "--embedding-size", INTEGER, AT(embedding_size), 1, OF_MLP("48"), NONE,
     "numbers a token is turned into"},
    {"model.hidden_size", "--hidden-size", INTEGER, AT(hidden_size), 1, OF_MLP("512"), NONE, "hidden units"},
    {"model.dtype", "--dtype", TEXT, AT(dtype), 0, EACH("float32", "float32", "float64"), ONE_OF("float32 or float64"),
     "float32 or float64"},
    {"model.precision", "--precision", TEXT, AT(precision), 0, ALL("native"), ONE_OF("native or strict"),
     "native, or strict: the same bits everywhere"},
    {"model.shape", "--shape", TEXT, AT(shape), 0, OF_GPT("course", "microgpt"), ONE_OF("course or gpt2 or microgpt"),
     "course; gpt2: GELU, GPT-2's biases, a tied head; microgpt: RMS norms, no biases"},
    {"model.n_layer", "--n-layer", INTEGER, AT(n_layer), 1, OF_GPT("4", "1"), NONE, "blocks"},
    {"model.n_head", "--n-head", INTEGER, AT(n_head), 1, OF_GPT("4", "4"), NONE, "heads of attention in each"},
    {"model.n_embd", "--n-embd", INTEGER, AT(n_embd), 1, OF_GPT("128", "16"), NONE, "numbers a token is turned into"},
    {"model.dropout", "--dropout", BELOW_ONE, AT(dropout), 0, OF_GPT("0", "0"), NONE,
     "probability that attention or a branch loses a number"},
    {"model.embedding_dropout", "--embedding-dropout", BELOW_ONE, AT(embedding_dropout), 0, OF_GPT("0", "0"), NONE,
     "and that an embedding does"},
    FIXED_AT("model.attention", 0, OF_GPT("\"fused\"", "\"fused\"")),
    {"optimizer.name", "--optimizer", TEXT, AT(optimizer), 0, ALL("adamw"), ONE_OF_EACH("adamw or sgd", "adamw"),
     "adamw, or of an MLP sgd"},
    {"optimizer.lr", "--lr", NUMBER, AT(lr), 1, EACH("7e-4", "1e-3", "1e-2"), NONE, "learning rate"},
    {"optimizer.weight_decay", "--weight-decay", NUMBER, AT(weight_decay), 0, EACH("1e-4", "0.1", "0"), NONE,
     "decay of the parameters"},
    {"optimizer.schedule", "--schedule", TEXT, AT(schedule), 0, EACH("cosine", "cosine", "linear"),
     ONE_OF("cosine or constant or linear or step"), "cosine, constant, linear, or step: a tenth in the second half"},
    {"optimizer.warmup", "--warmup", INTEGER, AT(warmup), 0, EACH("0", "100", "0"), NONE,
     "steps over which the learning rate rises"},
    {"optimizer.beta1", "--beta1", BELOW_ONE, AT(beta1), 0, OF_GPT("0.9", "0.85"), NONE, "of adamw"},
    {"optimizer.beta2", "--beta2", BELOW_ONE, AT(beta2), 0, EACH("0.999", "0.99", "0.99"), NONE, "of adamw"},
    {"optimizer.decay", "--decay", TEXT, AT(decay), 0, OF_GPT("matrices", "all"), ONE_OF("all or matrices"),
     "which parameters decay: all or matrices"},
    {"optimizer.clip", "--clip", NUMBER, AT(clip), 0, OF_GPT("1", "0"), NONE,
     "largest norm of the whole gradient; 0: any"},
    {"train.batch_size", "--batch-size", INTEGER, AT(batch_size), 1, EACH("128", "12", "1"), NONE, "windows in a step"},
    {"train.order", "--order", TEXT, AT(order), 0, EACH("sequential", "random", "sequential"),
     ONE_OF("sequential or random"), "sequential: window after window; random: drawn"},
    {"train.steps", "--steps", INTEGER, AT(steps), 1, EACH("50000", "2000", "1000"), NONE, "updates"},
    {"train.eval_every", "--eval-every", INTEGER, AT(eval_every), 1, EACH("200", "250", "1"), NONE,
     "steps between evaluations"},
    {"train.eval_batches", "--eval-batches", INTEGER, AT(eval_batches), 1, EACH("20", "100", "20"), NONE,
     "batches that judge the training split"},
    {"train.evaluation", "--evaluation", TEXT, AT(evaluation), 0, EACH("batches", "drawn", "step"),
     ONE_OF("all or batches or drawn or step"),
     "all: every target of val once; batches: its full ones; drawn: eval_batches; step: of train the batch of the "
     "step"},
    {"train.seed", "--seed", SEED, AT(seed), 1, EACH("1337", "1337", "42"), NONE, "draws the initial weights"},
    FIXED_AT("train.backend", 0, ALL("\"c\"")),  // whose kernels these are
    FIXED_AT("train.parts", 0, OF_GPT("1", "1")),
    FIXED_AT("train.autocast", 0, OF_GPT("\"auto\"", "\"auto\"")),
    FIXED_AT("train.compile", 0, OF_GPT("\"auto\"", "\"auto\"")),
    FIXED_AT("train.deterministic", 0, OF_GPT("false", "false")),
    {"sample.count", "--count", INTEGER, AT(count), 0, EACH("20", "1", "20"), NONE, "samples drawn after training"},
    {"sample.seed", "--sample-seed", SEED, AT(sample_seed), 1, ALL("42"), NONE, "draws the samples"},
    {"sample.new", "--new", BOOLEAN, AT(new), 0, EACH("true", "false", "false"), NONE,
     "true: only samples that are on no line of the data; false: all"},
    {"sample.temperature", "--temperature", NUMBER, AT(temperature), 0, EACH("1", "1", "0.5"), NONE,
     "0 takes the likeliest token"},
    {"sample.top_k", "--top-k", INTEGER, AT(top_k), 0, ALL("0"), NONE, "draw from the k likeliest tokens; 0: from all"},
    FIXED_AT("sample.top_p", 1, ALL("1.0")),
    {"sample.tokens", "--tokens", INTEGER, AT(tokens), 0, EACH("0", "500", "0"), NONE,
     "tokens of a sample; 0: until its line ends"},
};

bool is(const char *text, const char *word) { return text != NULL && strcmp(text, word) == 0; }

Settings settings_default(Recipe recipe) {
    Settings settings = {.recipe = recipe, .model = recipe == NAMES_RECIPE ? "mlp" : "gpt", .beta1 = 0.9};
    for (const Setting *s = SETTINGS; s < SETTINGS + N_SETTINGS; s++) {
        if (s->initial[recipe] != NULL && s->kind != FIXED) {
            setting_put(&settings, s, s->initial[recipe], ASKED_WRONGLY);
        }
    }
    return settings;
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
    const int below = setting->kind == BELOW_ONE;
    if (!consists_of(value, "0123456789.eE+-") || *end || !isfinite(number) || number < 0 ||
        (number <= 0 && setting->minimum > 0) || (number >= 1 && below)) {
        refuse(setting, value, status,
               below                  ? "a number of at least 0 and below 1"
               : setting->minimum > 0 ? "a number above 0"
                                      : "a number of at least 0");
    }
    return number;
}

// [0.9, 0.1], or three
static void read_fractions(double fractions[3], const Setting *setting, const char *value, int status) {
    double sum = 0;
    int n = 0;
    char *at = (char *)value;
    do {
        const char *word = at + 1 + strspn(at + 1, " ");
        const double fraction = consists_of(word, "0123456789.eE+-,] ") ? strtod(word, &at) : 0;
        at += strspn(at, " ");
        sum += fraction;
        n = fraction > 0 && n < 3 ? (fractions[n] = fraction, n + 1) : 4;
    } while (n < 4 && *at == ',');
    if (*value != '[' || n < 2 || n > 3 || strcmp(at, "]") != 0 || fabs(sum - 1) > 1e-9) {
        refuse(setting, value, status, "three numbers above 0 that add up to 1, such as [0.9, 0.05, 0.05], or two");
    }
    fractions[2] = n == 3 ? fractions[2] : 0;
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

static const char *read_text(const Settings *settings, const Setting *setting, const char *value, int status) {
    if (!setting_takes(setting, settings, value)) {
        refuse(setting, value, status, setting->words[is(settings->model, "gpt")]);
    }
    return value;
}

static void read_fixed(const Settings *settings, const Setting *setting, const char *value, int status) {
    char only[16];
    const char *initial = setting->initial[is(settings->model, "gpt")] + (*setting->initial[1] == '"');
    snprintf(only, sizeof only, "%.*s", (int)strcspn(initial, "\""), initial);
    if (strcmp(value, only) != 0) {
        refuse(setting, value, status, only);
    }
}

void setting_put(Settings *settings, const Setting *setting, const char *value, int status) {
    void *field = (char *)settings + setting->offset;
    switch (setting->kind) {
        case TEXT: *(const char **)field = read_text(settings, setting, value, status); break;
        case SEED: *(uint64_t *)field = read_seed(setting, value, status); break;
        case NUMBER:
        case BELOW_ONE: *(double *)field = read_number(setting, value, status); break;
        case FRACTIONS: read_fractions(field, setting, value, status); break;
        case FIXED: read_fixed(settings, setting, value, status); break;
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

bool setting_is_of(const Setting *setting, const Settings *settings) {
    const bool gpt = is(settings->model, "gpt");
    return setting->initial[gpt] != NULL || setting->initial[!gpt] == NULL;
}

bool setting_takes(const Setting *setting, const Settings *settings, const char *value) {
    const char *word = setting->words[is(settings->model, "gpt")];
    bool found = word == NULL;
    while (word != NULL && !found) {
        const size_t n = strcspn(word, " ");
        found = strlen(value) == n && memcmp(word, value, n) == 0;
        word = word[n] == '\0' ? NULL : word + n + strlen(" or ");
    }
    return found;
}
