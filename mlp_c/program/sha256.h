// sha256.h: SHA-256 (FIPS 180-4), for what a checkpoint says of itself.
#ifndef NNZ_SHA256_H
#define NNZ_SHA256_H

#include <stddef.h>
#include <stdint.h>

enum { SHA256_TEXT = 65 };  // 64 hexadecimal digits and a zero byte

typedef struct {
    uint32_t state[8];
    unsigned char block[64];
    uint64_t n;  // bytes so far
} Sha256;

Sha256 sha256_init(void);
void sha256_add(Sha256 *digest, const void *bytes, size_t n);
void sha256_text(const Sha256 *digest, char text[SHA256_TEXT]);

#endif
