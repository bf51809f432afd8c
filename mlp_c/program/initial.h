// initial.h: the initial weights, as common/initial.py draws them. In `real`.
#include <math.h>
#include <stdlib.h>

#include "../real.h"
#include "failure.h"
#include "rng.h"

static real *fill_uniform(real *p, size_t n, size_t fan_in, RNG *rng) {
    const double bound = 1 / sqrt((double)fan_in);
    for (size_t i = 0; i < n; i++) { p[i] = (real)(rng_uniform(rng) * (bound - -bound) + -bound); }
    return p + n;
}

// wte from N(0, 1), then fc1 and fc2, weight before bias, from U(-+1/sqrt(fan in)); drawn in double, then rounded.
static void draw_parameters(real *parameters, size_t V, size_t T, size_t E, size_t H, uint64_t seed) {
    RNG rng = {seed};
    const size_t n_wte = V * E, N = T * E;
    double *normals = allocate(n_wte, sizeof *normals);
    rng_normals(&rng, normals, n_wte);
    for (size_t i = 0; i < n_wte; i++) { parameters[i] = (real)normals[i]; }
    free(normals);
    real *p = fill_uniform(parameters + n_wte, H * N, N, &rng);
    p = fill_uniform(p, H, N, &rng);
    p = fill_uniform(p, V * H, H, &rng);
    fill_uniform(p, V, H, &rng);
}
