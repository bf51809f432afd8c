// layer_norm.c: give each row mean 0 and variance 1, then each of its places a scale and a shift of its own.
#include "ops.h"

// y = (x - mean) rstd weight + bias, rstd = 1 / sqrt(var + eps), mean and biased var over E
// x (B,E)  weight (E,)  bias (E,)  ->  y (B,E)  mean (B,)  rstd (B,)
void layer_norm_forward(real *y, real *mean, real *rstd, const real *x, const real *weight, const real *bias, size_t B,
                        size_t E, double eps) {
    for (size_t i = 0; i < B; i++) {
        const real *row = x + i * E;
        real sum = 0, squares = 0;  // in two passes: the mean of squares less the square of the mean would cancel
        for (size_t e = 0; e < E; e++) { sum += row[e]; }
        mean[i] = sum / (real)E;
        for (size_t e = 0; e < E; e++) { squares += (row[e] - mean[i]) * (row[e] - mean[i]); }
        rstd[i] = 1 / sqrt(squares / (real)E + (real)eps);
        for (size_t e = 0; e < E; e++) { y[i * E + e] = (row[e] - mean[i]) * rstd[i] * weight[e] + bias[e]; }
    }
}

// dx = rstd (dxhat - mean of dxhat - xhat mean of dxhat xhat), dxhat = dy weight, xhat = (x - mean) rstd, dweight = sum
// of dy xhat over B, dbias = sum of dy over B
// dy (B,E)  x (B,E)  mean (B,)  rstd (B,)  weight (E,)  ->  dx (B,E)  dweight (E,)  dbias (E,)
void layer_norm_backward(real *dx, real *dweight, real *dbias, const real *dy, const real *x, const real *mean,
                         const real *rstd, const real *weight, size_t B, size_t E) {
    for (size_t i = 0; i < B; i++) {
        real sum = 0, sum_xhat = 0;  // of dxhat and dxhat xhat: x moves every place of its row, by way of mean and rstd
        for (size_t e = 0; e < E; e++) {
            const real xhat = (x[i * E + e] - mean[i]) * rstd[i], dxhat = dy[i * E + e] * weight[e];
            sum += dxhat;
            sum_xhat += dxhat * xhat;
        }
        for (size_t e = 0; e < E; e++) {
            const real xhat = (x[i * E + e] - mean[i]) * rstd[i], dxhat = dy[i * E + e] * weight[e];
            dx[i * E + e] += rstd[i] * (dxhat - sum / (real)E - xhat * (sum_xhat / (real)E));
            dweight[e] += dy[i * E + e] * xhat;
            dbias[e] += dy[i * E + e];
        }
    }
}
