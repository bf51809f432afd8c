// batch_norm.c: give each channel mean 0 and variance 1 over the batch, then a scale and a shift of its own.
#include "ops.h"

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
            real sum = 0, squares = 0;  // in two passes: the mean of squares less the square of the mean would cancel
            for (size_t i = 0; i < B; i++) { sum += x[i * C + c]; }
            mean[c] = sum / (real)B;
            for (size_t i = 0; i < B; i++) { squares += (x[i * C + c] - mean[c]) * (x[i * C + c] - mean[c]); }
            var = squares / (real)B;
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
        real sum_dy = 0, sum_dy_xhat = 0;  // of this call alone, apart from what dweight and dbias held
        for (size_t i = 0; i < B; i++) { sum_dy += dy[i * C + c]; }
        for (size_t i = 0; i < B; i++) { sum_dy_xhat += dy[i * C + c] * ((x[i * C + c] - mean[c]) * rstd[c]); }
        for (size_t i = 0; i < B; i++) {
            const real xhat = (x[i * C + c] - mean[c]) * rstd[c];
            const real centred = dy[i * C + c] - sum_dy / (real)B - xhat * (sum_dy_xhat / (real)B);
            dx[i * C + c] += weight[c] * rstd[c] * centred;
        }
        dbias[c] += sum_dy;
        dweight[c] += sum_dy_xhat;
    }
}
