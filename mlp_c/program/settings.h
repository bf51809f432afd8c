// settings.h: what a run is decided by, as in common/recipes/names.toml, and the flags that change it.
#ifndef NNZ_SETTINGS_H
#define NNZ_SETTINGS_H

#include <stdint.h>

typedef struct {
    const char *data, *out, *dtype, *precision, *optimizer, *schedule;
    int64_t context_length, embedding_size, hidden_size, batch_size, steps, eval_every, eval_batches, count, new, top_k,
        resume;
    uint64_t seed, sample_seed;
    double lr, weight_decay, temperature;
} Settings;

// The recipe `names`, without its data.
Settings settings_default(void);

// It, changed by the command line. Prints the help and exits with 0 if asked to; exits with 2 if a flag
// or its value is not allowed.
Settings settings_read(int argc, char **argv);

#endif
