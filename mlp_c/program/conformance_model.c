// conformance_model.c: the protocol's functions of a whole model: first weights, one pass, training, sampling, a
// checkpoint.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conformance.h"
#include "digests.h"
#include "failure.h"
#include "sampling.h"

enum { N_PARAMETERS = 5 };
static const char *const NAMES[N_GROUPS][N_PARAMETERS] = {
    {"wte", "fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"},
    {"dwte", "dfc1.weight", "dfc1.bias", "dfc2.weight", "dfc2.bias"},
    {"m.wte", "m.fc1.weight", "m.fc1.bias", "m.fc2.weight", "m.fc2.bias"},
    {"v.wte", "v.fc1.weight", "v.fc1.bias", "v.fc2.weight", "v.fc2.bias"}};
static const char *const SHAPES[N_PARAMETERS] = {"VE", "HN", "H", "VH", "V"};  // N is T*E

// Read the five arrays of a group from the request.
static void read_group(Case *c, const Network *net, Group group) {
    const Tensor *tensors = net->tensors[group];
    for (int i = 0; i < N_PARAMETERS; i++) {
        memcpy(tensors[i].data, case_in(c, NAMES[group][i], SHAPES[i]), tensor_bytes(tensors + i));
    }
}

// Give the response the five arrays of a group.
static void write_group(Case *c, const Network *net, Group group) {
    const Tensor *tensors = net->tensors[group];
    for (int i = 0; i < N_PARAMETERS; i++) { case_copy(c, NAMES[group][i], SHAPES[i], tensors[i].data); }
}

// A network with the request's parameters; an array that was read before gave T.
static Network network(Case *c) {
    case_in(c, "wte", "VE");
    SIZE('N') = SIZE('T') * SIZE('E');
    for (int i = 1; i < N_PARAMETERS; i++) { case_in(c, NAMES[PARAMETERS][i], SHAPES[i]); }
    const Network net = c->new_network(&(Shape){.V = SIZE('V'), .T = SIZE('T'), .E = SIZE('E'), .H = SIZE('H')});
    read_group(c, &net, PARAMETERS);
    return net;
}

// A size that is given as a number. A product of three of them does not overflow.
static size_t case_size(const Case *c, const char *key) { return (size_t)case_integer(c, key, 1, 1 << 20); }

static void run_initial_weights(Case *c) {
    const size_t V = SIZE('V') = case_size(c, "V"), T = SIZE('T') = case_size(c, "T");
    const size_t E = SIZE('E') = case_size(c, "E"), H = SIZE('H') = case_size(c, "H");
    SIZE('N') = T * E;
    Network net = c->new_network(&(Shape){.V = V, .T = T, .E = E, .H = H});
    net.initialize(&net, case_seed(c, "seed"));
    write_group(c, &net, PARAMETERS);
    net.free(&net);
}

// array[i] = x, which is a number of the case's dtype.
static void store(const Case *c, void *array, size_t i, double x) {
    if (c->dtype == FLOAT64) {
        ((double *)array)[i] = x;
    } else {
        ((float *)array)[i] = (float)x;
    }
}

static void run_mlp(Case *c) {
    static const char *const names[] = {"emb", "h_pre", "h", "probs", "dlogits", "dh", "dh_pre", "demb"};
    static const char *const shapes[] = {"BTE", "BH", "BH", "BV", "BV", "BH", "BH", "BTE"};
    case_in_as(c, "inputs", "BT", INT32);
    Network net = network(c);
    const int32_t *inputs = case_ids(c, "inputs", "BT", net.shape.V);
    const int32_t *targets = case_has(c, "targets") ? case_ids(c, "targets", "B", net.shape.V) : NULL;
    void *logits = case_out(c, "logits", "BV");
    const double loss = net.forward(&net, logits, inputs, targets, SIZE('B'), SIZE('T'), -1);
    if (targets != NULL) {
        store(c, case_out(c, "loss", ""), 0, loss);
        net.backward(&net);
        write_group(c, &net, GRADIENTS);
        for (int i = 0; i < 8; i++) { case_copy(c, names[i], shapes[i], net.activation(&net, names[i])); }
    }
    net.free(&net);
}

// The t-th step of AdamW on one batch, with the settings of the case. Returns the loss before it.
static double train_step(const Network *net, const Case *c, const int32_t *inputs, const int32_t *targets, size_t B,
                         int64_t t, double lr) {
    const double beta1 = case_number(c, "beta1"), beta2 = case_number(c, "beta2"), eps = case_number(c, "eps");
    const double weight_decay = case_number(c, "weight_decay");
    void *logits = allocate(B * net->shape.V, DTYPES[net->dtype].size);
    const double loss = net->forward(net, logits, inputs, targets, B, SIZE('T'), -1);
    net->backward(net);
    net->adamw(net, t, lr, beta1, beta2, eps, weight_decay, false);
    free(logits);
    return loss;
}

static void write_state(Case *c, const Network *net) {
    write_group(c, net, PARAMETERS);
    write_group(c, net, FIRST_MOMENTS);
    write_group(c, net, SECOND_MOMENTS);
}

static void run_training(Case *c) {
    case_in_as(c, "inputs", "SBT", INT32);
    Network net = network(c);
    const int32_t *inputs = case_ids(c, "inputs", "SBT", net.shape.V),
                  *targets = case_ids(c, "targets", "SB", net.shape.V);
    const double *lr = case_in_as(c, "lr", "S", FLOAT64);
    const size_t B = SIZE('B');
    void *losses = case_out(c, "losses", "S");
    for (size_t s = 0; s < SIZE('S'); s++) {
        const int64_t t = (int64_t)s + 1;
        store(c, losses, s, train_step(&net, c, inputs + s * B * net.shape.T, targets + s * B, B, t, lr[s]));
    }
    write_state(c, &net);
    net.free(&net);
}

static void run_sampling(Case *c) {
    case_in_as(c, "context", "T", INT32);
    Network net = network(c);
    const int32_t *context = case_ids(c, "context", "T", net.shape.V);
    const double temperature = case_number(c, "temperature");
    if (temperature < 0) {
        fail(ASKED_WRONGLY, "temperature = %g is below 0", temperature);
    }
    Sampler sampler = sampler_init(&net, temperature, (size_t)case_integer(c, "top_k", 0, INT32_MAX));
    memcpy(sampler.context, context, net.shape.T * sizeof *context);
    RNG rng = {case_seed(c, "seed")};
    SIZE('S') = case_size(c, "count");
    int32_t *tokens = case_out_as(c, "tokens", "S", INT32);
    for (size_t i = 0; i < SIZE('S'); i++) { tokens[i] = sampler_next(&sampler, rng_uniform(&rng)); }
    sampler_free(&sampler);
    net.free(&net);
}

// Write the file at `path`: the one that was read, with the arrays of its `outputs`, step and t one higher, and new
// hashes.
static void save_next(Case *file, const char *path) {
    const size_t n = file->request.n_metadata;
    char step[24], t[24], parameters_hash[SHA256_TEXT], hash[SHA256_TEXT];
    snprintf(step, sizeof step, "%" PRId64, case_integer(file, "step", 0, INT64_MAX - 1) + 1);
    snprintf(t, sizeof t, "%" PRId64, case_integer(file, "t", 0, INT64_MAX - 1) + 1);
    Metadata *metadata = allocate(n, sizeof *metadata);
    memcpy(metadata, file->request.metadata, n * sizeof *metadata);
    for (size_t i = 0; i < n; i++) {
        const char *keys[] = {"step", "t", PARAMETERS_HASH, HASH}, *values[] = {step, t, parameters_hash, hash};
        for (size_t j = 0; j < 4; j++) {
            metadata[i].value = strcmp(metadata[i].key, keys[j]) == 0 ? values[j] : metadata[i].value;
        }
    }
    digests_of(metadata, n, file->outputs, file->n_outputs, parameters_hash, hash);
    tensors_write(path, true, file->outputs, file->n_outputs, metadata, n);
    free(metadata);
}

// Go on from the checkpoint at `load` for one step, and leave another one at `save`.
static void run_checkpoint(Case *c) {
    Case file = {.request = tensors_read(case_text(c, "load"), "save it again"),
                 .dtype = c->dtype,
                 .new_network = c->new_network};
    digests_check(&file.request);
    case_in_as(c, "inputs", "BT", INT32);
    file.sizes['T'] = SIZE('T');
    Network net = network(&file);
    read_group(&file, &net, FIRST_MOMENTS), read_group(&file, &net, SECOND_MOMENTS);
    const int32_t *inputs = case_ids(c, "inputs", "BT", net.shape.V),
                  *targets = case_ids(c, "targets", "B", net.shape.V);
    const int64_t t = case_integer(&file, "t", 0, INT64_MAX - 1) + 1;
    void *loss = case_out(c, "loss", "");
    store(c, loss, 0, train_step(&net, c, inputs, targets, SIZE('B'), t, case_number(c, "lr")));
    write_state(&file, &net);
    save_next(&file, case_text(c, "save"));
    net.free(&net);
    case_free(&file);
}

const Function MODEL_FUNCTIONS[] = {
    {"initial_weights", run_initial_weights}, {"mlp", run_mlp}, {"training", run_training}, {"sampling", run_sampling},
    {"checkpoint", run_checkpoint},           {NULL, NULL}};
