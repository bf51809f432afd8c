// digests.h: SHA-256 (FIPS 180-4), and the two hashes that a checkpoint holds of itself, as common/numbers/digests.py
// computes them.
#ifndef NNZ_DIGESTS_H
#define NNZ_DIGESTS_H

#include <stddef.h>
#include <stdint.h>

#include "safetensors.h"

enum { SHA256_TEXT = 65 };  // 64 hexadecimal digits and a zero byte

typedef struct {
    uint32_t state[8];
    unsigned char block[64];
    uint64_t n;  // bytes so far
} Sha256;

Sha256 sha256_init(void);
void sha256_add(Sha256 *digest, const void *bytes, size_t n);
void sha256_add_array(Sha256 *digest, const Tensor *array);  // as a file has its bytes
void sha256_text(const Sha256 *digest, char text[SHA256_TEXT]);

#define PARAMETERS_HASH "parameters_sha256"
#define HASH "sha256"

// Of the arrays' bytes. Sorts them by name.
void digests_of_arrays(Tensor *tensors, size_t n, char hash[SHA256_TEXT]);

// Of the parameters, and of all else, the first hash included. Sorts metadata and arrays.
void digests_of(Metadata *metadata, size_t n_metadata, Tensor *tensors, size_t n_tensors, char first[SHA256_TEXT],
                char second[SHA256_TEXT]);

// Prints what was changed and exits with 1 unless both are those in the file. Sorts its metadata and arrays.
void digests_check(TensorFile *file);

#endif
