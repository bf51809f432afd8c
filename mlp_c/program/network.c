// network.c: what an MLP and a GPT have in common, in one precision, which is float32 where this file is compiled
// alone; in_float64.c and in_strict.c compile it twice more. A number is a `real`, and NAME gives each copy its own
// symbols.
#if !defined(NNZ_FLOAT64) && !defined(NNZ_STRICT)
#define NNZ_FLOAT32
#endif
#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tgmath.h>

#include "../kernels.h"
#include "failure.h"

static void net_sgd(const Network *net, double lr, double weight_decay) {
    sgd_step(net->flat[PARAMETERS], net->flat[GRADIENTS], net->n, lr, weight_decay);
}

static void net_adamw(const Network *net, int64_t t, double lr, double beta1, double beta2, double eps,
                      double weight_decay, bool only_matrices) {
    real *p = net->flat[PARAMETERS], *g = net->flat[GRADIENTS];
    real *m = net->flat[FIRST_MOMENTS], *v = net->flat[SECOND_MOMENTS];
    if (!only_matrices) {
        adamw_step(p, m, v, g, net->n, t, lr, beta1, beta2, eps, weight_decay);
        return;
    }
    for (size_t i = 0, at = 0; i < net->n_tensors; i++) {
        const Tensor *tensor = net->tensors[PARAMETERS] + i;
        const size_t n = tensor_bytes(tensor) / sizeof(real);
        adamw_step(p + at, m + at, v + at, g + at, n, t, lr, beta1, beta2, eps, tensor->rank == 2 ? weight_decay : 0);
        at += n;
    }
}

static int descending(const void *a, const void *b) {
    const real x = *(const real *)a, y = *(const real *)b;
    return (x < y) - (x > y);
}

// The k-th largest logit: those below it are left out. Minus infinity if none is.
static real threshold(const real *logits, real *sorted, size_t V, size_t k) {
    if (k == 0 || k >= V) {
        return -(real)INFINITY;
    }
    memcpy(sorted, logits, V * sizeof *sorted);
    qsort(sorted, V, sizeof *sorted, descending);
    return sorted[k - 1];
}

// The first token whose running sum of probabilities exceeds u, or the last one if none does.
static int32_t net_choose(const Network *net, void *logits, void *scratch, double temperature, size_t top_k, double u) {
    const size_t V = net->shape.V;
    real *z = logits, t = (real)temperature, sum = 0, running = 0;
    size_t likeliest = 0;
    for (size_t j = 0; j < V; j++) {
        if (!isfinite(z[j])) {
            fail(COULD_NOT_BE_DONE,
                 "the model's logits are not finite: its training diverged; train with a lower optimizer.lr");
        }
        likeliest = z[j] > z[likeliest] ? j : likeliest;
    }
    if (t == 0) {
        return (int32_t)likeliest;
    }
    const real lowest = threshold(z, scratch, V, top_k), largest = z[likeliest];
    for (size_t j = 0; j < V; j++) { z[j] = z[j] < lowest ? 0 : exp((z[j] - largest) / t); }
    for (size_t j = 0; j < V; j++) { sum += z[j]; }
    size_t token = 0;  // the sum may end just below u: then the last token that moved it, and never one left out
    for (size_t j = 0; j < V && (double)running <= u; j++) {
        const real before = running;
        running += z[j] / sum;
        token = running > before ? j : token;
    }
    return (int32_t)token;
}

// As many roundings as lie, one after the other, between an embedding and a logit of a GPT whose sums run in another
// order move a logit by this much: common/runs/generation.py says why.
static double logit_error(const Shape *s, double largest) {
    const size_t attention = 4 * s->E + s->E / s->H + 2 * s->T, mlp = 7 * s->E;
    return sqrt((double)(s->L * (attention + mlp) + 3 * s->E)) * (sizeof(real) == 8 ? 0x1p-53 : 0x1p-24) * largest;
}

// As certain_token of common/runs/choice.py tells it, so that the same tokens are drawn.
static bool net_is_certain(const Network *net, const void *logits, void *scratch, double temperature, size_t top_k,
                           double u) {
    const size_t V = net->shape.V;
    const real *l = logits, t = (real)temperature;
    real *z = scratch, largest = l[0], most = 0, sum = 0, running = 0;
    for (size_t j = 0; j < V; j++) {
        if (!isfinite(l[j])) {
            return false;
        }
        largest = l[j] > largest ? l[j] : largest, most = fabs(l[j]) > most ? fabs(l[j]) : most;
    }
    const double error = logit_error(&net->shape, (double)most), shift = t == 0 ? 2 * error : 2 * error / temperature;
    for (size_t j = 0; j < V; j++) { z[j] = t == 0 ? l[j] - largest : (l[j] - largest) / t; }
    const real lowest = t == 0 ? 0 : threshold(z, z + V, V, top_k);
    size_t kept = 0, near = 0;
    for (size_t j = 0; j < V; j++) { kept += z[j] >= lowest, near += (double)z[j] >= (double)lowest - shift; }
    if (t == 0 || near > kept) {
        return near == 1;  // the likeliest, and no other; with top-k one more might have been kept
    }
    for (size_t j = 0; j < V; j++) { sum += z[j] = z[j] < lowest ? 0 : exp(z[j]); }
    const double rounding = (sizeof(real) == 8 ? 0x1p-52 : 0x1p-23) * sqrt((double)kept);
    for (size_t j = 0; j + 1 < V; j++) {
        running += z[j] / sum;
        const double c = (double)running, margin = shift * c * (c < 1 ? 1 - c : 0) + rounding;
        if (fabs(c - u) <= margin) {
            return false;
        }
    }
    return true;
}

static void net_free(const Network *net) {
    net->free_model(net);
    for (Group group = PARAMETERS; group < N_GROUPS; group++) {
        for (size_t i = 0; i < net->n_tensors; i++) { free((char *)net->tensors[group][i].name); }
        free(net->flat[group]), free(net->tensors[group]);
    }
}

static char *joined(const char *prefix, const char *name) {
    const size_t size = strlen(prefix) + strlen(name) + 1;
    char *text = allocate(size, 1);
    snprintf(text, size, "%s%s", prefix, name);
    return text;
}

Network NAME(base_network)(const Shape *shape, const Tensor *parameters, size_t n_tensors) {
    static const char *const prefixes[N_GROUPS] = {"", "d", "m.", "v."};
    Network net = {.shape = *shape, .dtype = sizeof(real) == 8 ? FLOAT64 : FLOAT32, .n_tensors = n_tensors};
    for (Group group = PARAMETERS; group < N_GROUPS; group++) {
        net.tensors[group] = allocate(n_tensors, sizeof(Tensor));
        size_t n = 0;
        for (size_t i = 0; i < n_tensors; i++) {
            Tensor *tensor = net.tensors[group] + i;
            *tensor = parameters[i];
            tensor->dtype = net.dtype, tensor->name = joined(prefixes[group], parameters[i].name);
            n += tensor_bytes(tensor) / sizeof(real);
        }
        real *numbers = net.flat[group] = allocate(n, sizeof(real));
        for (size_t i = 0; i < n_tensors; i++) {
            net.tensors[group][i].data = numbers;
            numbers += tensor_bytes(net.tensors[group] + i) / sizeof(real);
        }
        net.n = n;
    }
    net.sgd = net_sgd, net.adamw = net_adamw, net.free = net_free;
    net.choose = net_choose, net.is_certain = net_is_certain;
    return net;
}
