// adamw.c: Adam with weight decay that does not pass through the moments.
#include "../fast/dispatch.h"
#include "../fast/threads.h"
#include "../ops/ops.h"

// m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
// p = (1 - lr weight_decay) p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
// p (...)  m (...)  v (...)  g (...)  ->  p (...)  m (...)  v (...)
DISPATCH
void adamw_step(real *p, real *m, real *v, const real *g, size_t n, int64_t t, double lr, double beta1, double beta2,
                double eps, double weight_decay) {
    // each constant is computed in double, then rounded once
    const real keep_m = (real)beta1, take_m = (real)(1 - beta1), keep_v = (real)beta2, take_v = (real)(1 - beta2);
    const real keep_p = (real)(1 - lr * weight_decay), step = (real)(lr / (1 - pow(beta1, (double)t)));
    const real root = (real)sqrt(1 - pow(beta2, (double)t)), tiny = (real)eps;
#pragma omp parallel for schedule(static) num_threads(threads_for(8 * n))
    for (size_t i = 0; i < n; i++) {
        m[i] = keep_m * m[i] + take_m * g[i];
        v[i] = keep_v * v[i] + take_v * (g[i] * g[i]);
        p[i] = keep_p * p[i] - step * (m[i] / (sqrt(v[i]) / root + tiny));
    }
}
