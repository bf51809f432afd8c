// adamw.c: Adam with weight decay that does not pass through the moments.
#include "../ops/ops.h"
#include "dispatch.h"
#include "threads.h"

enum { ADAMW_BLOCK = 8192 };  // parameters that one thread takes at a time

typedef struct {  // each computed in double, then rounded once
    real keep_m, take_m, keep_v, take_v, keep_p, step, inverse_root, eps;
} Constants;

DISPATCH
static void adamw_block(real *restrict p, real *restrict m, real *restrict v, const real *restrict g, size_t n,
                        const Constants *constants) {
    const Constants c = *constants;
    for (size_t i = 0; i < n; i++) {
        m[i] = c.keep_m * m[i] + c.take_m * g[i];
        v[i] = c.keep_v * v[i] + c.take_v * (g[i] * g[i]);
        p[i] = c.keep_p * p[i] - c.step * (m[i] / (sqrt(v[i]) * c.inverse_root + c.eps));
    }
}

typedef struct {
    real *p, *m, *v;
    const real *g;
    size_t n;
    const Constants *constants;
} Step;

static void adamw_part(const void *of, size_t block) {
    const Step *s = of;
    const size_t i = block * ADAMW_BLOCK;
    adamw_block(s->p + i, s->m + i, s->v + i, s->g + i, min_size(ADAMW_BLOCK, s->n - i), s->constants);
}

// m = beta1 m + (1 - beta1) g, v = beta2 v + (1 - beta2) g^2,
// p = (1 - lr weight_decay) p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
// p (...)  m (...)  v (...)  g (...)  ->  p (...)  m (...)  v (...)
void adamw_step(real *p, real *m, real *v, const real *g, size_t n, int64_t t, double lr, double beta1, double beta2,
                double eps, double weight_decay) {
    const double root = sqrt(1 - pow(beta2, (double)t));
    const Constants c = {
        .keep_m = (real)beta1,
        .take_m = (real)(1 - beta1),
        .keep_v = (real)beta2,
        .take_v = (real)(1 - beta2),
        .keep_p = (real)(1 - lr * weight_decay),
        .step = (real)(lr / (1 - pow(beta1, (double)t))),
        .inverse_root = (real)(1 / root),  // a division takes as long as five products
        .eps = (real)eps,
    };
    in_parallel(adamw_part, &(Step){p, m, v, g, n, &c}, (n + ADAMW_BLOCK - 1) / ADAMW_BLOCK, 8 * n);
}
