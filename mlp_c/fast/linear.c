// linear.c: a weighted sum of the inputs for each output, plus a bias.
#include "../ops/ops.h"
#include "matmul.h"
#include "threads.h"

typedef struct {
    real *sum;
    const real *rows;
    size_t B, M, share;
} Columns;

static void sum_part(const void *of, size_t t) {
    const Columns *c = of;
    const size_t B = c->B, M = c->M, first = t * c->share, last = first + min_size(c->share, M - first);
    real *restrict sum = c->sum;
    const real *restrict rows = c->rows;
    for (size_t i = 0; i < B; i++) {
        for (size_t j = first; j < last; j++) { sum[j] += rows[i * M + j]; }
    }
}

enum { TOGETHER = 64 };  // columns: whole lines of the cache, so that two threads seldom write to the same one

// sum[j] += the sum of column j        rows (B,M)  ->  sum (M,)
static void sum_rows(real *sum, const real *rows, size_t B, size_t M) {
    const size_t all = threads_for(4 * B * M) * TOGETHER;
    const size_t share = (M + all - 1) / all * TOGETHER;
    in_parallel(sum_part, &(Columns){sum, rows, B, M, share}, (M + share - 1) / share, 4 * B * M);
}

// y = x w^T + b        x (B,N)  w (M,N)  b (M,)  ->  y (B,M)
void linear_forward(real *y, const real *x, const real *w, const real *b, size_t B, size_t N, size_t M) {
    matmul(y, b, 0, x, N, 1, w, 1, N, B, M, N);  // (B,N) (N,M): w read column by column is w^T
}

// dx = dy w, dw = dy^T x, db = sum of dy over B        dy (B,M)  x (B,N)  w (M,N)  ->  dx (B,N)  dw (M,N)  db (M,)
void linear_backward(real *dx, real *dw, real *db, const real *dy, const real *x, const real *w, size_t B, size_t N,
                     size_t M) {
    matmul_add(dx, dy, M, 1, w, N, 1, B, N, M);  // (B,M) (M,N)
    matmul_add(dw, dy, 1, M, x, N, 1, M, N, B);  // (M,B) (B,N)
    if (db) {
        sum_rows(db, dy, B, M);
    }
}
