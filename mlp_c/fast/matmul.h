// matmul.h: the one matrix product behind the linear op's three uses (y = x w^T, dx = dy w, dw = dy^T x).
//
// A tile of ROWS x COLS results stays in registers, twelve of the sixteen that AVX2 has, while k runs over up to DEPTH:
// each step reads COLS numbers of b and ROWS of a and does ROWS * COLS multiply-adds. b is first copied ("packed") into
// panels COLS wide, so that the innermost loop reads it in order whatever its strides, and so that a ragged last panel
// is padded with zeros. Where AVX-512 has more registers, a tile spans two panels. Of a, which is read less, only what
// lies column by column is packed. Each thread has copies of its own: a result is always summed by one thread in one
// order, so their number changes no bit.
// (Goto and van de Geijn 2008, Anatomy of High-Performance Matrix Multiplication.)
#ifndef NNZ_MATMUL_H
#define NNZ_MATMUL_H

#include "../ops/ops.h"
#include "dispatch.h"
#include "packing.h"
#include "threads.h"

// c = start + rows [panel, ...]        start, c (height,panels*COLS)  rows (height,K)  each panel (K,COLS)
// start may be c; k runs in a loop that ends after its first round at the earliest: else GCC would store the sums
// before it and load them after it, in case it is not run. What is not inlined is compiled for the baseline alone.
ALWAYS_INLINE void tile(real *c, size_t c_row, const real *start, size_t start_row, const real *const rows[ROWS],
                        size_t a_col, const real *restrict panel, size_t panels, size_t K, size_t height) {
    real sum[ROWS][MOST_PANELS][COLS];
    for (size_t i = 0; i < height; i++) {
        for (size_t p = 0; p < panels; p++) {
            // The end of the row, to have come when the sums are done: the panel before this one had the beginning.
            __builtin_prefetch(c + i * c_row + p * COLS + COLS - 1, 1);
#pragma omp simd
            for (size_t j = 0; j < COLS; j++) { sum[i][p][j] = 0; }
        }
    }
    size_t k = 0;
    do {
        for (size_t i = 0; i < height; i++) {
            for (size_t p = 0; p < panels; p++) {
#pragma omp simd
                for (size_t j = 0; j < COLS; j++) {
                    sum[i][p][j] += rows[i][k * a_col] * panel[(p * K + k) * COLS + j];
                }
            }
        }
    } while (++k < K);
    for (size_t i = 0; i < height; i++) {
        for (size_t p = 0; p < panels; p++) {
#pragma omp simd
            for (size_t j = 0; j < COLS; j++) {
                c[i * c_row + p * COLS + j] = start[i * start_row + p * COLS + j] + sum[i][p][j];
            }
        }
    }
}

// A tile that reaches past c: of n rows and `cols` columns. Past the last row of a the last one is taken again.
ALWAYS_INLINE void tile_at_edge(real *c, size_t c_row, const real *start, size_t start_row, const real *rows[ROWS],
                                size_t a_col, const real *restrict panel, size_t panels, size_t K, size_t n,
                                size_t cols) {
    static const real zeros[MOST_PANELS * COLS];
    real edge[ROWS * MOST_PANELS * COLS];
    const size_t width = panels * COLS;
    for (size_t r = n; r < ROWS; r++) { rows[r] = rows[n - 1]; }
    if (n <= FEW_ROWS) {
        tile(edge, width, zeros, 0, rows, a_col, panel, panels, K, FEW_ROWS);
    } else {
        tile(edge, width, zeros, 0, rows, a_col, panel, panels, K, ROWS);
    }
    for (size_t r = 0; r < n; r++) {
        for (size_t s = 0; s < cols; s++) { c[r * c_row + s] = start[r * start_row + s] + edge[r * width + s]; }
    }
}

// The first `cols` columns of c = start + a (M,K) [panel, ...], the slivers of a `step` numbers apart
ALWAYS_INLINE void multiply_panels(real *c, size_t c_row, const real *start, size_t start_row, const real *a,
                                   size_t step, size_t a_row, size_t a_col, const real *panel, size_t panels, size_t M,
                                   size_t K, size_t cols) {
    for (size_t i = 0; i < M; i += ROWS, a += step) {
        const size_t n = min_size(ROWS, M - i);
        const real *rows[ROWS];
        for (size_t r = 0; r < ROWS; r++) { rows[r] = a + r * a_row; }
        if (n == ROWS && cols == panels * COLS) {
            tile(c + i * c_row, c_row, start + i * start_row, start_row, rows, a_col, panel, panels, K, ROWS);
        } else {
            tile_at_edge(c + i * c_row, c_row, start + i * start_row, start_row, rows, a_col, panel, panels, K, n,
                         cols);
        }
    }
}

// 152 KB for each thread: build/mlp has them outside its stack, which `ulimit -s` may make small. In a library that
// would cost a step of float64 a tenth.
#ifndef NNZ_PROGRAM
#define PLACE
#else
#define PLACE static _Thread_local
#endif

// A thread's part of c = start + a b. The rows of c lie c_row apart, those of start start_row, which is 0 if all are
// the same; NULL is zeros, and where it is c the product is added to it. A block of a stays in the cache while b goes
// by: as it is, unless it lies column by column, so that a_row is 1.
DISPATCH
static void multiply(real *c, size_t c_row, const real *start, size_t start_row, const real *a, size_t a_row,
                     size_t a_col, const real *b, size_t b_row, size_t b_col, size_t M, size_t N, size_t K) {
    static const real zeros[MOST_PANELS * COLS];
    PLACE _Alignas(64) real panel[MOST_PANELS * DEPTH * COLS], block[PACKED_HEIGHT * DEPTH];
    const bool packed = a_col != 1;
    const size_t width = (HAS_AVX512 ? MOST_PANELS : 1) * COLS;
    // At most DEPTH, and no short round at the end. (Of one round nothing is divided: it takes as long as a small
    // tile.)
    const size_t rounds = K / DEPTH + 1, even = rounds > 1 ? K / rounds + 1 : K;
    // Equally high: b is packed again for each.
    const size_t slivers = (M + ROWS - 1) / ROWS, blocks = 1 + (packed ? (M - 1) / PACKED_HEIGHT : (M - 1) / HEIGHT);
    const size_t most = (blocks > 1 ? 1 + (slivers - 1) / blocks : slivers) * ROWS;
    for (size_t k = 0; k < K; k += even) {
        const size_t depth = min_size(even, K - k);
        for (size_t i = 0; i < M; i += most) {
            const size_t height = min_size(most, M - i);
            const real *rows = a + i * a_row + k * a_col;
            if (packed) {
                pack_block(block, rows, a_col, height, depth);
            }
            for (size_t j = 0; j < N; j += width) {
                const size_t cols = min_size(width, N - j);
                real *corner = c + i * c_row + j;
                const real *from = k > 0 ? corner : start ? start + i * start_row + j : zeros;  // later rounds add to c
                const size_t from_row = k > 0 ? c_row : start ? start_row : 0;
                for (size_t p = 0; p < cols; p += COLS) {
                    pack_panel(panel + p * depth, b + k * b_row + (j + p) * b_col, b_row, b_col,
                               min_size(COLS, cols - p), depth);
                }
                if (packed && cols > COLS) {
                    multiply_panels(corner, c_row, from, from_row, block, ROWS * depth, 1, ROWS, panel, 2, height,
                                    depth, cols);
                } else if (packed) {
                    multiply_panels(corner, c_row, from, from_row, block, ROWS * depth, 1, ROWS, panel, 1, height,
                                    depth, cols);
                } else if (cols > COLS) {
                    multiply_panels(corner, c_row, from, from_row, rows, ROWS * a_row, a_row, 1, panel, 2, height,
                                    depth, cols);
                } else {
                    multiply_panels(corner, c_row, from, from_row, rows, ROWS * a_row, a_row, 1, panel, 1, height,
                                    depth, cols);
                }
            }
        }
    }
}

// c[j] = start[j] + a . column j of b, for n columns, at most 2        a (K,)  b (K,n), column by column, b_col apart
// Sums of COLS numbers side by side are halved until few are left.
ALWAYS_INLINE void dot_products(real *c, const real *start, const real *restrict a, const real *restrict b,
                                size_t b_col, size_t K, size_t n) {
    _Alignas(64) real sum[2][COLS], half[2][COLS / 2];
    const size_t full = K / COLS * COLS;
    for (size_t j = 0; j < n; j++) {
#pragma omp simd
        for (size_t i = 0; i < COLS; i++) { sum[j][i] = 0; }
    }
    for (size_t k = 0; k < full; k += COLS) {
        for (size_t j = 0; j < n; j++) {
#pragma omp simd
            for (size_t i = 0; i < COLS; i++) { sum[j][i] += a[k + i] * b[j * b_col + k + i]; }
        }
    }
    for (size_t j = 0; j < n; j++) {
        for (size_t k = full; k < K; k++) { sum[j][k - full] += a[k] * b[j * b_col + k]; }
    }
    for (size_t j = 0; j < n; j++) {
#pragma omp simd
        for (size_t i = 0; i < COLS / 2; i++) { half[j][i] = sum[j][i] + sum[j][COLS / 2 + i]; }
    }
    for (size_t j = 0; j < n; j++) {
#pragma omp simd
        for (size_t i = 0; i < COLS / 4; i++) { half[j][i] += half[j][COLS / 4 + i]; }
    }
    for (size_t j = 0; j < n; j++) {
        for (size_t i = COLS / 4; i-- > 1;) { half[j][0] += half[j][i]; }
        c[j] = start[j] + half[j][0];
    }
}

// For a row or two packing does not pay: each result is one dot product, of vectors that lie in order.
DISPATCH
static void multiply_few_rows(real *c, const real *start, size_t start_row, const real *a, size_t a_row, const real *b,
                              size_t b_col, size_t M, size_t N, size_t K) {
    static const real zeros[2];
    for (size_t i = 0; i < M; i++, c += N, a += a_row) {
        for (size_t j = 0; j < N; j += 2) {
            const real *from = start ? start + i * start_row + j : zeros;
            if (j + 1 < N) {
                dot_products(c + j, from, a, b + j * b_col, b_col, K, 2);
            } else {
                dot_products(c + j, from, a, b + j * b_col, b_col, K, 1);
            }
        }
    }
}

typedef struct {
    real *c;
    const real *start, *a, *b;
    size_t start_row, a_row, a_col, b_row, b_col, M, N, K;
    size_t width, left;  // columns of a thread's whole panels, and of all threads'
    size_t height;       // rows of the panels left over
} Product;

static void product_part(const void *of, size_t t) {
    const Product p = *(const Product *)of;
    const size_t j = min_size(t * p.width, p.left), i = min_size(t * p.height, p.M);
    if (j < p.left) {
        multiply(p.c + j, p.N, p.start ? p.start + j : NULL, p.start_row, p.a, p.a_row, p.a_col, p.b + j * p.b_col,
                 p.b_row, p.b_col, p.M, min_size(p.width, p.left - j), p.K);
    }
    if (p.left < p.N && i < p.M) {
        const real *start = p.start ? p.start + i * p.start_row + p.left : NULL;
        multiply(p.c + i * p.N + p.left, p.N, start, p.start_row, p.a + i * p.a_row, p.a_row, p.a_col,
                 p.b + p.left * p.b_col, p.b_row, p.b_col, min_size(p.height, p.M - i), p.N - p.left, p.K);
    }
}

// c = start + a b        a (M,K)  b (K,N)  ->  c (M,N)
// Element (i, k) of a is a[i * a_row + k * a_col], element (k, j) of b is b[k * b_row + j * b_col]: a transposed matrix
// is the same memory with its strides exchanged. c is contiguous, row by row; start is as in multiply.
static inline void matmul(real *c, const real *start, size_t start_row, const real *a, size_t a_row, size_t a_col,
                          const real *b, size_t b_row, size_t b_col, size_t M, size_t N, size_t K) {
    if (M <= 2 && a_col == 1 && b_row == 1) {
        multiply_few_rows(c, start, start_row, a, a_row, b, b_col, M, N, K);
        return;
    }
    // Each thread takes as many whole panels as the others, and then its share of the rows of those that are left over.
    // Where there are too few rows for that some take a panel more; where c is higher than wide, all is shared by rows.
    const size_t threads = threads_for(M * N * K);
    if (threads == 1) {
        multiply(c, N, start, start_row, a, a_row, a_col, b, b_row, b_col, M, N, K);
        return;
    }
    const size_t panels = (N + COLS - 1) / COLS, slivers = (M + ROWS - 1) / ROWS,
                 most = (slivers + threads - 1) / threads;
    const size_t each = panels / threads + (most * (panels % threads) > slivers), width = M > N ? 0 : each * COLS;
    const size_t left = min_size(threads * width, N), height = most * ROWS;
    const Product product = {c, start, a, b, start_row, a_row, a_col, b_row, b_col, M, N, K, width, left, height};
    in_parallel(product_part, &product, threads, M * N * K);
}

// c += a b
static inline void matmul_add(real *c, const real *a, size_t a_row, size_t a_col, const real *b, size_t b_row,
                              size_t b_col, size_t M, size_t N, size_t K) {
    matmul(c, c, N, a, a_row, a_col, b, b_row, b_col, M, N, K);
}

#endif
