// network.c: a network in one precision, which is float32 where this file is compiled alone; in_float64.c and
// in_strict.c compile it twice more. A number is a `real`, and NAME gives each copy its own symbols.
#if !defined(NNZ_FLOAT64) && !defined(NNZ_STRICT)
#define NNZ_FLOAT32
#endif
#include "network.h"

#include <stdlib.h>
#include <string.h>
#include <tgmath.h>

#include "../kernels.h"
#include "failure.h"

static void net_tensors(const Network *net, Group group, Tensor tensors[N_PARAMETERS]) {
    static const char *const names[N_GROUPS][N_PARAMETERS] = {
        {"wte", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"},
        {"dwte", "dfc1.weight", "dfc1.bias", "dfc2.weight", "dfc2.bias"},
        {"m.wte", "m.fc1.weight", "m.fc1.bias", "m.fc2.weight", "m.fc2.bias"},
        {"v.wte", "v.fc1.weight", "v.fc1.bias", "v.fc2.weight", "v.fc2.bias"}};
    const size_t rows[] = {net->V, net->H, net->H, net->V, net->V}, columns[] = {net->E, net->T * net->E, 0, net->H, 0};
    real *data = net->flat[group];
    for (size_t i = 0; i < N_PARAMETERS; i++) {
        tensors[i] = (Tensor){.name = names[group][i],
                              .dtype = net->dtype,
                              .rank = columns[i] > 0 ? 2 : 1,
                              .shape = {rows[i], columns[i]},
                              .data = data};
        data += rows[i] * (columns[i] > 0 ? columns[i] : 1);
    }
}

static void net_initialize(const Network *net, uint64_t seed) {
    mlp_draw_parameters(net->flat[PARAMETERS], net->V, net->T, net->E, net->H, seed);
}

static double net_forward(const Network *net, void *logits, const int32_t *inputs, const int32_t *targets, size_t B) {
    real loss = 0;
    if (mlp_forward(net->model, logits, &loss, inputs, targets, B) != 0) {
        fail(COULD_NOT_BE_DONE, "out of memory for a batch of %zu", B);
    }
    return (double)loss;
}

static void net_backward(const Network *net) { mlp_backward(net->model, net->flat[GRADIENTS]); }

static void net_sgd(const Network *net, double lr, double weight_decay) {
    sgd_step(net->flat[PARAMETERS], net->flat[GRADIENTS], net->n, lr, weight_decay);
}

static void net_adamw(const Network *net, int64_t t, double lr, double beta1, double beta2, double eps,
                      double weight_decay) {
    adamw_step(net->flat[PARAMETERS], net->flat[FIRST_MOMENTS], net->flat[SECOND_MOMENTS], net->flat[GRADIENTS], net->n,
               t, lr, beta1, beta2, eps, weight_decay);
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
    const size_t V = net->V;
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

static const void *net_activation(const Network *net, const char *name) { return mlp_tensor(net->model, name); }

static void net_free(const Network *net) {
    mlp_free(net->model);
    for (Group group = PARAMETERS; group < N_GROUPS; group++) { free(net->flat[group]); }
}

Network NAME(network)(size_t V, size_t T, size_t E, size_t H) {
    Network net = {.V = V, .T = T, .E = E, .H = H, .n = mlp_parameter_count(V, T, E, H)};
    net.dtype = sizeof(real) == 8 ? FLOAT64 : FLOAT32;
    for (Group group = PARAMETERS; group < N_GROUPS; group++) { net.flat[group] = allocate(net.n, sizeof(real)); }
    net.model = mlp_new(net.flat[PARAMETERS], V, T, E, H);
    if (net.model == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    net.tensors = net_tensors, net.initialize = net_initialize, net.free = net_free;
    net.forward = net_forward, net.backward = net_backward, net.activation = net_activation;
    net.sgd = net_sgd, net.adamw = net_adamw, net.choose = net_choose;
    return net;
}
