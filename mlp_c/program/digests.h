// digests.h: the two hashes that a checkpoint holds of itself, as common/digests.py computes them.
#ifndef NNZ_DIGESTS_H
#define NNZ_DIGESTS_H

#include "safetensors.h"
#include "sha256.h"

#define PARAMETERS_HASH "parameters_sha256"
#define HASH "sha256"

// Of the arrays' bytes. Sorts them by name.
void digests_of_arrays(Tensor *tensors, size_t n, char hash[SHA256_TEXT]);

// Of the parameters, and of all else, the first hash included. Sorts notes and arrays.
void digests_of(Note *notes, size_t n_notes, Tensor *tensors, size_t n_tensors, char first[SHA256_TEXT],
                char second[SHA256_TEXT]);

// Prints what was changed and exits with 1 unless both are those in the file. Sorts its notes and arrays.
void digests_check(TensorFile *file);

#endif
