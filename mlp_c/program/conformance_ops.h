// conformance_ops.h: each op on the arrays of a case, as common/spec.py names them. A shape comes before its letters.
#include "../ops.h"

#define SIZE(letter) (c->sizes[letter])

static void run_embedding_forward(Case *c) {
    const real *wte = in(c, "wte", "VE");
    const int32_t *ids = case_ids(c, "ids", "BT", SIZE('V'));
    embedding_forward(out(c, "emb", "BTE"), wte, ids, SIZE('B'), SIZE('T'), SIZE('E'));
}

static void run_embedding_backward(Case *c) {
    SIZE('V') = (size_t)case_whole(c, "V", 1, INT32_MAX);
    const real *demb = in(c, "demb", "BTE");
    const int32_t *ids = case_ids(c, "ids", "BT", SIZE('V'));
    embedding_backward(out(c, "dwte", "VE"), demb, ids, SIZE('B'), SIZE('T'), SIZE('E'));
}

static void run_linear_forward(Case *c) {
    const real *x = in(c, "x", "BN"), *w = in(c, "w", "MN"), *b = case_find(c, "b", "M", REAL);
    linear_forward(out(c, "y", "BM"), x, w, b, SIZE('B'), SIZE('N'), SIZE('M'));
}

static void run_linear_backward(Case *c) {
    const real *dy = in(c, "dy", "BM"), *x = in(c, "x", "BN"), *w = in(c, "w", "MN");
    real *dx = out(c, "dx", "BN"), *dw = out(c, "dw", "MN"), *db = out(c, "db", "M");
    linear_backward(dx, dw, db, dy, x, w, SIZE('B'), SIZE('N'), SIZE('M'));
}

static void run_tanh_forward(Case *c) {
    const real *x = in(c, "x", "*");
    tanh_forward(out(c, "y", "*"), x, SIZE('n'));
}

static void run_tanh_backward(Case *c) {
    const real *dy = in(c, "dy", "*"), *y = in(c, "y", "*");
    tanh_backward(out(c, "dx", "*"), dy, y, SIZE('n'));
}

static void run_batch_norm_forward(Case *c) {
    const real *x = in(c, "x", "BC"), *weight = in(c, "weight", "C"), *bias = in(c, "bias", "C");
    const real *running_mean = in(c, "running_mean", "C"), *running_var = in(c, "running_var", "C");
    real *y = out(c, "y", "BC"), *mean = out(c, "mean", "C"), *rstd = out(c, "rstd", "C");
    real *new_mean = out(c, "new_running_mean", "C"), *new_var = out(c, "new_running_var", "C");
    const bool training = case_whole(c, "training", 0, 1) == 1;
    const double momentum = case_number(c, "momentum"), eps = case_number(c, "eps");
    if (training && SIZE('B') < 2) {
        fail(ASKED_WRONGLY, "x has one row: training needs two, as one has no variance");
    }
    batch_norm_forward(y, mean, rstd, new_mean, new_var, x, weight, bias, running_mean, running_var, SIZE('B'),
                       SIZE('C'), training, momentum, eps);
}

static void run_batch_norm_backward(Case *c) {
    const real *dy = in(c, "dy", "BC"), *x = in(c, "x", "BC"), *weight = in(c, "weight", "C");
    const real *mean = in(c, "mean", "C"), *rstd = in(c, "rstd", "C");
    real *dx = out(c, "dx", "BC"), *dweight = out(c, "dweight", "C"), *dbias = out(c, "dbias", "C");
    batch_norm_backward(dx, dweight, dbias, dy, x, mean, rstd, weight, SIZE('B'), SIZE('C'));
}

static void run_cross_entropy_forward(Case *c) {
    const real *logits = in(c, "logits", "BV");
    const int32_t *targets = case_ids(c, "targets", "B", SIZE('V'));
    real *loss = out(c, "loss", ""), *probs = out(c, "probs", "BV");
    cross_entropy_forward(loss, probs, logits, targets, SIZE('B'), SIZE('V'));
}

static void run_cross_entropy_backward(Case *c) {
    const real *probs = in(c, "probs", "BV");
    const int32_t *targets = case_ids(c, "targets", "B", SIZE('V'));
    cross_entropy_backward(out(c, "dlogits", "BV"), probs, targets, SIZE('B'), SIZE('V'));
}

static void run_sgd_step(Case *c) {
    const real *g = in(c, "g", "*");
    const double lr = case_number(c, "lr"), weight_decay = case_number(c, "weight_decay");
    sgd_step(update(c, "p", "*"), g, SIZE('n'), lr, weight_decay);
}

static void run_adamw_step(Case *c) {
    const real *g = in(c, "g", "*");
    real *p = update(c, "p", "*"), *m = update(c, "m", "*"), *v = update(c, "v", "*");
    const double lr = case_number(c, "lr"), beta1 = case_number(c, "beta1"), beta2 = case_number(c, "beta2");
    const double eps = case_number(c, "eps"), weight_decay = case_number(c, "weight_decay");
    const int64_t t = case_whole(c, "t", 1, INT64_MAX);
    adamw_step(p, m, v, g, SIZE('n'), t, lr, beta1, beta2, eps, weight_decay);
}
