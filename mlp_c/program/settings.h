// settings.h: what a run is decided by, as in names.toml, gpt-cpu.toml and microgpt.toml of common/recipes, and the
// flags that change it.
#ifndef NNZ_SETTINGS_H
#define NNZ_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum { NAMES_RECIPE, GPT_CPU, MICROGPT, N_RECIPES } Recipe;
extern const char *const RECIPES[N_RECIPES];  // their names

typedef struct {  // what only the other model has is NULL or 0, but beta1
    Recipe recipe;
    const char *data, *data_kind, *windows, *split, *tokenizer, *out, *model, *dtype, *precision, *shape, *optimizer,
        *schedule, *decay, *order, *evaluation;
    int64_t context_length, embedding_size, hidden_size, n_layer, n_head, n_embd, warmup, batch_size, steps, eval_every,
        eval_batches, count, new, top_k, tokens, resume, restart, steps_given, threads;
    uint64_t seed, sample_seed;
    double fractions[3], dropout, embedding_dropout, lr, weight_decay, beta1, beta2, clip, temperature;
} Settings;

// Whether a text of the settings is this word.
bool is(const char *text, const char *word);

// A recipe without its data.
Settings settings_default(Recipe recipe);

// One of the recipes, changed by the command line (flags.c). Prints the help and exits with 0 if asked to; exits with 2
// if a flag or its value is not allowed.
Settings settings_read(int argc, char **argv);

// One setting: its name, where it is kept, and what it may be. What is FIXED has one value, and no field.
typedef enum { TEXT, INTEGER, THREADS, SEED, NUMBER, BELOW_ONE, BOOLEAN, FRACTIONS, FIXED } Kind;

typedef struct {
    const char *key, *flag;  // its name in a recipe, and on the command line
    Kind kind;
    size_t offset;  // of its field in Settings
    int minimum;    // of an INTEGER and of THREADS; of a NUMBER 0, or 1 if it must be above 0; of what is FIXED
                    // 0, or 1 if a run with another value cannot be resumed
    const char *initial[N_RECIPES];  // its value in each recipe; NULL where it has none
    const char *words[2];            // what a TEXT may be of an MLP and of a GPT; NULL if any
    const char *help;
} Setting;

enum { N_SETTINGS = 50 };
extern const Setting SETTINGS[N_SETTINGS];

// The setting whose key or flag is the first `length` letters of `name`; NULL if there is none.
const Setting *setting_find(const char *name, size_t length);

// Whether it means something to the model of these settings.
bool setting_is_of(const Setting *setting, const Settings *settings);

// Whether a TEXT may have this value.
bool setting_takes(const Setting *setting, const Settings *settings, const char *value);

// Set it. Prints what it takes and exits with `status` if the value is not allowed; a text must outlive the settings.
void setting_put(Settings *settings, const Setting *setting, const char *value, int status);

// The shortest decimal that is this number, as Python writes it.
enum { NUMBER_TEXT = 32 };
const char *number_text(char text[NUMBER_TEXT], double number);

// All settings as TOML, as `nnz train` writes them (config.c). The caller frees.
char *config_text(const Settings *settings);

// The text with another number of steps. The caller frees.
char *config_with_steps(const char *text, int64_t steps);

// What such a text says, which is from the checkpoint at `path`, is written to, and must outlive the settings.
Settings config_read(const char *path, char *text);

// Prints what differs and exits with 1 unless the text, which is from the checkpoint at `path`, gives the run that
// these settings give. The path of the data and how it was split may differ: its hash says whether it is the same. The
// settings may have more steps.
void config_check(const char *path, const char *text, const Settings *settings);

#endif
