// network_mlp.c: a network that is an MLP, in one precision: see network.c.
#if !defined(NNZ_FLOAT64) && !defined(NNZ_STRICT)
#define NNZ_FLOAT32
#endif
#include "network.h"

#include "../kernels.h"
#include "failure.h"

static void of_mlp_initialize(const Network *net, uint64_t seed) {
    const Shape *s = &net->shape;
    mlp_draw_parameters(net->flat[PARAMETERS], s->V, s->T, s->E, s->H, seed);
}

static double of_mlp_forward(const Network *net, void *logits, const int32_t *inputs, const int32_t *targets, size_t B,
                             size_t T, int64_t step) {
    real loss = 0;
    (void)T, (void)step;
    if (mlp_forward(net->model, logits, &loss, inputs, targets, B) != 0) {
        fail(COULD_NOT_BE_DONE, "out of memory for a batch of %zu", B);
    }
    return (double)loss;
}

static void of_mlp_backward(const Network *net) { mlp_backward(net->model, net->flat[GRADIENTS]); }

static const void *of_mlp_activation(const Network *net, const char *name) { return mlp_tensor(net->model, name); }

static void of_mlp_free(const Network *net) { mlp_free(net->model); }

Network NAME(mlp_network)(const Shape *s) {
    const Tensor parameters[] = {{.name = "wte", .rank = 2, .shape = {s->V, s->E}},
                                 {.name = "fc1.weight", .rank = 2, .shape = {s->H, s->T * s->E}},
                                 {.name = "fc1.bias", .rank = 1, .shape = {s->H}},
                                 {.name = "fc2.weight", .rank = 2, .shape = {s->V, s->H}},
                                 {.name = "fc2.bias", .rank = 1, .shape = {s->V}}};
    Network net = NAME(base_network)(s, parameters, sizeof parameters / sizeof *parameters);
    net.model = mlp_new(net.flat[PARAMETERS], s->V, s->T, s->E, s->H);
    if (net.model == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    net.initialize = of_mlp_initialize, net.forward = of_mlp_forward, net.backward = of_mlp_backward;
    net.activation = of_mlp_activation, net.free_model = of_mlp_free;
    return net;
}
