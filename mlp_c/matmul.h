// matmul: c += a b        a (I,K)  b (K,J)  ->  c (I,J)
// Element (i, k) of a stands at a[i * a_row + k * a_col], element (k, j) of b at b[k * b_row + j * b_col], so that a
// transposed matrix is the same memory with its strides exchanged. c is contiguous, row by row.
#ifndef NNZ_MATMUL_H
#define NNZ_MATMUL_H

#include "real.h"

#define matmul_add NAME(matmul_add)
#define matmul_add_plain NAME(matmul_add_plain)

void matmul_add(real *c, const real *a, size_t a_row, size_t a_col, const real *b, size_t b_row, size_t b_col, size_t I,
                size_t J, size_t K);

// The definition, one loop nest: what the fast kernel is tested against.
void matmul_add_plain(real *c, const real *a, size_t a_row, size_t a_col, const real *b, size_t b_row, size_t b_col,
                      size_t I, size_t J, size_t K);

#endif
