// conformance_mlp.h: the whole model on the arrays of a case: its first weights, and one pass.
#include <stdlib.h>
#include <string.h>

#include "../mlp.h"
#include "initial.h"

enum { N_PARAMETERS = 5 };

static const char *const PARAMETERS[] = {"wte", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"};
static const char *const SHAPES[] = {"VE", "HN", "H", "VH", "V"};  // N is T*E
static const char *const GRADIENTS[] = {"dwte", "dfc1.weight", "dfc1.bias", "dfc2.weight", "dfc2.bias"};
static const char *const FIRST[] = {"m.wte", "m.fc1.weight", "m.fc1.bias", "m.fc2.weight", "m.fc2.bias"};
static const char *const SECOND[] = {"v.wte", "v.fc1.weight", "v.fc1.bias", "v.fc2.weight", "v.fc2.bias"};

// Give `flat` the five arrays of these names.
static void in_flat(Case *c, const char *const *names, real *flat) {
    for (int i = 0; i < N_PARAMETERS; i++) {
        const real *values = in(c, names[i], SHAPES[i]);
        const size_t bytes = tensor_bytes(tensors_find(&c->request, names[i]));
        memcpy(flat, values, bytes);
        flat += bytes / sizeof *flat;
    }
}

// Give the response one flat array of all parameters, or as many numbers, as five arrays.
static void out_flat(Case *c, const char *const *names, const real *flat) {
    for (int i = 0; i < N_PARAMETERS; i++) {
        case_copy(c, names[i], SHAPES[i], REAL, flat);
        flat += tensor_bytes(c->outputs + c->n_outputs - 1) / sizeof *flat;
    }
}

typedef struct {
    size_t V, T, E, H, n;  // n parameters
    real *parameters, *gradients, *m, *v;
    MLP *model;
} Network;

// The model of the request's parameters; some array has told T before.
static Network network(Case *c) {
    in(c, "wte", "VE");
    Network net = {.V = SIZE('V'), .T = SIZE('T'), .E = SIZE('E')};
    SIZE('N') = net.T * net.E;
    for (int i = 1; i < N_PARAMETERS; i++) { in(c, PARAMETERS[i], SHAPES[i]); }
    net.H = SIZE('H');
    net.n = mlp_parameter_count(net.V, net.T, net.E, net.H);
    net.parameters = allocate(net.n, sizeof(real)), net.gradients = allocate(net.n, sizeof(real));
    net.m = allocate(net.n, sizeof(real)), net.v = allocate(net.n, sizeof(real));
    in_flat(c, PARAMETERS, net.parameters);
    net.model = mlp_new(net.parameters, net.V, net.T, net.E, net.H);
    if (net.model == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    return net;
}

static void network_free(Network *net) {
    mlp_free(net->model);
    free(net->parameters), free(net->gradients), free(net->m), free(net->v);
}

static void forward(const Network *net, real *logits, real *loss, const int32_t *inputs, const int32_t *targets,
                    size_t B) {
    if (mlp_forward(net->model, logits, loss, inputs, targets, B) != 0) {
        fail(COULD_NOT_BE_DONE, "out of memory for a batch of %zu", B);
    }
}

// A size that is told as a number; the product of three of them overflows nothing.
static size_t case_size(const Case *c, const char *key) { return (size_t)case_whole(c, key, 1, 1 << 20); }

static void run_initial_weights(Case *c) {
    const size_t V = SIZE('V') = case_size(c, "V"), T = SIZE('T') = case_size(c, "T");
    const size_t E = SIZE('E') = case_size(c, "E"), H = SIZE('H') = case_size(c, "H");
    SIZE('N') = T * E;
    real *parameters = allocate(mlp_parameter_count(V, T, E, H), sizeof *parameters);
    draw_parameters(parameters, V, T, E, H, case_seed(c, "seed"));
    out_flat(c, PARAMETERS, parameters);
    free(parameters);
}

static void run_mlp(Case *c) {
    static const char *const names[] = {"emb", "h_pre", "h", "probs", "dlogits", "dh", "dh_pre", "demb"};
    static const char *const shapes[] = {"BTE", "BH", "BH", "BV", "BV", "BH", "BH", "BTE"};
    case_in(c, "inputs", "BT", INT32);
    Network net = network(c);
    const int32_t *inputs = case_ids(c, "inputs", "BT", net.V);
    const int32_t *targets = tensors_find(&c->request, "targets") ? case_ids(c, "targets", "B", net.V) : NULL;
    real *logits = out(c, "logits", "BV");
    if (targets == NULL) {
        forward(&net, logits, NULL, inputs, NULL, SIZE('B'));
    } else {
        forward(&net, logits, out(c, "loss", ""), inputs, targets, SIZE('B'));
        mlp_backward(net.model, net.gradients);
        out_flat(c, GRADIENTS, net.gradients);
        for (int i = 0; i < 8; i++) { case_copy(c, names[i], shapes[i], REAL, mlp_tensor(net.model, names[i])); }
    }
    network_free(&net);
}
