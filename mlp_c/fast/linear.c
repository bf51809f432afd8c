// linear.c: a weighted sum of the inputs for each output, plus a bias.
#include "../ops/ops.h"
#include "matmul.h"
#include "threads.h"

// y = b, or zeros where there is none        b (M,)  ->  y (M,)
static inline void start_row(real *restrict y, const real *restrict b, size_t M) {
    for (size_t j = 0; j < M; j++) { y[j] = b ? b[j] : 0; }
}

// sum[j] += the sum of column j        rows (B,M)  ->  sum (M,)
static void sum_rows(real *restrict sum, const real *restrict rows, size_t B, size_t M) {
    enum { TOGETHER = 64 };  // whole lines of the cache, so that two threads seldom write to the same one
    const size_t threads = (size_t)threads_for(4 * B * M), all = threads * TOGETHER;
    const size_t share = (M + all - 1) / all * TOGETHER;
#pragma omp parallel for schedule(static) num_threads((int)threads)
    for (size_t first = 0; first < M; first += share) {
        const size_t last = first + min_size(share, M - first);
        for (size_t i = 0; i < B; i++) {
            for (size_t j = first; j < last; j++) { sum[j] += rows[i * M + j]; }
        }
    }
}

// y = x w^T + b        x (B,N)  w (M,N)  b (M,)  ->  y (B,M)
void linear_forward(real *y, const real *x, const real *w, const real *b, size_t B, size_t N, size_t M) {
#pragma omp parallel for schedule(static) num_threads(threads_for(4 * B * M))
    for (size_t i = 0; i < B; i++) { start_row(y + i * M, b, M); }
    matmul_add(y, x, N, 1, w, 1, N, B, M, N);  // (B,N) (N,M): w read column by column is w^T
}

// dx = dy w, dw = dy^T x, db = sum of dy over B        dy (B,M)  x (B,N)  w (M,N)  ->  dx (B,N)  dw (M,N)  db (M,)
void linear_backward(real *dx, real *dw, real *db, const real *dy, const real *x, const real *w, size_t B, size_t N,
                     size_t M) {
    matmul_add(dx, dy, M, 1, w, N, 1, B, N, M);  // (B,M) (M,N)
    matmul_add(dw, dy, 1, M, x, N, 1, M, N, B);  // (M,B) (B,N)
    sum_rows(db, dy, B, M);
}
