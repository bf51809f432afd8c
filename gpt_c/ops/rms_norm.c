// rms_norm.c: give each row the length sqrt(E), then each of its places a scale of its own; without a weight, none.
#include "ops.h"

// y = x rstd weight, rstd = 1 / sqrt(mean of x^2 over E + eps)        x (B,E)  weight (E,)  ->  y (B,E)  rstd (B,)
void rms_norm_forward(real *y, real *rstd, const real *x, const real *weight, size_t B, size_t E, double eps) {
    for (size_t i = 0; i < B; i++) {
        real squares = 0;
        for (size_t e = 0; e < E; e++) { squares += x[i * E + e] * x[i * E + e]; }
        rstd[i] = 1 / sqrt(squares / (real)E + (real)eps);
        for (size_t e = 0; e < E; e++) { y[i * E + e] = x[i * E + e] * rstd[i] * (weight ? weight[e] : 1); }
    }
}

// dx = rstd (dxhat - xhat mean of dxhat xhat), dxhat = dy weight, xhat = x rstd, dweight = sum of dy xhat over B
// dy (B,E)  x (B,E)  rstd (B,)  weight (E,)  ->  dx (B,E)  dweight (E,)
void rms_norm_backward(real *dx, real *dweight, const real *dy, const real *x, const real *rstd, const real *weight,
                       size_t B, size_t E) {
    for (size_t i = 0; i < B; i++) {
        real sum_xhat = 0;  // of dxhat xhat: x moves every place of its row, by way of rstd
        for (size_t e = 0; e < E; e++) {
            sum_xhat += dy[i * E + e] * (weight ? weight[e] : 1) * (x[i * E + e] * rstd[i]);
        }
        for (size_t e = 0; e < E; e++) {
            const real xhat = x[i * E + e] * rstd[i], dxhat = dy[i * E + e] * (weight ? weight[e] : 1);
            dx[i * E + e] += rstd[i] * (dxhat - xhat * (sum_xhat / (real)E));
        }
        for (size_t e = 0; e < E && weight; e++) { dweight[e] += dy[i * E + e] * (x[i * E + e] * rstd[i]); }
    }
}
