// matmul.h: the matrix product of which every result is the float nearest to the exact one.
//
// A product of two floats is exact in double, so that only the additions round: a sum of K of them, in any order, is
// off by at most (K-1) u |a| |b|, with u = 2^-53 and |.| the Euclidean length of a's row and b's column (Higham 2002,
// section 3.1). Where the sum less that and the sum plus that round to one float, it is the answer; elsewhere, rarely,
// the products are summed again without any rounding. The tiles are those of fast/matmul.h, in double.
#ifndef NNZ_MATMUL_H
#define NNZ_MATMUL_H

#include <string.h>

#include "../fast/dispatch.h"
#include "../fast/threads.h"
#include "../ops/ops.h"
#include "exact.h"
#include "tally.h"

#if defined(__wasm__)  // as in fast/packing.h
enum { S_ROWS = 4, S_COLS = 4 };
#else
enum { S_ROWS = 6, S_COLS = 8 };
#endif
enum { S_HEIGHT = 96, S_WIDTH = 128, S_DEPTH = 128 };

typedef struct {  // of a float matrix: where it begins, and its strides; if `times` is there, each number is multiplied
    const float *at;  // by the one at the same place there, and rounded
    size_t row, col;
    const float *times;
} Matrix;

typedef struct {  // a block of the result, S_HEIGHT x S_WIDTH, of which `height` x `width` are asked for
    double sum[S_HEIGHT][S_WIDTH], a_squared[S_HEIGHT], b_squared[S_WIDTH];
    size_t height, width;
} Block;

static inline void pack_all(double *restrict packed, const float *restrict from, size_t line, size_t step, size_t n,
                            size_t depth) {
    for (size_t k = 0; k < depth; k++) {
        for (size_t i = 0; i < n; i++) { packed[k * n + i] = (double)from[i * line + k * step]; }
    }
}

// packed (lines / n, S_DEPTH, n): n rows of a, or columns of b, side by side, with zeros past the last; and add to
// `squared` the squares of each line's numbers. Told that a stride is 1, the compiler takes several numbers at once.
static inline void pack_lines(double *restrict packed, double *restrict squared, const float *restrict from,
                              const float *times, size_t line, size_t step, size_t lines, size_t n, size_t depth) {
    for (size_t first = 0; first < lines; first += n, packed += n * S_DEPTH, from += n * line) {
        const size_t here = min_size(n, lines - first);
        if (here < n) {
            memset(packed, 0, n * depth * sizeof *packed);
            for (size_t i = 0; i < here; i++) {
                for (size_t k = 0; k < depth; k++) { packed[k * n + i] = (double)from[i * line + k * step]; }
            }
        } else if (line == 1) {
            pack_all(packed, from, 1, step, n, depth);
        } else {
            pack_all(packed, from, line, step, n, depth);
        }
        for (size_t i = 0; times && i < here; i++) {
            const float *by = times + (first + i) * line;
            for (size_t k = 0; k < depth; k++) {
                packed[k * n + i] = (double)(float)(packed[k * n + i] * (double)by[k * step]);
            }
        }
        double squares[S_COLS] = {0};
        for (size_t k = 0; k < depth; k++) {
            for (size_t i = 0; i < n; i++) { squares[i] += packed[k * n + i] * packed[k * n + i]; }
        }
        for (size_t i = 0; i < n; i++) { squared[first + i] += squares[i]; }
    }
}

// sum (S_ROWS,S_COLS) += a b        a (depth,S_ROWS)  b (depth,S_COLS), as packed
ALWAYS_INLINE void wide_tile(double *sum, const double *restrict a, const double *restrict b, size_t depth) {
    double tile[S_ROWS][S_COLS] = {{0}};
    for (size_t k = 0; k < depth; k++) {
        for (size_t i = 0; i < S_ROWS; i++) {
#pragma omp simd
            for (size_t j = 0; j < S_COLS; j++) { tile[i][j] += a[k * S_ROWS + i] * b[k * S_COLS + j]; }
        }
    }
    for (size_t i = 0; i < S_ROWS; i++) {
        for (size_t j = 0; j < S_COLS; j++) { sum[i * S_WIDTH + j] += tile[i][j]; }
    }
}

DISPATCH
static void product_of_lines(Block *block, Matrix a, Matrix b, size_t K) {
    static _Thread_local _Alignas(64) double rows[S_HEIGHT * S_DEPTH], columns[S_WIDTH * S_DEPTH];
    for (size_t k = 0; k < K; k += S_DEPTH) {
        const size_t depth = min_size(S_DEPTH, K - k);
        pack_lines(rows, block->a_squared, a.at + k * a.col, a.times ? a.times + k * a.col : NULL, a.row, a.col,
                   block->height, S_ROWS, depth);
        pack_lines(columns, block->b_squared, b.at + k * b.row, NULL, b.col, b.row, block->width, S_COLS, depth);
        for (size_t i = 0; i < block->height; i += S_ROWS) {
            for (size_t j = 0; j < block->width; j += S_COLS) {
                wide_tile(&block->sum[i][j], rows + i * S_DEPTH, columns + j * S_DEPTH, depth);
            }
        }
    }
}

static float exact_product(Matrix a, Matrix b, size_t i, size_t j, size_t K) {
    Exact sum = {0};
    for (size_t k = 0; k < K; k++) {
        const size_t at = i * a.row + k * a.col;
        const float factor = a.times ? a.at[at] * a.times[at] : a.at[at];
        exact_add(&sum, (double)factor * (double)b.at[k * b.row + j * b.col]);
    }
    return exact_nearest(&sum);
}

// The floats nearest to a row of sums, each off by up to scale * length; tells whether that leaves no choice in any.
DISPATCH
static int round_row(float *restrict nearest, const double *restrict sum, const double *restrict length, double scale,
                     size_t n) {
    int undecided = 0;
    for (size_t j = 0; j < n; j++) {
        const double error = scale * length[j];
        const float low = (float)(sum[j] - error), high = (float)(sum[j] + error);
        nearest[j] = low + 0.0F;  // no product is -0
        undecided |= low != high;
    }
    return !undecided;
}

// c += the float nearest to each sum of the block; returns how many had to be summed exactly.
static size_t add_nearest(float *c, size_t N, const Block *block, Matrix a, Matrix b, size_t K) {
    const double unit = ((double)K + 4) * 0x1p-53 * 1.000001;  // 4 and the factor for what the bound itself rounds
    double length[S_WIDTH];
    float nearest[S_WIDTH];
    size_t undecided = 0;
    for (size_t j = 0; j < block->width; j++) { length[j] = sqrt(block->b_squared[j]); }
    for (size_t i = 0; i < block->height; i++) {
        const double *sum = block->sum[i], scale = unit * sqrt(block->a_squared[i]);
        const int decided = round_row(nearest, sum, length, scale, block->width);
        for (size_t j = 0; !decided && j < block->width; j++) {
            const float low = (float)(sum[j] - scale * length[j]), high = (float)(sum[j] + scale * length[j]);
            undecided += low != high;  // round_row may have rounded its bounds otherwise: only one of both may decide
            nearest[j] = low == high ? low + 0.0F : exact_product(a, b, i, j, K);
        }
        for (size_t j = 0; j < block->width; j++) { c[i * N + j] += nearest[j]; }
    }
    return undecided;
}

// c += a b for one block of c        a (M,K)  b (K,N)  ->  c (M,N), of rows c_row apart
static void block_add(float *c, size_t c_row, Matrix a, Matrix b, size_t M, size_t N, size_t K) {
    static _Thread_local Block block;  // not on the stack, which may be small: 330 KB with those packed
    const size_t high = (M + S_ROWS - 1) / S_ROWS * S_ROWS, wide = (N + S_COLS - 1) / S_COLS * S_COLS;
    for (size_t i = 0; i < high; i++) { memset(block.sum[i], 0, wide * sizeof(double)); }
    memset(block.a_squared, 0, sizeof block.a_squared), memset(block.b_squared, 0, sizeof block.b_squared);
    block.height = M, block.width = N;
    product_of_lines(&block, a, b, K);
    tally_add(M * N, add_nearest(c, c_row, &block, a, b, K));
}

static Matrix part_of(Matrix m, size_t i, size_t j) {
    const size_t at = i * m.row + j * m.col;
    return (Matrix){m.at + at, m.row, m.col, m.times ? m.times + at : NULL};
}

typedef struct {
    float *c;
    Matrix a, b;
    size_t c_row, M, N, K, across;
} Product;

static void product_part(const void *of, size_t n) {
    const Product *p = of;
    const size_t i = n / p->across * S_HEIGHT, j = n % p->across * S_WIDTH;
    block_add(p->c + i * p->c_row + j, p->c_row, part_of(p->a, i, 0), part_of(p->b, 0, j), min_size(S_HEIGHT, p->M - i),
              min_size(S_WIDTH, p->N - j), p->K);
}

static size_t parts_of(const Product *p) { return p->across * ((p->M + S_HEIGHT - 1) / S_HEIGHT); }

// c += a b        a (M,K)  b (K,N)  ->  c (M,N)        with strides, as in fast/matmul.h
static inline void matmul_add(float *c, const float *a, size_t a_row, size_t a_col, const float *b, size_t b_row,
                              size_t b_col, size_t M, size_t N, size_t K) {
    const Product product = {c, {a, a_row, a_col, NULL},    {b, b_row, b_col, NULL}, N, M, N,
                             K, (N + S_WIDTH - 1) / S_WIDTH};
    in_parallel(product_part, &product, parts_of(&product), 2 * M * N * K);
}

// The same, by the thread that calls
static inline void product_add(float *c, size_t c_row, Matrix a, Matrix b, size_t M, size_t N, size_t K) {
    const Product product = {c, a, b, c_row, M, N, K, (N + S_WIDTH - 1) / S_WIDTH};
    for (size_t i = 0; i < parts_of(&product); i++) { product_part(&product, i); }
}

#endif
