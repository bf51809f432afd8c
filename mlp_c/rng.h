// rng.h: xorshift64* (Vigna 2014, An experimental exploration of Marsaglia's xorshift generators, scrambled).
#ifndef NNZ_RNG_H
#define NNZ_RNG_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint64_t state;  // never 0: a fixed point
} RNG;

uint32_t rng_u32(RNG *rng);

// u, a multiple of 2^-24 in [0, 1)
double rng_uniform(RNG *rng);

// Box and Muller 1958: of two uniforms, two normals. An odd n drops the last one.
void rng_normals(RNG *rng, double *values, size_t n);

#endif
