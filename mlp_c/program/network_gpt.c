// network_gpt.c: a network that is a GPT, in one precision: see network.c.
#if !defined(NNZ_FLOAT64) && !defined(NNZ_STRICT)
#define NNZ_FLOAT32
#endif
#include "network.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../gpt_c/kernels.h"
#include "failure.h"

// The model in C is made for batches of one shape, and made anew for another.
typedef struct {
    GPTConfig config;
    GPT *gpt;
    size_t B, T;
    real *cache;  // of one sample, once there is one
} Model;

static Model *model_for(const Network *net, size_t B, size_t T) {
    Model *m = net->model;
    if (m->gpt == NULL || m->B != B || m->T != T) {
        gpt_free(m->gpt);
        m->gpt = gpt_new(net->flat[PARAMETERS], &m->config, B, T), m->B = B, m->T = T;
        if (m->gpt == NULL) {
            fail(COULD_NOT_BE_DONE, "out of memory for a batch of %zu", B);
        }
    }
    return m;
}

static void of_gpt_initialize(const Network *net, uint64_t seed) {
    const Model *m = net->model;
    gpt_draw_parameters(net->flat[PARAMETERS], &m->config, seed);
}

static double of_gpt_forward(const Network *net, void *logits, const int32_t *inputs, const int32_t *targets, size_t B,
                             size_t T, int64_t step) {
    real loss = 0;
    const bool training = step >= 0;
    gpt_forward(model_for(net, B, T)->gpt, logits, &loss, inputs, targets, training, training ? (uint64_t)step : 0);
    return (double)loss;
}

static void of_gpt_backward(const Network *net) {
    const Model *m = net->model;
    gpt_backward(m->gpt, net->flat[GRADIENTS]);
}

// As clip_grad_norm of common/backend/clipping.py.
static double of_gpt_clip(const Network *net, double max_norm) {
    double total = 0, sum;
    for (size_t i = 0; i < net->n_tensors; i++) {
        const Tensor *g = net->tensors[GRADIENTS] + i;
        square_sum(&sum, g->data, tensor_bytes(g) / sizeof(real));
        total += sum;
    }
    const double norm = sqrt(total), scale = max_norm / (norm + 1e-6);
    if (scale < 1) {
        clip_step(net->flat[GRADIENTS], net->n, scale);
    }
    return norm;
}

static void of_gpt_append(const Network *net, void *logits, int32_t token, size_t t) {
    Model *m = model_for(net, 1, 1);
    if (m->cache == NULL) {
        m->cache = allocate(gpt_cache_size(&m->config, 1), sizeof(real));
    }
    gpt_append(m->gpt, logits, m->cache, &token, 1, t);
}

static const void *of_gpt_activation(const Network *net, const char *name) {
    const Model *m = net->model;
    const char *rest = strncmp(name, "blocks.", 7) == 0 ? strchr(name + 7, '.') : NULL;
    const size_t block = rest == NULL ? m->config.L : strtoul(name + 7, NULL, 10);
    return m->gpt == NULL || block > m->config.L ? NULL : gpt_tensor(m->gpt, rest == NULL ? name : rest + 1, block);
}

static void of_gpt_free(const Network *net) {
    Model *m = net->model;
    gpt_free(m->gpt), free(m->cache), free(m);
}

// The name of parameter i, as nnz.gpt.GPT has it.
static const char *name_of(char name[64], size_t i, size_t L) {
    static const char *const before[] = {"wte.weight", "wpe.weight"};
    static const char *const block[] = {
        "norm1.weight",          "norm1.bias",          "attention.qkv.weight", "attention.qkv.bias",
        "attention.proj.weight", "attention.proj.bias", "norm2.weight",         "norm2.bias",
        "mlp.fc1.weight",        "mlp.fc1.bias",        "mlp.fc2.weight",       "mlp.fc2.bias"};
    static const char *const after[] = {"norm.weight", "norm.bias", "head.weight", "head.bias"};
    if (i < 2 || i >= 2 + 12 * L) {
        snprintf(name, 64, "%s", i < 2 ? before[i] : after[i - 2 - 12 * L]);
    } else {
        snprintf(name, 64, "blocks.%zu.%s", (i - 2) / 12, block[(i - 2) % 12]);
    }
    return name;
}

Network NAME(gpt_network)(const Shape *s) {
    const size_t most = 6 + 12 * s->L;
    const GPTConfig config = {.V = s->V,
                              .T = s->T,
                              .L = s->L,
                              .H = s->H,
                              .E = s->E,
                              .gelu = s->gpt2,
                              .rms = s->microgpt,
                              .norm_first = s->microgpt,
                              .qkv_bias = s->gpt2,
                              .linear_bias = !s->microgpt,
                              .head_bias = !s->gpt2 && !s->microgpt,
                              .tied_head = s->gpt2,
                              .dropout = s->dropout,
                              .embedding_dropout = s->embedding_dropout,
                              .dropout_seed = s->dropout_seed};
    Tensor *parameters = allocate(most, sizeof *parameters);
    char (*names)[64] = allocate(most, sizeof *names);
    size_t n_tensors = 0;
    for (size_t i = 0; i < most; i++) {
        const bool is_fc2 = i > 2 && i < most - 4 && (i - 2) % 12 == 10;
        const size_t n = gpt_parameter_size(&config, i), columns = is_fc2 ? 4 * s->E : s->E;
        if (n > 0) {
            Tensor *p = parameters + n_tensors++;
            *p = (Tensor){.name = name_of(names[i], i, s->L), .rank = 1, .shape = {n}};
            if (gpt_is_matrix(i)) {
                p->rank = 2, p->shape[0] = n / columns, p->shape[1] = columns;
            }
        }
    }
    Network net = NAME(base_network)(s, parameters, n_tensors);
    free(parameters), free(names);
    Model *m = allocate(1, sizeof *m);
    m->config = config;
    net.model = m, net.at_every_position = true;
    net.initialize = of_gpt_initialize, net.forward = of_gpt_forward, net.backward = of_gpt_backward;
    net.clip = of_gpt_clip, net.append = of_gpt_append, net.free_model = of_gpt_free;
    net.activation = of_gpt_activation;
    return net;
}
