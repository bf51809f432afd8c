#include "run.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../fast/threads.h"
#include "../strict/tally.h"
#include "failure.h"
#include "process.h"

// Sizes whose products would not fit into a size_t ask for more memory than any machine has.
static void check_sizes(double V, double T, double E, double H, double B) {
    const double max = 0x1p48, parameters = H * T * E + V * (H + E), activations = B * (2 * T * E + 4 * H + 2 * V);
    if (parameters > max || activations > max) {
        fail(COULD_NOT_BE_DONE, "out of memory: %.3g parameters, %.3g activations", parameters, activations);
    }
}

// Compute a step and forget it: a batch too large for the memory is found before an earlier run is lost.
static void try_step(const Run *run) {
    Loader loader = loader_init(&run->data->train, run->net.T, (size_t)run->settings->batch_size, 0);
    loader_next(&loader);
    run->net.forward(&run->net, run->logits, loader.inputs, loader.targets, loader.B);
    run->net.backward(&run->net);
    loader_free(&loader);
}

Run run_init(const Settings *s, const Dataset *data) {
    static Folder folder;  // 20 KB of paths: not on the stack, which may be small
    Run run = {.settings = s, .data = data, .folder = &folder, .val_loss = NAN, .best_val_loss = INFINITY};
    const size_t V = data->vocabulary.size, B = (size_t)s->batch_size, T = (size_t)s->context_length;
    const size_t E = (size_t)s->embedding_size, H = (size_t)s->hidden_size;
    if (s->threads > 0) {
        set_threads((int)s->threads);
    }
    check_sizes((double)V, (double)T, (double)E, (double)H, (double)B);
    NewNetwork *new_network = strcmp(s->precision, "strict") == 0 ? network_strict
                              : strcmp(s->dtype, "float64") == 0  ? network_float64
                                                                  : network_float32;
    run.net = new_network(V, T, E, H);
    run.net.initialize(&run.net, s->seed);
    run.logits = allocate(B * V, DTYPES[run.net.dtype].size);
    dataset_check(data, T);
    folder = folder_open(s->out);
    const bool found = access(folder.checkpoint, F_OK) == 0;
    if (s->resume && found) {
        checkpoint_resume(&run);
        note("%s: going on from step %" PRId64, s->out, run.step);
        if (run.goes_on && strcmp(s->schedule, "constant") != 0) {
            note("the %s schedule now ends at step %" PRId64
                 ", and the learning rate goes on at %.3g: not the run that "
                 "%" PRId64 " steps from the start give",
                 s->schedule, s->steps, learning_rate(s, run.step), s->steps);
        }
    } else {
        run.recipe = text_copy("names"), run.config = config_text(s), run.printed = text_copy("");
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
    free(run->logits), free(run->recipe), free(run->config), free(run->printed);
}
