// conformance_use.h: what a model is for: to be trained, to be sampled from, and to be kept in a file.
#include <inttypes.h>
#include <stdio.h>

#include "digests.h"
#include "sampler.h"

// The t-th step of AdamW on one batch, with the settings of the case; the loss before it goes to `loss`.
static void train(Network *net, const Case *c, real *loss, const int32_t *inputs, const int32_t *targets, size_t B,
                  int64_t t, double lr) {
    const double beta1 = case_number(c, "beta1"), beta2 = case_number(c, "beta2"), eps = case_number(c, "eps");
    const double weight_decay = case_number(c, "weight_decay");
    real *logits = allocate(B * net->V, sizeof *logits);
    forward(net, logits, loss, inputs, targets, B);
    mlp_backward(net->model, net->gradients);
    adamw_step(net->parameters, net->m, net->v, net->gradients, net->n, t, lr, beta1, beta2, eps, weight_decay);
    free(logits);
}

static void out_state(Case *c, const Network *net) {
    out_flat(c, PARAMETERS, net->parameters);
    out_flat(c, FIRST, net->m);
    out_flat(c, SECOND, net->v);
}

static void run_training(Case *c) {
    case_in(c, "inputs", "SBT", INT32);
    Network net = network(c);
    const int32_t *inputs = case_ids(c, "inputs", "SBT", net.V), *targets = case_ids(c, "targets", "SB", net.V);
    const double *lr = case_in(c, "lr", "S", FLOAT64);
    const size_t B = SIZE('B');
    real *losses = out(c, "losses", "S");
    for (size_t s = 0; s < SIZE('S'); s++) {
        train(&net, c, losses + s, inputs + s * B * net.T, targets + s * B, B, (int64_t)s + 1, lr[s]);
    }
    out_state(c, &net);
    network_free(&net);
}

static void run_sampling(Case *c) {
    case_in(c, "context", "T", INT32);
    Network net = network(c);
    const int32_t *context = case_ids(c, "context", "T", net.V);
    const double temperature = case_number(c, "temperature");
    if (temperature < 0) {
        fail(ASKED_WRONGLY, "temperature = %g is below 0", temperature);
    }
    const size_t top_k = (size_t)case_whole(c, "top_k", 0, INT32_MAX);
    Sampler sampler = sampler_init(net.model, net.V, net.T, temperature, top_k);
    memcpy(sampler.context, context, net.T * sizeof *context);
    RNG rng = {case_seed(c, "seed")};
    SIZE('S') = case_size(c, "count");
    int32_t *tokens = case_out(c, "tokens", "S", INT32);
    for (size_t i = 0; i < SIZE('S'); i++) { tokens[i] = sampler_next(&sampler, &rng); }
    sampler_free(&sampler);
    network_free(&net);
}

// Write the file at `path`: what was read, with the arrays of its `outputs`, the step and t counted on by one, and the
// hashes of that.
static void save_next(Case *file, const char *path) {
    const size_t n = file->request.n_metadata;
    char step[24], t[24], first[SHA256_TEXT], second[SHA256_TEXT];
    snprintf(step, sizeof step, "%" PRId64, case_whole(file, "step", 0, INT64_MAX - 1) + 1);
    snprintf(t, sizeof t, "%" PRId64, case_whole(file, "t", 0, INT64_MAX - 1) + 1);
    Metadata *metadata = allocate(n, sizeof *metadata);
    memcpy(metadata, file->request.metadata, n * sizeof *metadata);
    for (size_t i = 0; i < n; i++) {
        const char *keys[] = {"step", "t", PARAMETERS_HASH, HASH}, *values[] = {step, t, first, second};
        for (size_t j = 0; j < 4; j++) {
            metadata[i].value = strcmp(metadata[i].key, keys[j]) == 0 ? values[j] : metadata[i].value;
        }
    }
    digests_of(metadata, n, file->outputs, file->n_outputs, first, second);
    tensors_write(path, true, file->outputs, file->n_outputs, metadata, n);
    free(metadata);
}

// Go on from the checkpoint at `load` for one step, and leave another one at `save`.
static void run_checkpoint(Case *c) {
    Case file = {.request = tensors_read(case_text(c, "load"))};
    digests_check(&file.request);
    case_in(c, "inputs", "BT", INT32);
    file.sizes['T'] = SIZE('T');
    Network net = network(&file);
    in_flat(&file, FIRST, net.m), in_flat(&file, SECOND, net.v);
    const int32_t *inputs = case_ids(c, "inputs", "BT", net.V), *targets = case_ids(c, "targets", "B", net.V);
    const int64_t t = case_whole(&file, "t", 0, INT64_MAX - 1) + 1;
    train(&net, c, out(c, "loss", ""), inputs, targets, SIZE('B'), t, case_number(c, "lr"));
    out_state(&file, &net);
    save_next(&file, case_text(c, "save"));
    network_free(&net);
    case_free(&file);
}
