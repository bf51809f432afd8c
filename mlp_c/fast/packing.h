// packing.h: the copies that matmul.h makes of its factors, so that its innermost loop reads both in order.
#ifndef NNZ_PACKING_H
#define NNZ_PACKING_H

#include "../ops/ops.h"
#include "threads.h"

enum { ROWS = 6, FEW_ROWS = 4, COLS = 64 / sizeof(real), HEIGHT = 192, DEPTH = 320, BLOCK = 131072 / sizeof(real) };

static inline void pack(real *restrict panel, const real *restrict b, size_t b_row, size_t b_col, size_t K) {
    for (size_t k = 0; k < K; k++) {
        for (size_t j = 0; j < COLS; j++) { panel[k * COLS + j] = b[k * b_row + j * b_col]; }
    }
}

// panel (K,COLS) = the first N columns of b, and zeros. Told which stride is 1, the compiler copies or transposes
// several numbers at once.
static inline void pack_panel(real *restrict panel, const real *restrict b, size_t b_row, size_t b_col, size_t N,
                              size_t K) {
    if (N == COLS && b_col == 1) {
        pack(panel, b, b_row, 1, K);
        return;
    }
    if (N == COLS && b_row == 1) {
        pack(panel, b, 1, b_col, K);
        return;
    }
    for (size_t k = 0; k < K; k++) {
        for (size_t j = 0; j < COLS; j++) { panel[k * COLS + j] = j < N ? b[k * b_row + j * b_col] : 0; }
    }
}

// A few columns of a at a time, for which the first cache has room however they lie.
static inline void pack_slivers(real *restrict block, const real *restrict a, size_t a_row, size_t a_col, size_t M,
                                size_t K) {
    for (size_t first = 0; first < K; first += 8) {
        const size_t last = first + min_size(8, K - first);
        for (size_t i = 0; i < M; i += ROWS) {
            for (size_t k = first; k < last; k++) {
                for (size_t r = 0; r < ROWS; r++) { block[i * K + k * ROWS + r] = a[(i + r) * a_row + k * a_col]; }
            }
        }
    }
}

// block = a (M,K) in slivers of ROWS rows, each as (K,ROWS); in the last one there may be fewer
static inline void pack_block(real *restrict block, const real *restrict a, size_t a_row, size_t a_col, size_t M,
                              size_t K) {
    const size_t full = M / ROWS * ROWS;
    if (a_row == 1) {
        pack_slivers(block, a, 1, a_col, full, K);
    } else {
        pack_slivers(block, a, a_row, a_col, full, K);
    }
    for (size_t i = full; i < M; i++) {
        for (size_t k = 0; k < K; k++) { block[full * K + k * ROWS + i - full] = a[i * a_row + k * a_col]; }
    }
}

#endif
