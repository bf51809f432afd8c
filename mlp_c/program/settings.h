// settings.h: what a run is decided by, as in common/recipes/names.toml, and the flags that change it.
#ifndef NNZ_SETTINGS_H
#define NNZ_SETTINGS_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *data, *data_kind, *out, *dtype, *precision, *optimizer, *schedule, *evaluation;
    int64_t context_length, embedding_size, hidden_size, batch_size, steps, eval_every, eval_batches, count, new, top_k,
        resume, restart, steps_given, threads;
    uint64_t seed, sample_seed;
    double lr, weight_decay, temperature;
} Settings;

// The recipe `names`, without its data.
Settings settings_default(void);

// The recipe `names`, changed by the command line. Prints the help and exits with 0 if asked to; exits with 2 if a flag
// or its value is not allowed.
Settings settings_read(int argc, char **argv);

// One setting: its name, where it is kept, and what it may be.
typedef enum { TEXT, INTEGER, THREADS, SEED, NUMBER, BOOLEAN } Kind;

typedef struct {
    const char *key, *flag;  // its name in a recipe, and on the command line
    Kind kind;
    size_t offset;        // of its field in Settings
    int minimum;          // of an INTEGER and of THREADS; of a NUMBER 0, or 1 if it must be above 0
    const char *initial;  // its value in the recipe `names`; NULL if it has none
    const char *help;
} Setting;

enum { N_SETTINGS = 24 };
extern const Setting SETTINGS[N_SETTINGS];

// The setting whose key or flag is the first `length` letters of `name`; NULL if there is none.
const Setting *setting_find(const char *name, size_t length);

// Set it. Prints what it takes and exits with `status` if the value is not allowed; a text must outlive the settings.
void setting_put(Settings *settings, const Setting *setting, const char *value, int status);

// All settings as TOML, in the form that `nnz train` writes and reads (config.c). The caller frees.
char *config_text(const Settings *settings);

// The text with another number of steps. The caller frees.
char *config_with_steps(const char *text, int64_t steps);

// Prints what differs and exits with 1 unless the text, which is from the checkpoint at `path`, gives the run that
// these settings give. The path of the data may differ: their hash says whether they are the same. The settings may
// have more steps.
void config_check(const char *path, const char *text, const Settings *settings);

#endif
