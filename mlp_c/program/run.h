// run.h: a run between two steps: how it begins (run.c), trains (train.c), is saved and resumed (checkpoint.c).
//
// What cannot be done is printed, and ends the program with exit code 1.
#ifndef NNZ_RUN_H
#define NNZ_RUN_H

#include "dataset.h"
#include "digests.h"
#include "folder.h"
#include "microgpt.h"
#include "network.h"
#include "settings.h"

typedef struct {  // the best model since the last checkpoint, where not each evaluation saves one
    void *parameters;
    int64_t step, t;
    double val_loss, best_val_loss;
    size_t n_printed;
    bool is_held;
} Best;

typedef struct {
    const Settings *settings;
    const Dataset *data;
    Folder *folder;
    Network net;
    void *logits;              // (B,V), or (B,T,V)
    MersenneTwister *twister;  // of microgpt: it has drawn the weights, and draws the samples; else NULL
    int64_t step, t;           // the next step, and how many updates there were
    int64_t saved_step;        // of the folder's checkpoint; first weights give finite losses, so there soon is one
    double saved_at;           // when that was, in seconds
    double val_loss, best_val_loss;
    Best best;
    char *recipe, *config;  // its name, and the settings as TOML
    char *printed;          // the results printed so far
    size_t n_printed;
    double rounded, summed;  // by strict/tally.h, before the first step
    bool goes_on;            // to more steps than it had before it was resumed
} Run;

// The whole run, as the settings say.
void train(const Settings *settings, const Dataset *data);

// A run at step 0, or, if the settings say so and there is a checkpoint, where that was saved. Everything that can be
// checked is checked before the folder is made and locked, and it is locked before anything in it changes.
Run run_init(const Settings *settings, const Dataset *data);
void run_free(Run *run);

// The learning rate of a step.
double learning_rate(const Settings *settings, int64_t step);

// Save it in checkpoint.safetensors, as `nnz train` does (common/runs/checkpoints.py says what is in it), or without
// the moments in best.safetensors; or hold the best model until the next checkpoint is saved, and it with it.
void checkpoint_save(Run *run);
void checkpoint_save_best(const Run *run);
void checkpoint_hold_best(Run *run);

// Go on where the folder's checkpoint was saved. It must be whole, and of a run with these settings and data.
void checkpoint_resume(Run *run);

// Print what the folder's run printed, if it is finished and has the same settings and data; whether it is.
bool checkpoint_show(const Run *run);

// The name of the first array of a checkpoint that holds a number which is not finite; NULL if there is none.
const char *checkpoint_not_finite(const Run *run);

// The hash of the parameters, or of these and the moments; returns `hash`.
const char *checkpoint_hash(const Run *run, bool moments, char hash[SHA256_TEXT]);

#endif
