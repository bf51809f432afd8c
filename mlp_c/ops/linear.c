// linear.c: a weighted sum of the inputs for each output, plus a bias.
#include "ops.h"

// y = x w^T + b        x (B,N)  w (M,N)  b (M,)  ->  y (B,M)
void linear_forward(real *y, const real *x, const real *w, const real *b, size_t B, size_t N, size_t M) {
    for (size_t i = 0; i < B; i++) {
        for (size_t j = 0; j < M; j++) {
            real sum = 0;
            for (size_t k = 0; k < N; k++) { sum += x[i * N + k] * w[j * N + k]; }
            y[i * M + j] = b ? sum + b[j] : sum;
        }
    }
}

// dx = dy w, dw = dy^T x, db = sum of dy over B        dy (B,M)  x (B,N)  w (M,N)  ->  dx (B,N)  dw (M,N)  db (M,)
void linear_backward(real *dx, real *dw, real *db, const real *dy, const real *x, const real *w, size_t B, size_t N,
                     size_t M) {
    for (size_t i = 0; i < B; i++) {
        for (size_t j = 0; j < M; j++) {
            for (size_t k = 0; k < N; k++) { dx[i * N + k] += dy[i * M + j] * w[j * N + k]; }
        }
    }
    for (size_t j = 0; j < M; j++) {
        for (size_t i = 0; i < B; i++) {
            for (size_t k = 0; k < N; k++) { dw[j * N + k] += dy[i * M + j] * x[i * N + k]; }
        }
    }
    for (size_t i = 0; i < B && db; i++) {
        for (size_t j = 0; j < M; j++) { db[j] += dy[i * M + j]; }
    }
}
