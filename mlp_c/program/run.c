#include "run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../fast/threads.h"
#include "../strict/tally.h"
#include "failure.h"
#include "process.h"

// Sizes whose products would not fit into a size_t ask for more memory than any machine has; on 32 bits that is soon.
static void check_sizes(const Shape *s, double B) {
    const double max = fmin(0x1p48, (double)(SIZE_MAX / 32));
    const double V = (double)s->V, T = (double)s->T, E = (double)s->E, H = (double)s->H, L = (double)s->L;
    const double of_mlp = H * T * E + V * (H + E), of_gpt = (2 * V + T + 12 * L * E) * E;
    const double parameters = L > 0 ? of_gpt : of_mlp;
    const double activations = B * (L > 0 ? T * (16 * L * E + 2 * L * H * T + 3 * V) : 2 * T * E + 4 * H + 2 * V);
    if (parameters > max || activations > max) {
        fail(COULD_NOT_BE_DONE, "out of memory: %.3g parameters, %.3g activations", parameters, activations);
    }
}

static Shape shape_of(const Settings *s, size_t V) {
    const bool gpt = is(s->model, "gpt");
    return (Shape){.V = V,
                   .T = (size_t)s->context_length,
                   .E = (size_t)(gpt ? s->n_embd : s->embedding_size),
                   .H = (size_t)(gpt ? s->n_head : s->hidden_size),
                   .L = (size_t)s->n_layer,
                   .gpt2 = is(s->shape, "gpt2"),
                   .microgpt = is(s->shape, "microgpt"),
                   .dropout = s->dropout,
                   .embedding_dropout = s->embedding_dropout,
                   .dropout_seed = s->seed};
}

static NewNetwork *new_network(const Settings *s) {
    const bool gpt = is(s->model, "gpt");
    return is(s->precision, "strict") ? gpt ? gpt_network_strict : mlp_network_strict
           : is(s->dtype, "float64")  ? gpt ? gpt_network_float64 : mlp_network_float64
           : gpt                      ? gpt_network_float32
                                      : mlp_network_float32;
}

// Compute a step and forget it: a batch too large for the memory is found before an earlier run is lost.
static void try_step(const Run *run) {
    const Network *net = &run->net;
    Loader loader =
        loader_init(&run->data->train, net->shape.T, (size_t)run->settings->batch_size, net->at_every_position, 0, 0);
    loader_next(&loader);
    net->forward(net, run->logits, loader.inputs, loader.targets, loader.B, loader.T, 0);
    net->backward(net);
    loader_free(&loader);
}

Run run_init(const Settings *s, const Dataset *data) {
    static Folder folder;  // 20 KB of paths: not on the stack, which may be small
    Run run = {.settings = s,
               .data = data,
               .folder = &folder,
               .saved_at = -INFINITY,
               .val_loss = NAN,
               .best_val_loss = INFINITY};
    const size_t V = data->vocabulary.size, B = (size_t)s->batch_size, T = (size_t)s->context_length;
    const Shape shape = shape_of(s, V);
    if (s->threads > 0) {
        set_threads((int)s->threads);
    }
    dataset_check(data, T);
    check_sizes(&shape, (double)B);
    run.net = new_network(s)(&shape);
    if (shape.microgpt) {
        run.twister = allocate(1, sizeof *run.twister);
        *run.twister = microgpt_initialize(&run.net, s->seed, data);
    } else {
        run.net.initialize(&run.net, s->seed);
    }
    run.logits = allocate(B * (run.net.at_every_position ? T : 1) * V, DTYPES[run.net.dtype].size);
    folder = folder_open(s->out);
    const bool found = path_exists(folder.checkpoint);
    if (s->resume && found) {
        checkpoint_resume(&run);
        note("%s: going on from step %" PRId64, s->out, run.step);
        if (run.goes_on && !is(s->schedule, "constant")) {
            note("the %s schedule now ends at step %" PRId64
                 ", and the learning rate goes on at %.3g: not the run that "
                 "%" PRId64 " steps from the start give",
                 s->schedule, s->steps, learning_rate(s, run.step), s->steps);
        }
    } else {
        run.recipe = text_copy(RECIPES[s->recipe]), run.config = config_text(s), run.printed = text_copy("");
        if (found && !s->resume && !s->restart && checkpoint_show(&run)) {
            note("%s holds this run, finished: here are its results; to train again, add --restart", s->out);
            flush_results();
            exit(0);
        }
        if (s->restart) {
            try_step(&run);
        }
        const bool cleared = folder_clear(&folder, s->resume, s->restart);
        if (s->resume) {
            note("%s holds no checkpoint to resume; starting at step 0", s->out);
        }
        if (cleared) {
            note("%s holds an earlier run; its files are replaced", s->out);
        }
        log_start(&folder);
    }
    file_replace(folder.config, run.config, strlen(run.config));
    tally_read(&run.rounded, &run.summed);
    return run;
}

void run_free(Run *run) {
    run->net.free(&run->net);
    free(run->logits), free(run->recipe), free(run->config), free(run->printed), free(run->best.parameters),
        free(run->twister);
}
