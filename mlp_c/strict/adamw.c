// adamw.c: Adam with weight decay that does not pass through the moments.
#include "../fast/dispatch.h"
#include "../fast/threads.h"
#include "../ops/ops.h"

enum { ADAMW_BLOCK = 8192 };  // parameters that one thread takes at a time

typedef struct {
    real *p, *m, *v;
    const real *g;
    size_t n;
    real keep_m, take_m, keep_v, take_v, keep_p, step, root, tiny;  // each computed in double, then rounded once
} Step;

DISPATCH
static void adamw_part(const void *of, size_t block) {
    const Step s = *(const Step *)of;
    const real keep_m = s.keep_m, take_m = s.take_m, keep_v = s.keep_v, take_v = s.take_v, keep_p = s.keep_p;
    real *p = s.p, *m = s.m, *v = s.v;
    const real *g = s.g, step = s.step, root = s.root, tiny = s.tiny;
    const size_t first = block * ADAMW_BLOCK, last = first + min_size(ADAMW_BLOCK, s.n - first);
    for (size_t i = first; i < last; i++) {
        m[i] = keep_m * m[i] + take_m * g[i];
        v[i] = keep_v * v[i] + take_v * (g[i] * g[i]);
        p[i] = keep_p * p[i] - step * (m[i] / (sqrt(v[i]) / root + tiny));
    }
}

// m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
// p = (1 - lr weight_decay) p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
// p (...)  m (...)  v (...)  g (...)  ->  p (...)  m (...)  v (...)
void adamw_step(real *p, real *m, real *v, const real *g, size_t n, int64_t t, double lr, double beta1, double beta2,
                double eps, double weight_decay) {
    const Step s = {
        .p = p,
        .m = m,
        .v = v,
        .g = g,
        .n = n,
        .keep_m = (real)beta1,
        .take_m = (real)(1 - beta1),
        .keep_v = (real)beta2,
        .take_v = (real)(1 - beta2),
        .keep_p = (real)(1 - lr * weight_decay),
        .step = (real)(lr / (1 - pow(beta1, (double)t))),
        .root = (real)sqrt(1 - pow(beta2, (double)t)),
        .tiny = (real)eps,
    };
    in_parallel(adamw_part, &s, (n + ADAMW_BLOCK - 1) / ADAMW_BLOCK, 8 * n);
}
