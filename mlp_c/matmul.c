// matmul.c: the one matrix product behind the linear op's three uses (y = x w^T, dx = dy w, dw = dy^T x).
//
// A tile of ROWS x COLS results stays in registers while k runs over DEPTH: each step reads COLS numbers of b and ROWS
// of a and does ROWS * COLS multiply-adds. b is first copied ("packed") into panels COLS wide, so that the innermost
// loop reads it in order whatever its strides, and so that a ragged last panel is padded with zeros.
#include "matmul.h"

enum { ROWS = 6, COLS = 128 / sizeof(real), DEPTH = 256 };

static size_t smaller(size_t x, size_t y) { return x < y ? x : y; }

static void pack_panel(real *panel, const real *b, size_t b_row, size_t b_col, size_t J, size_t K) {
    for (size_t k = 0; k < K; k++) {
        for (size_t j = 0; j < COLS; j++) { panel[k * COLS + j] = j < J ? b[k * b_row + j * b_col] : 0; }
    }
}

// acc (ROWS,COLS) = rows (ROWS,K) panel (K,COLS)
DISPATCH
static void tile(real *restrict acc, const real *const rows[ROWS], size_t a_col, const real *restrict panel, size_t K) {
    real sum[ROWS][COLS] = {{0}};
    for (size_t k = 0; k < K; k++) {
        for (size_t i = 0; i < ROWS; i++) {
#pragma omp simd
            for (size_t j = 0; j < COLS; j++) { sum[i][j] += rows[i][k * a_col] * panel[k * COLS + j]; }
        }
    }
    for (size_t i = 0; i < ROWS; i++) {
        for (size_t j = 0; j < COLS; j++) { acc[i * COLS + j] = sum[i][j]; }
    }
}

void matmul_add(real *c, const real *a, size_t a_row, size_t a_col, const real *b, size_t b_row, size_t b_col, size_t I,
                size_t J, size_t K) {
    real panel[DEPTH * COLS], acc[ROWS * COLS];
    for (size_t k = 0; k < K; k += DEPTH) {
        size_t depth = smaller(DEPTH, K - k);
        for (size_t j = 0; j < J; j += COLS) {
            size_t cols = smaller(COLS, J - j);
            pack_panel(panel, b + k * b_row + j * b_col, b_row, b_col, cols, depth);
            for (size_t i = 0; i < I; i += ROWS) {
                size_t n = smaller(ROWS, I - i);
                const real *rows[ROWS];  // past the last row the last one again: computed, and not stored
                for (size_t r = 0; r < ROWS; r++) { rows[r] = a + (i + smaller(r, n - 1)) * a_row + k * a_col; }
                tile(acc, rows, a_col, panel, depth);
                for (size_t r = 0; r < n; r++) {
                    for (size_t s = 0; s < cols; s++) { c[(i + r) * J + j + s] += acc[r * COLS + s]; }
                }
            }
        }
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
