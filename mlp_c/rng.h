// rng.h: xorshift64* (Vigna 2014, An experimental exploration of Marsaglia's xorshift generators, scrambled).
#ifndef NNZ_RNG_H
#define NNZ_RNG_H

#include "ops/ops.h"

typedef struct {
    uint64_t state;  // never 0: a fixed point
} RNG;

// The upper 32 bits of the next output; and of them the upper 24 as a multiple of 2^-24 in [0, 1)
static inline uint32_t rng_u32(RNG *rng) {
    rng->state ^= rng->state >> 12;
    rng->state ^= rng->state << 25;
    rng->state ^= rng->state >> 27;
    return (uint32_t)((rng->state * 0x2545F4914F6CDD1DULL) >> 32);
}
static inline double rng_uniform(RNG *rng) { return (double)(rng_u32(rng) >> 8) / 16777216.0; }

// Numbers from U(-bound, bound), drawn in double, then rounded; volatile, so that no multiply-add rounds only once.
static inline void rng_uniforms(RNG *rng, real *values, size_t n, double bound) {
    volatile double scaled;
    for (size_t i = 0; i < n; i++) { scaled = rng_uniform(rng) * (2 * bound), values[i] = (real)(scaled - bound); }
}

// Numbers from N(0, scale^2): of two uniforms, two normals (Box and Muller 1958). An odd n drops the last one.
static inline void rng_normals(RNG *rng, real *values, size_t n, double scale) {
    for (size_t i = 0; i < n; i += 2) {
        const double u1 = rng_uniform(rng), angle = 6.28318530717958647692 * rng_uniform(rng);
        const double radius = sqrt(-2 * log(u1 > 0 ? u1 : 0x1p-25));  // log(0) is not a number
        values[i] = (real)(scale * (radius * cos(angle)));
        if (i + 1 < n) {
            values[i + 1] = (real)(scale * (radius * sin(angle)));
        }
    }
}
#endif
