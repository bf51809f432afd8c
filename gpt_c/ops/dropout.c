// dropout.c: leave out each number with probability p, and let those that are kept make up for it.
#include "ops.h"

// mask[i] = 1 / (1 - p) where (x[i] >> 11) / 2^53 >= p, else 0, x[i] = word i mod 4 of Philox4x64-10 with key (seed,
// site) and counter (step, i div 4, 0, 0)
// mask (...)  ->  mask (...)
void dropout_mask(real *mask, size_t n, double p, uint64_t seed, uint64_t site, uint64_t step) {
    for (size_t i = 0; i < n; i += 4) {
        uint64_t x[4] = {step, i / 4, 0, 0}, key[2] = {seed, site};
        for (int round = 0; round < 10; round++) {
            // the high and low half of two products of 64 by 64 bits, put together from those of 32 by 32
            const uint64_t factor[2] = {0xD2E7470EE14C6C93, 0xCA5A826395121157};
            uint64_t high[2], low[2];
            for (int j = 0; j < 2; j++) {
                const uint64_t a = factor[j] >> 32, b = factor[j] & 0xFFFFFFFF, c = x[2 * j] >> 32;
                const uint64_t d = x[2 * j] & 0xFFFFFFFF, middle = a * d + (b * d >> 32);
                high[j] = a * c + (middle >> 32) + (((middle & 0xFFFFFFFF) + b * c) >> 32);
                low[j] = factor[j] * x[2 * j];
            }
            x[0] = high[1] ^ x[1] ^ key[0], x[1] = low[1], x[2] = high[0] ^ x[3] ^ key[1], x[3] = low[0];
            key[0] += 0x9E3779B97F4A7C15, key[1] += 0xBB67AE8584CAA73B;
        }
        for (size_t j = 0; j < 4 && i + j < n; j++) {
            mask[i + j] = (double)(x[j] >> 11) * 0x1p-53 >= p ? (real)(1 / (1 - p)) : 0;
        }
    }
}

// y = x mask        x (...)  mask (...)  ->  y (...)
void dropout_forward(real *y, const real *x, const real *mask, size_t n) {
    for (size_t i = 0; i < n; i++) { y[i] = x[i] * mask[i]; }
}

// dx = dy mask        dy (...)  mask (...)  ->  dx (...)
void dropout_backward(real *dx, const real *dy, const real *mask, size_t n) {
    for (size_t i = 0; i < n; i++) { dx[i] += dy[i] * mask[i]; }
}
