// linear.c: a weighted sum of the inputs for each output, plus a bias.
#include "../fast/threads.h"
#include "../ops/ops.h"
#include "matmul.h"

typedef struct {
    real *y;
    const real *b;
    size_t M;
} Rows;

static void start_rows(const void *of, size_t i) {
    const Rows *s = of;
    for (size_t j = 0; j < s->M; j++) { s->y[i * s->M + j] = s->b ? s->b[j] : 0; }
}

// y = x w^T + b        x (B,N)  w (M,N)  b (M,)  ->  y (B,M)
void linear_forward(real *y, const real *x, const real *w, const real *b, size_t B, size_t N, size_t M) {
    in_parallel(start_rows, &(Rows){y, b, M}, B, 4 * B * M);
    matmul_add(y, x, N, 1, w, 1, N, B, M, N);  // (B,N) (N,M): w read column by column is w^T
}

// dx = dy w, dw = dy^T x, db = sum of dy over B        dy (B,M)  x (B,N)  w (M,N)  ->  dx (B,N)  dw (M,N)  db (M,)
void linear_backward(real *dx, real *dw, real *db, const real *dy, const real *x, const real *w, size_t B, size_t N,
                     size_t M) {
    const real one = 1;
    matmul_add(dx, dy, M, 1, w, N, 1, B, N, M);  // (B,M) (M,N)
    matmul_add(dw, dy, 1, M, x, N, 1, M, N, B);  // (M,B) (B,N)
    if (db) {
        matmul_add(db, &one, 0, 0, dy, M, 1, 1, M, B);  // a sum is a product with ones
    }
}
