// dropout.c: leave out each number with probability p, and let those that are kept make up for it.
#include "../ops/ops.h"
#include "../../mlp_c/fast/dispatch.h"
#include "../../mlp_c/fast/threads.h"

enum { MASK_BLOCK = 4096, DROPOUT_BLOCK = 8192 };  // numbers that one thread takes at a time

typedef struct {
    real *mask;
    size_t n;
    uint64_t seed, site, step, least;  // a number is kept where its 53 bits are at least so many
    real scale;
} Mask;

// The high and the low half of a product of 64 by 64 bits
static inline uint64_t wide_product(uint64_t *high, uint64_t a, uint64_t b) {
#ifdef __SIZEOF_INT128__
    __extension__ const unsigned __int128 product = (unsigned __int128)a * b;
    *high = (uint64_t)(product >> 64);
#else
    const uint64_t low = 0xFFFFFFFF, middle = (a >> 32) * (b & low) + ((a & low) * (b & low) >> 32);
    *high = (a >> 32) * (b >> 32) + (middle >> 32) + (((middle & low) + (a & low) * (b >> 32)) >> 32);
#endif
    return a * b;
}

static void mask_part(const void *of, size_t block) {
    const Mask m = *(const Mask *)of;
    const size_t first = block * MASK_BLOCK, last = first + min_size(MASK_BLOCK, m.n - first);
    for (size_t i = first; i < last; i += 4) {
        uint64_t x[4] = {m.step, i / 4, 0, 0}, key0 = m.seed, key1 = m.site;
        for (int round = 0; round < 10; round++) {
            uint64_t high0, high1;
            const uint64_t low0 = wide_product(&high0, 0xD2E7470EE14C6C93, x[0]);
            const uint64_t low1 = wide_product(&high1, 0xCA5A826395121157, x[2]);
            x[0] = high1 ^ x[1] ^ key0, x[1] = low1, x[2] = high0 ^ x[3] ^ key1, x[3] = low0;
            key0 += 0x9E3779B97F4A7C15, key1 += 0xBB67AE8584CAA73B;
        }
        for (size_t j = 0; j < 4 && i + j < last; j++) { m.mask[i + j] = (x[j] >> 11) >= m.least ? m.scale : 0; }
    }
}

// mask[i] = 1 / (1 - p) where (x[i] >> 11) / 2^53 >= p, else 0, x[i] = word i mod 4 of Philox4x64-10 with key (seed,
// site) and counter (step, i div 4, 0, 0)
// mask (...)  ->  mask (...)
void dropout_mask(real *mask, size_t n, double p, uint64_t seed, uint64_t site, uint64_t step) {
    const uint64_t least = (uint64_t)ceil(p * 0x1p53);  // exact: p times a power of two
    const Mask m = {mask, n, seed, site, step, least, (real)(1 / (1 - p))};
    in_parallel(mask_part, &m, (n + MASK_BLOCK - 1) / MASK_BLOCK, 32 * n);
}

typedef struct {
    real *to;
    const real *from, *mask;
    size_t n;
} Dropout;

DISPATCH
static void dropout_forward_part(const void *of, size_t block) {
    const Dropout f = *(const Dropout *)of;
    const size_t first = block * DROPOUT_BLOCK, last = first + min_size(DROPOUT_BLOCK, f.n - first);
    for (size_t i = first; i < last; i++) { f.to[i] = f.from[i] * f.mask[i]; }  // y may be x
}

// y = x mask        x (...)  mask (...)  ->  y (...)
void dropout_forward(real *y, const real *x, const real *mask, size_t n) {
    in_parallel(dropout_forward_part, &(Dropout){y, x, mask, n}, (n + DROPOUT_BLOCK - 1) / DROPOUT_BLOCK, n);
}

DISPATCH
static void dropout_backward_part(const void *of, size_t block) {
    const Dropout b = *(const Dropout *)of;
    const size_t first = block * DROPOUT_BLOCK, last = first + min_size(DROPOUT_BLOCK, b.n - first);
    for (size_t i = first; i < last; i++) { b.to[i] += b.from[i] * b.mask[i]; }
}

// dx = dy mask        dy (...)  mask (...)  ->  dx (...)
void dropout_backward(real *dx, const real *dy, const real *mask, size_t n) {
    in_parallel(dropout_backward_part, &(Dropout){dx, dy, mask, n}, (n + DROPOUT_BLOCK - 1) / DROPOUT_BLOCK, n);
}
