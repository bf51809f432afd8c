// conformance_ops.c: each op on the arrays of a case, as common/backend/spec.py names them. A shape comes before its
// letters. Compiled alone in float32, by in_float64.c and in_strict.c twice more.
#if !defined(NNZ_FLOAT64) && !defined(NNZ_STRICT)
#define NNZ_FLOAT32
#endif
#include "conformance.h"
#include "failure.h"
#include "../kernels.h"

static void run_embedding_forward(Case *c) {
    const real *wte = case_in(c, "wte", "VE");
    const int32_t *ids = case_ids(c, "ids", "BT", SIZE('V'));
    embedding_forward(case_out(c, "emb", "BTE"), wte, ids, SIZE('B'), SIZE('T'), SIZE('E'));
}

static void run_embedding_backward(Case *c) {
    SIZE('V') = (size_t)case_integer(c, "V", 1, INT32_MAX);
    const real *demb = case_in(c, "demb", "BTE");
    const int32_t *ids = case_ids(c, "ids", "BT", SIZE('V'));
    embedding_backward(case_out(c, "dwte", "VE"), demb, ids, SIZE('B'), SIZE('T'), SIZE('E'));
}

static void run_linear_forward(Case *c) {
    const real *x = case_in(c, "x", "BN"), *w = case_in(c, "w", "MN"),
               *b = case_has(c, "b") ? case_in(c, "b", "M") : NULL;
    linear_forward(case_out(c, "y", "BM"), x, w, b, SIZE('B'), SIZE('N'), SIZE('M'));
}

static void run_linear_backward(Case *c) {
    const real *dy = case_in(c, "dy", "BM"), *x = case_in(c, "x", "BN"), *w = case_in(c, "w", "MN");
    real *dx = case_out(c, "dx", "BN"), *dw = case_out(c, "dw", "MN"), *db = case_out(c, "db", "M");
    linear_backward(dx, dw, db, dy, x, w, SIZE('B'), SIZE('N'), SIZE('M'));
}

static void run_tanh_forward(Case *c) {
    const real *x = case_in(c, "x", "*");
    tanh_forward(case_out(c, "y", "*"), x, SIZE('n'));
}

static void run_tanh_backward(Case *c) {
    const real *dy = case_in(c, "dy", "*"), *y = case_in(c, "y", "*");
    tanh_backward(case_out(c, "dx", "*"), dy, y, SIZE('n'));
}

static void run_batch_norm_forward(Case *c) {
    const real *x = case_in(c, "x", "BC"), *weight = case_in(c, "weight", "C"), *bias = case_in(c, "bias", "C");
    const real *running_mean = case_in(c, "running_mean", "C"), *running_var = case_in(c, "running_var", "C");
    real *y = case_out(c, "y", "BC"), *mean = case_out(c, "mean", "C"), *rstd = case_out(c, "rstd", "C");
    real *new_mean = case_out(c, "new_running_mean", "C"), *new_var = case_out(c, "new_running_var", "C");
    const bool training = case_integer(c, "training", 0, 1) == 1;
    const double momentum = case_number(c, "momentum"), eps = case_number(c, "eps");
    if (training && SIZE('B') < 2) {
        fail(ASKED_WRONGLY, "x has one row: training needs two, as one has no variance");
    }
    batch_norm_forward(y, mean, rstd, new_mean, new_var, x, weight, bias, running_mean, running_var, SIZE('B'),
                       SIZE('C'), training, momentum, eps);
}

static void run_batch_norm_backward(Case *c) {
    const real *dy = case_in(c, "dy", "BC"), *x = case_in(c, "x", "BC"), *weight = case_in(c, "weight", "C");
    const real *mean = case_in(c, "mean", "C"), *rstd = case_in(c, "rstd", "C");
    real *dx = case_out(c, "dx", "BC"), *dweight = case_out(c, "dweight", "C"), *dbias = case_out(c, "dbias", "C");
    batch_norm_backward(dx, dweight, dbias, dy, x, mean, rstd, weight, SIZE('B'), SIZE('C'));
}

static void run_cross_entropy_forward(Case *c) {
    const real *logits = case_in(c, "logits", "BV");
    const int32_t *targets = case_ids(c, "targets", "B", SIZE('V'));
    real *loss = case_out(c, "loss", ""), *probs = case_out(c, "probs", "BV");
    cross_entropy_forward(loss, probs, logits, targets, SIZE('B'), SIZE('V'));
}

static void run_cross_entropy_backward(Case *c) {
    const real *probs = case_in(c, "probs", "BV");
    const int32_t *targets = case_ids(c, "targets", "B", SIZE('V'));
    cross_entropy_backward(case_out(c, "dlogits", "BV"), probs, targets, SIZE('B'), SIZE('V'));
}

static void run_sgd_step(Case *c) {
    const real *g = case_in(c, "g", "*");
    const double lr = case_number(c, "lr"), weight_decay = case_number(c, "weight_decay");
    sgd_step(case_update(c, "p", "*"), g, SIZE('n'), lr, weight_decay);
}

static void run_adamw_step(Case *c) {
    const real *g = case_in(c, "g", "*");
    real *p = case_update(c, "p", "*"), *m = case_update(c, "m", "*"), *v = case_update(c, "v", "*");
    const double lr = case_number(c, "lr"), beta1 = case_number(c, "beta1"), beta2 = case_number(c, "beta2");
    const double eps = case_number(c, "eps"), weight_decay = case_number(c, "weight_decay");
    const int64_t t = case_integer(c, "t", 1, INT64_MAX);
    adamw_step(p, m, v, g, SIZE('n'), t, lr, beta1, beta2, eps, weight_decay);
}

#define FUNCTION(name) {#name, run_##name}

const Function NAME(OPS)[] = {
    FUNCTION(embedding_forward),
    FUNCTION(embedding_backward),
    FUNCTION(linear_forward),
    FUNCTION(linear_backward),
    FUNCTION(tanh_forward),
    FUNCTION(tanh_backward),
    FUNCTION(batch_norm_forward),
    FUNCTION(batch_norm_backward),
    FUNCTION(cross_entropy_forward),
    FUNCTION(cross_entropy_backward),
    FUNCTION(sgd_step),
    FUNCTION(adamw_step),
    {NULL, NULL},
};
