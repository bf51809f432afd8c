#include "digests.h"

#include <stdio.h>
#include <string.h>

#include "failure.h"

// The fractional parts of the cube roots of the first 64 primes.
static const uint32_t K[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t turn(uint32_t x, int n) { return x >> n | x << (32 - n); }

static void take_block(Sha256 *d) {
    uint32_t w[64], s[8];
    for (size_t i = 0; i < 16; i++) {
        const unsigned char *b = d->block + 4 * i;
        w[i] = (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
    }
    for (int i = 16; i < 64; i++) {
        const uint32_t x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + (turn(x, 7) ^ turn(x, 18) ^ x >> 3) + w[i - 7] + (turn(y, 17) ^ turn(y, 19) ^ y >> 10);
    }
    memcpy(s, d->state, sizeof s);
    for (int i = 0; i < 64; i++) {
        const uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]);
        const uint32_t majority = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
        const uint32_t t = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + choice + K[i] + w[i];
        const uint32_t u = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + majority;
        memmove(s + 1, s, 7 * sizeof *s);
        s[4] += t, s[0] = t + u;
    }
    for (int i = 0; i < 8; i++) { d->state[i] += s[i]; }
}

Sha256 sha256_init(void) {
    return (Sha256){
        .state = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19}};
}

void sha256_add(Sha256 *d, const void *bytes, size_t n) {
    for (const unsigned char *b = bytes; n > 0;) {
        const size_t at = d->n % 64, part = n < 64 - at ? n : 64 - at;
        memcpy(d->block + at, b, part);
        b += part, n -= part, d->n += part;
        if (d->n % 64 == 0) {
            take_block(d);
        }
    }
}

// One bit 1, zeros, and the length in bits, big-endian, close the last block.
void sha256_text(const Sha256 *digest, char text[SHA256_TEXT]) {
    Sha256 d = *digest;
    unsigned char closing[72] = {0x80};
    const size_t zeros = (119 - d.n % 64) % 64;
    for (int i = 0; i < 8; i++) { closing[1 + zeros + (size_t)i] = (unsigned char)(digest->n * 8 >> (56 - 8 * i)); }
    sha256_add(&d, closing, 1 + zeros + 8);
    for (size_t i = 0; i < 8; i++) { snprintf(text + 8 * i, 9, "%08x", d.state[i]); }
}

static bool is_moment(const Tensor *tensor) {
    return strncmp(tensor->name, "m.", 2) == 0 || strncmp(tensor->name, "v.", 2) == 0;
}

void sha256_add_array(Sha256 *digest, const Tensor *array) {
    tensor_swap(array);
    sha256_add(digest, array->data, tensor_bytes(array));
    tensor_swap(array);
}

static void add_arrays(Sha256 *digest, const Tensor *sorted, size_t n, bool moments) {
    for (size_t i = 0; i < n; i++) {
        if (is_moment(sorted + i) == moments) {
            sha256_add_array(digest, sorted + i);
        }
    }
}

void digests_of_arrays(Tensor *tensors, size_t n, char hash[SHA256_TEXT]) {
    Sha256 digest = sha256_init();
    tensors_sort(tensors, n);
    for (size_t i = 0; i < n; i++) { sha256_add_array(&digest, tensors + i); }
    sha256_text(&digest, hash);
}

void digests_of(Metadata *metadata, size_t n_metadata, Tensor *tensors, size_t n_tensors, char first[SHA256_TEXT],
                char second[SHA256_TEXT]) {
    Sha256 digest = sha256_init(), all = sha256_init();
    tensors_sort(tensors, n_tensors);
    add_arrays(&digest, tensors, n_tensors, false);
    sha256_text(&digest, first);
    metadata_sort(metadata, n_metadata);
    for (size_t i = 0; i < n_metadata; i++) {
        if (strcmp(metadata[i].key, HASH) != 0) {
            const char *value = strcmp(metadata[i].key, PARAMETERS_HASH) == 0 ? first : metadata[i].value;
            sha256_add(&all, metadata[i].key, strlen(metadata[i].key) + 1);
            sha256_add(&all, value, strlen(value) + 1);
        }
    }
    add_arrays(&all, tensors, n_tensors, true);
    sha256_text(&all, second);
}

static void check(const TensorFile *file, const char *key, const char *hash, const char *what) {
    const char *noted = tensors_metadata(file, key);
    if (noted == NULL || strcmp(noted, hash) != 0) {
        fail(COULD_NOT_BE_DONE,
             "%s is not a whole checkpoint: its %s are not those that were saved (%s is %.12s...); %s", file->path,
             what, key, hash, file->remedy);
    }
}

void digests_check(TensorFile *file) {
    char first[SHA256_TEXT], second[SHA256_TEXT];
    digests_of(file->metadata, file->n_metadata, file->tensors, file->n_tensors, first, second);
    check(file, PARAMETERS_HASH, first, "parameters");
    check(file, HASH, second, "metadata or moments");
}
