// clip.c: the length of all gradients together, and its cut. The sum is exact, and then rounds once, to a float64.
#include "../ops/ops.h"
#include "../../mlp_c/fast/threads.h"
#include "../../mlp_c/strict/exact.h"

enum { CLIP_BLOCK = 8192, SUMS = 64 };  // numbers that one thread takes at a time; their sums are kept, to be added

typedef struct {
    Exact *sums;
    const real *g;
    size_t n;
} Squares;

static void square_sum_part(const void *of, size_t block) {
    const Squares s = *(const Squares *)of;
    const size_t first = block * CLIP_BLOCK, last = first + min_size(CLIP_BLOCK, s.n - first);
    Exact sum = {0};
    for (size_t i = first; i < last; i++) { exact_add(&sum, (double)s.g[i] * (double)s.g[i]); }
    s.sums[block] = sum;
}

// total = sum of g^2, added up in float64        g (...)  ->  total
void square_sum(double *total, const real *g, size_t n) {
    Exact all = {0}, sums[SUMS];
    for (size_t first = 0; first < n; first += SUMS * CLIP_BLOCK) {
        const size_t numbers = min_size(SUMS * CLIP_BLOCK, n - first), blocks = (numbers + CLIP_BLOCK - 1) / CLIP_BLOCK;
        in_parallel(square_sum_part, &(Squares){sums, g + first, numbers}, blocks, 8 * numbers);
        for (size_t i = 0; i < blocks; i++) { exact_add_all(&all, sums + i); }
    }
    *total = exact_nearest_double(&all);
}

// g = scale g        g (...)  ->  g (...)
void clip_step(real *g, size_t n, double scale) {
    for (size_t i = 0; i < n; i++) { g[i] *= (real)scale; }
}
