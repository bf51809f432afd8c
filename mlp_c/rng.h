// rng.h: xorshift64* (Vigna 2014, An experimental exploration of Marsaglia's xorshift generators, scrambled).
#ifndef NNZ_RNG_H
#define NNZ_RNG_H

#include "ops/ops.h"

typedef struct {
    uint64_t state;  // never 0: a fixed point
} RNG;

// A multiple of 2^-24 in [0, 1), from the upper 24 bits of the next output.
static inline double rng_uniform(RNG *rng) {
    rng->state ^= rng->state >> 12;
    rng->state ^= rng->state << 25;
    rng->state ^= rng->state >> 27;
    return (double)((rng->state * 0x2545F4914F6CDD1DULL) >> 40) / 16777216.0;
}

// Numbers from U(-bound, bound), drawn in double, then rounded.
static inline void rng_uniforms(RNG *rng, real *values, size_t n, double bound) {
    for (size_t i = 0; i < n; i++) { values[i] = (real)(rng_uniform(rng) * (bound - -bound) + -bound); }
}

// Numbers from N(0, 1): of two uniforms, two normals (Box and Muller 1958). An odd n drops the last one.
static inline void rng_normals(RNG *rng, real *values, size_t n) {
    const double two_pi = 6.28318530717958647692;
    for (size_t i = 0; i < n; i += 2) {
        const double u1 = rng_uniform(rng), u2 = rng_uniform(rng);
        const double radius = sqrt(-2 * log(u1 > 0 ? u1 : 0x1p-25));  // log(0) is not a number
        values[i] = (real)(radius * cos(two_pi * u2));
        if (i + 1 < n) {
            values[i + 1] = (real)(radius * sin(two_pi * u2));
        }
    }
}

#endif
