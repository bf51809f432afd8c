// run.h: the training loop, evaluation. In `real`: train_float32.c, train_float64.c and train_strict.c compile it.
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tgmath.h>
#include <unistd.h>

#include "../mlp.h"
#include "../ops.h"
#include "../tally.h"
#include "checkpoint.h"
#include "settings.h"
#include "digests.h"
#include "failure.h"
#include "file.h"
#include "rng.h"
#include "stop.h"
#include "train.h"

#include "initial.h"
#include "sampler.h"
#include "samples.h"
#include "state.h"

static double forward(const Run *run, const Loader *batch) {
    real loss;
    if (mlp_forward(run->model, run->logits, &loss, batch->inputs, batch->targets, run->B) != 0) {
        fail(COULD_NOT_BE_DONE, "out of memory for a batch of %zu", run->B);
    }
    return (double)loss;
}

// The mean of the first batches' mean losses; of all n / B batches where `batches` is 0, and of one at least. Whoever
// asks to stop meanwhile gets some other number.
static double mean_loss(const Run *run, const Tape *tape, size_t batches) {
    double total = 0;
    Loader loader = loader_init(tape, run->T, run->B, 0);
    if (batches == 0) {
        batches = tape->n < run->B ? 1 : tape->n / run->B;
    }
    for (size_t i = 0; i < batches && !stop_asked(); i++) {
        loader_next(&loader);
        total += forward(run, &loader);
    }
    loader_free(&loader);
    return total / (double)batches;
}

static double learning_rate(const Settings *s, int64_t step) {
    const double pi = 3.14159265358979323846;
    if (strcmp(s->schedule, "constant") == 0) {
        return s->lr;
    }
    return s->lr * 0.5 * (1 + cos(pi * (double)step / (double)s->steps));
}

static void update(Run *run, double lr) {
    const double decay = run->settings->weight_decay;
    run->t++;
    mlp_backward(run->model, run->gradients);
    if (strcmp(run->settings->optimizer, "sgd") == 0) {
        sgd_step(run->parameters, run->gradients, run->n, lr, decay);
    } else {
        adamw_step(run->parameters, run->m, run->v, run->gradients, run->n, run->t, lr, 0.9, 0.999, 1e-8, decay);
    }
}

// A line of results: to stdout, and to what a checkpoint keeps of it.
static void say(Run *run, const char *format, ...) {
    va_list values;
    va_start(values, format);
    const int n = vsnprintf(NULL, 0, format, values);
    va_end(values);
    char *printed = realloc(run->printed, run->n_printed + (size_t)n + 1);
    if (printed == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    va_start(values, format);
    vsnprintf(printed + run->n_printed, (size_t)n + 1, format, values);
    va_end(values);
    fputs(printed + run->n_printed, stdout);
    run->printed = printed, run->n_printed += (size_t)n;
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fail(COULD_NOT_BE_DONE, "cannot write to stdout: %s", strerror(errno));
    }
}

static bool is_strict(const Run *run) { return strcmp(run->settings->precision, "strict") == 0; }

// The name, and the hash of the parameters, or of these and the moments.
static void say_hash(Run *run, const char *name, bool moments) {
    Tensor tensors[MOST_TENSORS];
    char hash[SHA256_TEXT];
    digests_of_arrays(tensors, tensors_of(run, tensors, moments), hash);
    say(run, "%s %s", name, hash);
}

// A loss is never below 0, but a NaN may print as -nan.
static double without_sign(double loss) { return isnan(loss) ? fabs(loss) : loss; }

// Judge the model, tell and log it, and save it; unless somebody asks to stop meanwhile.
static void evaluate(Run *run, double lr) {
    const double train = without_sign(mean_loss(run, &run->data->train, (size_t)run->settings->eval_batches));
    const double val = without_sign(mean_loss(run, &run->data->val, 0));
    char line[128];
    if (stop_asked()) {
        return;
    }
    run->val_loss = val;
    say(run, "step %6" PRId64 " | train_loss %.6f | val_loss %.6f | lr %e", run->step, train, val, lr);
    if (is_strict(run)) {
        say_hash(run, " | sha256", true);
    }
    say(run, "\n");
    snprintf(line, sizeof line, "%" PRId64 ",%.9f,%.9f,%e\n", run->step, train, val, lr);
    log_append(run->folder, line);
    save(run);
    if (val < run->best_val_loss) {
        save_best(run);
        run->best_val_loss = val;
    }
}

// From `step` to the last one, or until somebody asks to stop.
static void train_on(Run *run) {
    const Settings *s = run->settings;
    Loader loader = loader_init(&run->data->train, run->T, run->B, run->step);
    while (run->step < s->steps && !stop_asked()) {
        const double lr = learning_rate(s, run->step);
        if (run->step % s->eval_every == 0 || run->step == s->steps - 1) {
            evaluate(run, lr);
        }
        if (!stop_asked()) {
            loader_next(&loader);
            forward(run, &loader);
            update(run, lr);
            run->step++;
        }
    }
    loader_free(&loader);
    save(run);
    if (stop_asked()) {
        fail(COULD_NOT_BE_DONE, "stopped at step %" PRId64 "; the same command with --resume goes on in %s", run->step,
             s->out);
    }
}

static void tell_tally(void) {
    double rounded, summed;
    tally_read(&rounded, &summed);
    fprintf(stderr, "mlp: strict: of %.0f products %.0f lay too near a midpoint of two floats for double\n", rounded,
            summed);
}

static void finish(Run *run) {
    char *samples = draw_samples(run->model, run->settings, run->data, run->V);
    file_replace(run->folder->samples, samples, strlen(samples));
    say(run, "%s", samples);
    free(samples);
    const double test_loss = without_sign(mean_loss(run, &run->data->test, 0));
    if (stop_asked()) {
        fail(COULD_NOT_BE_DONE, "stopped at step %" PRId64 "; the same command with --resume goes on in %s", run->step,
             run->settings->out);
    }
    say(run, "test_loss %.6f\n", test_loss);
    if (is_strict(run)) {
        say_hash(run, PARAMETERS_HASH, false);
        say(run, "\n");
        tell_tally();
    }
    save(run);
}

void NAME(train)(const Settings *settings, const Dataset *data, const Folder *folder) {
    Run run = run_init(settings, data, folder);
    begin(&run);
    train_on(&run);
    finish(&run);
    run_free(&run);
}
