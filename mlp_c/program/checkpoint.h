// checkpoint.h: what `nnz train` and this program write and read alike; common/checkpoints.py says what is in it.
#ifndef NNZ_CHECKPOINT_H
#define NNZ_CHECKPOINT_H

#include <stdint.h>

#include "safetensors.h"
#include "settings.h"

typedef struct {
    const char *recipe, *config, *tokenizer, *data, *dtype;  // texts; `data` is the hash of all tokens
    int64_t step, t;
    double val_loss, best_val_loss;
    const char *printed;  // the results printed so far
} Checkpoint;

// Write it at `path`, with its arrays. Prints what was wrong and exits with 1; the file is then as it was.
void checkpoint_write(const char *path, const Checkpoint *checkpoint, Tensor *tensors, size_t n_tensors);

// Read it. `expected` are its arrays, each with the memory to read it into. Texts are parts of `file`, which
// tensors_free gives back. Prints what was wrong and exits with 1 if the file is not whole, or not of a run with these
// settings.
Checkpoint checkpoint_read(TensorFile *file, Tensor *expected, size_t n_expected, const Settings *settings);

#endif
