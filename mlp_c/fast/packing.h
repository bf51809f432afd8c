// packing.h: the copies that matmul.h makes of its factors, so that its innermost loop reads both in order.
#ifndef NNZ_PACKING_H
#define NNZ_PACKING_H

#include "../ops/ops.h"
#include "threads.h"

#if defined(__wasm__)  // sixteen registers, as AVX2 has, but of 16 bytes
enum { ROWS = 4, FEW_ROWS = 2, COLS = 32 / sizeof(real) };
#else
enum { ROWS = 6, FEW_ROWS = 4, COLS = 64 / sizeof(real) };
#endif

enum {
    MOST_PANELS = 2,  // side by side: AVX-512 has registers for as many sums
    DEPTH = 256,
    HEIGHT = 768,                        // of a block of rows; they are multiples of ROWS,
    PACKED_HEIGHT = 480 / sizeof(real),  // and for a block that is packed there is less room
};

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

// block = a (M,K), which lies column by column, in slivers of ROWS rows, each as (K,ROWS); in the last one there may be
// fewer. A few columns at a time, for which the first cache has room however far apart they lie.
static inline void pack_block(real *restrict block, const real *restrict a, size_t a_col, size_t M, size_t K) {
    const size_t full = M / ROWS * ROWS;
    for (size_t first = 0; first < K; first += 8) {
        const size_t last = first + min_size(8, K - first);
        for (size_t i = 0; i < full; i += ROWS) {
            for (size_t k = first; k < last; k++) {
                for (size_t r = 0; r < ROWS; r++) { block[i * K + k * ROWS + r] = a[i + r + k * a_col]; }
            }
        }
    }
    for (size_t i = full; i < M; i++) {
        for (size_t k = 0; k < K; k++) { block[full * K + k * ROWS + i - full] = a[i + k * a_col]; }
    }
}

#endif
