// batch_norm.c: give each channel mean 0 and variance 1 over the batch, then a scale and a shift of its own.
#include "../ops/ops.h"
#include "exact.h"

// y = (x - mean) rstd weight + bias, rstd = 1 / sqrt(var + eps)
// x (B,C)  weight (C,)  bias (C,)  running_mean (C,)  running_var (C,)
// ->  y (B,C)  mean (C,)  rstd (C,)  new_running_mean (C,)  new_running_var (C,)
void batch_norm_forward(real *y, real *mean, real *rstd, real *new_running_mean, real *new_running_var, const real *x,
                        const real *weight, const real *bias, const real *running_mean, const real *running_var,
                        size_t B, size_t C, bool training, double momentum, double eps) {
    const real keep = (real)(1 - momentum), take = (real)momentum, tiny = (real)eps;
    for (size_t c = 0; c < C; c++) {
        real var = running_var[c];
        mean[c] = new_running_mean[c] = running_mean[c];
        new_running_var[c] = running_var[c];
        if (training) {
            Exact sum = {0}, squares = {0};
            for (size_t i = 0; i < B; i++) { exact_add(&sum, x[i * C + c]); }
            mean[c] = exact_nearest(&sum) / (real)B;
            for (size_t i = 0; i < B; i++) {
                const real centred = x[i * C + c] - mean[c];
                exact_add(&squares, centred * centred);
            }
            var = exact_nearest(&squares) / (real)B;
            const real unbiased = (real)((double)B / (double)(B - 1)) * var;  // estimates the population's
            new_running_mean[c] = keep * running_mean[c] + take * mean[c];
            new_running_var[c] = keep * running_var[c] + take * unbiased;
        }
        rstd[c] = 1 / sqrt(var + tiny);
        for (size_t i = 0; i < B; i++) { y[i * C + c] = (x[i * C + c] - mean[c]) * rstd[c] * weight[c] + bias[c]; }
    }
}

// dx = weight rstd (dy - dbias / B - xhat dweight / B), dweight = sum of dy xhat over B, dbias = sum of dy over B,
// xhat = (x - mean) rstd
// dy (B,C)  x (B,C)  mean (C,)  rstd (C,)  weight (C,)  ->  dx (B,C)  dweight (C,)  dbias (C,)
void batch_norm_backward(real *dx, real *dweight, real *dbias, const real *dy, const real *x, const real *mean,
                         const real *rstd, const real *weight, size_t B, size_t C) {
    for (size_t c = 0; c < C; c++) {
        Exact dys = {0}, dy_xhats = {0};
        for (size_t i = 0; i < B; i++) {
            exact_add(&dys, dy[i * C + c]);
            exact_add(&dy_xhats, dy[i * C + c] * ((x[i * C + c] - mean[c]) * rstd[c]));
        }
        const real sum_dy = exact_nearest(&dys), sum_dy_xhat = exact_nearest(&dy_xhats);
        for (size_t i = 0; i < B; i++) {
            const real xhat = (x[i * C + c] - mean[c]) * rstd[c];
            const real centred = dy[i * C + c] - sum_dy / (real)B - xhat * (sum_dy_xhat / (real)B);
            dx[i * C + c] += weight[c] * rstd[c] * centred;
        }
        dbias[c] += sum_dy;
        dweight[c] += sum_dy_xhat;
    }
}
