// sums.h: sums of which every one is the float nearest to the exact one: of a row, of the products of two rows.
#ifndef NNZ_SUMS_H
#define NNZ_SUMS_H

#include "../fast/dispatch.h"
#include "../ops/ops.h"
#include "exact.h"
#include "tally.h"

// A sum of n terms in double, each of them exact, with the sum of their sizes: off by at most (n-1) u size in any order
// (Higham 2002, section 3.1; 4 and the factor are for what the bound itself rounds). Tells whether that leaves one
// float to choose, which is then the nearest.
static inline bool is_certain(double sum, double size, size_t n, float *nearest) {
    const double error = ((double)n + 4) * 0x1p-53 * 1.000001 * size;
    const float low = (float)(sum - error), high = (float)(sum + error);
    *nearest = low + 0.0F;  // no sum is -0
    return low == high;
}

// The sum of a[i] b[i], or of a[i] if b is NULL
DISPATCH
static float nearest_dot(const float *a, const float *b, size_t n) {
    double sum = 0, size = 0;
#pragma omp simd reduction(+ : sum, size)
    for (size_t i = 0; i < n; i++) {
        const double term = b ? (double)a[i] * (double)b[i] : (double)a[i];
        sum += term, size += fabs(term);
    }
    float nearest;
    const bool certain = is_certain(sum, size, n, &nearest);
    tally_add(1, !certain);
    if (certain) {
        return nearest;
    }
    Exact exact = {0};
    for (size_t i = 0; i < n; i++) { exact_add(&exact, b ? (double)a[i] * (double)b[i] : (double)a[i]); }
    return exact_nearest(&exact);
}

#endif
