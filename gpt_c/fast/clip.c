// clip.c: the length of all gradients together, and its cut.
#include "../ops/ops.h"
#include "../../mlp_c/fast/dispatch.h"
#include "../../mlp_c/fast/threads.h"

enum { CLIP_BLOCK = 8192, SUMS = 256 };  // numbers that one thread takes at a time; their sums are kept, to be added

typedef struct {
    double *sums;
    const real *g;
    size_t n;
} Squares;

DISPATCH
static void square_sum_part(const void *of, size_t block) {
    const Squares s = *(const Squares *)of;
    const size_t first = block * CLIP_BLOCK, last = first + min_size(CLIP_BLOCK, s.n - first);
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (size_t i = first; i < last; i++) { sum += (double)s.g[i] * (double)s.g[i]; }
    s.sums[block] = sum;
}

// total = sum of g^2, added up in float64        g (...)  ->  total
void square_sum(double *total, const real *g, size_t n) {
    double all = 0, sums[SUMS];
    for (size_t first = 0; first < n; first += SUMS * CLIP_BLOCK) {
        const size_t numbers = min_size(SUMS * CLIP_BLOCK, n - first), blocks = (numbers + CLIP_BLOCK - 1) / CLIP_BLOCK;
        in_parallel(square_sum_part, &(Squares){sums, g + first, numbers}, blocks, numbers);
        for (size_t i = 0; i < blocks; i++) { all += sums[i]; }
    }
    *total = all;
}

// g = scale g        g (...)  ->  g (...)
DISPATCH
void clip_step(real *g, size_t n, double scale) {
    const real by = (real)scale;
    for (size_t i = 0; i < n; i++) { g[i] *= by; }
}
