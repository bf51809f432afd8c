#include "rng.h"

#include <math.h>

uint32_t rng_u32(RNG *rng) {
    rng->state ^= rng->state >> 12;
    rng->state ^= rng->state << 25;
    rng->state ^= rng->state >> 27;
    return (uint32_t)((rng->state * 0x2545F4914F6CDD1DULL) >> 32);
}

double rng_uniform(RNG *rng) { return (rng_u32(rng) >> 8) / 16777216.0; }

void rng_normals(RNG *rng, double *values, size_t n) {
    const double two_pi = 6.28318530717958647692;
    for (size_t i = 0; i < n; i += 2) {
        double u1 = rng_uniform(rng), u2 = rng_uniform(rng);
        double radius = sqrt(-2 * log(u1 > 0 ? u1 : 0x1p-25));  // the logarithm of 0 is none
        values[i] = radius * cos(two_pi * u2);
        if (i + 1 < n) {
            values[i + 1] = radius * sin(two_pi * u2);
        }
    }
}
