// matmul.c: the one matrix product behind the linear op's three uses (y = x w^T, dx = dy w, dw = dy^T x).
//
// A tile of ROWS x COLS results stays in registers, twelve of the sixteen that AVX2 has, while k runs over DEPTH: each
// step reads COLS numbers of b and ROWS of a and does ROWS * COLS multiply-adds. b is first copied ("packed") into
// panels COLS wide, so that the innermost loop reads it in order whatever its strides, and so that a ragged last panel
// is padded with zeros. Each thread has panels of its own: a result is always summed by one thread in one order, so
// their number changes no bit.
// (Goto and van de Geijn 2008, Anatomy of High-Performance Matrix Multiplication.)
#include "matmul.h"

#include "threads.h"

enum { ROWS = 6, COLS = 64 / sizeof(real), HEIGHT = 192, DEPTH = 256 };

static inline void pack(real *restrict panel, const real *restrict b, size_t b_row, size_t b_col, size_t K) {
    for (size_t k = 0; k < K; k++) {
        for (size_t j = 0; j < COLS; j++) { panel[k * COLS + j] = b[k * b_row + j * b_col]; }
    }
}

// panel (K,COLS) = the first J columns of b, and zeros. Told which stride is 1, the compiler copies or transposes
// several numbers at once.
static inline void pack_panel(real *restrict panel, const real *restrict b, size_t b_row, size_t b_col, size_t J,
                              size_t K) {
    if (J == COLS && b_col == 1) {
        pack(panel, b, b_row, 1, K);
        return;
    }
    if (J == COLS && b_row == 1) {
        pack(panel, b, 1, b_col, K);
        return;
    }
    for (size_t k = 0; k < K; k++) {
        for (size_t j = 0; j < COLS; j++) { panel[k * COLS + j] = j < J ? b[k * b_row + j * b_col] : 0; }
    }
}

// c (ROWS,COLS) += rows (ROWS,K) panel (K,COLS)        The sums begin with the first product: GCC clears an array by an
// instruction that takes as long as ten of them.
static inline void tile(real *restrict c, size_t c_row, const real *const rows[ROWS], size_t a_col,
                        const real *restrict panel, size_t K) {
    real sum[ROWS][COLS];
    for (size_t i = 0; i < ROWS; i++) {
#pragma omp simd
        for (size_t j = 0; j < COLS; j++) { sum[i][j] = rows[i][0] * panel[j]; }
    }
    for (size_t k = 1; k < K; k++) {
        for (size_t i = 0; i < ROWS; i++) {
#pragma omp simd
            for (size_t j = 0; j < COLS; j++) { sum[i][j] += rows[i][k * a_col] * panel[k * COLS + j]; }
        }
    }
    for (size_t i = 0; i < ROWS; i++) {
#pragma omp simd
        for (size_t j = 0; j < COLS; j++) { c[i * c_row + j] += sum[i][j]; }
    }
}

// The first `cols` columns of c (I,J) += a (I,K) panel (K,COLS)
static inline void multiply_panel(real *c, const real *a, size_t a_row, size_t a_col, const real *panel, size_t I,
                                  size_t J, size_t K, size_t cols) {
    for (size_t i = 0; i < I; i += ROWS) {
        const size_t n = smaller(ROWS, I - i);
        const real *rows[ROWS];  // past the last row the last one again: computed, and not stored
        for (size_t r = 0; r < ROWS; r++) { rows[r] = a + (i + smaller(r, n - 1)) * a_row; }
        if (n == ROWS && cols == COLS) {
            tile(c + i * J, J, rows, a_col, panel, K);
            continue;
        }
        real edge[ROWS * COLS] = {0};  // a tile that reaches past c
        tile(edge, COLS, rows, a_col, panel, K);
        for (size_t r = 0; r < n; r++) {
            for (size_t s = 0; s < cols; s++) { c[(i + r) * J + s] += edge[r * COLS + s]; }
        }
    }
}

// The columns first .. last - 1 of c. A block of a, HEIGHT x DEPTH, stays in the second cache while b goes by.
DISPATCH
static void multiply_columns(real *c, const real *a, size_t a_row, size_t a_col, const real *b, size_t b_row,
                             size_t b_col, size_t I, size_t J, size_t K, size_t first, size_t last) {
    _Alignas(64) real panel[DEPTH * COLS];
    for (size_t i = 0; i < I; i += HEIGHT) {
        const size_t height = smaller(HEIGHT, I - i);
        for (size_t k = 0; k < K; k += DEPTH) {
            const size_t depth = smaller(DEPTH, K - k);
            for (size_t j = first; j < last; j += COLS) {
                const size_t cols = smaller(COLS, last - j);
                pack_panel(panel, b + k * b_row + j * b_col, b_row, b_col, cols, depth);
                multiply_panel(c + i * J + j, a + i * a_row + k * a_col, a_row, a_col, panel, height, J, depth, cols);
            }
        }
    }
}

// For a row or two packing does not pay: each result is one dot product, of vectors that lie in order.
DISPATCH
static void multiply_few_rows(real *c, const real *a, size_t a_row, const real *b, size_t b_col, size_t I, size_t J,
                              size_t K) {
    for (size_t i = 0; i < I; i++) {
        for (size_t j = 0; j < J; j++) {
            real sum = 0;
#pragma omp simd reduction(+ : sum)
            for (size_t k = 0; k < K; k++) { sum += a[i * a_row + k] * b[k + j * b_col]; }
            c[i * J + j] += sum;
        }
    }
}

void matmul_add(real *c, const real *a, size_t a_row, size_t a_col, const real *b, size_t b_row, size_t b_col, size_t I,
                size_t J, size_t K) {
    if (I <= 2 && a_col == 1 && b_row == 1) {
        multiply_few_rows(c, a, a_row, b, b_col, I, J, K);
        return;
    }
    const size_t panels = (J + COLS - 1) / COLS, threads = (size_t)threads_for(I * J * K);
    const size_t share = (panels + threads - 1) / threads * COLS;
#pragma omp parallel for schedule(static) num_threads((int)threads)
    for (size_t j = 0; j < J; j += share) {
        multiply_columns(c, a, a_row, a_col, b, b_row, b_col, I, J, K, j, smaller(j + share, J));
    }
}

void matmul_add_plain(real *c, const real *a, size_t a_row, size_t a_col, const real *b, size_t b_row, size_t b_col,
                      size_t I, size_t J, size_t K) {
    for (size_t i = 0; i < I; i++) {
        for (size_t j = 0; j < J; j++) {
            real sum = 0;
            for (size_t k = 0; k < K; k++) { sum += a[i * a_row + k * a_col] * b[k * b_row + j * b_col]; }
            c[i * J + j] += sum;
        }
    }
}
