// train.c: the loop that trains, from the first step to the last, and what it prints on the way.
// The arrays are in network.c, how a run begins in run.c, how it is saved in checkpoint.c.
#include "run.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../strict/tally.h"
#include "digests.h"
#include "failure.h"
#include "file.h"
#include "process.h"
#include "sampling.h"

enum { EVALUATION_SEED = 1 };           // draws the same windows in every run, whatever its own seed
static const double BETWEEN_SAVES = 1;  // seconds, where each step may be evaluated: what a kill costs

static Loader loader(const Run *run, const Tape *tape, uint64_t seed, int64_t step);
static double forward(const Run *run, const Loader *batch, int64_t step);
static void update(Run *run, double lr);
static void evaluate(Run *run, const Loader *batch, double lr);
static void finish(Run *run);
static double check_loss(const Run *run, double loss, const char *name);
static void check_arrays(const Run *run);
static _Noreturn void stop(const Run *run);

void train(const Settings *s, const Dataset *data) {
    defer_signals();  // between two steps
    Run run = run_init(s, data);
    if (run.step == 0) {
        dataset_describe(data, s);
    }
    Loader batch = loader(&run, &data->train, is(s->order, "random") ? s->seed : 0, run.step);
    while (run.step < s->steps && !stop_requested) {
        const double lr = learning_rate(s, run.step);
        loader_next(&batch);
        if (run.step % s->eval_every == 0 || run.step == s->steps - 1) {
            evaluate(&run, &batch, lr);
        }
        if (!stop_requested) {
            check_loss(&run, forward(&run, &batch, run.step), "the loss");
            update(&run, lr);
            progress(++run.step, s->steps);
        }
    }
    loader_free(&batch);
    check_arrays(&run);
    checkpoint_save(&run);
    if (stop_requested) {
        stop(&run);
    }
    finish(&run);
    if (isatty(2)) {
        note("the run is in %s", s->out);
    }
    run_free(&run);
}

double learning_rate(const Settings *s, int64_t step) {
    const double pi = 3.14159265358979323846;
    double lr = s->lr;
    if (is(s->schedule, "cosine")) {
        lr = lr * 0.5 * (1 + cos(pi * (double)step / (double)s->steps));
    } else if (is(s->schedule, "linear")) {
        lr = lr * (1 - (double)step / (double)s->steps);
    } else if (is(s->schedule, "step") && 2 * step >= s->steps) {
        lr = lr / 10;
    }
    return step < s->warmup ? lr * (double)(step + 1) / (double)s->warmup : lr;
}

static Loader loader(const Run *run, const Tape *tape, uint64_t seed, int64_t step) {
    const Network *net = &run->net;
    return loader_init(tape, net->shape.T, (size_t)run->settings->batch_size, net->at_every_position, seed, step);
}

// The loss; in training, at a step, there is dropout.
static double forward(const Run *run, const Loader *l, int64_t step) {
    return run->net.forward(&run->net, run->logits, l->inputs, l->targets, l->B, l->T, step);
}

static void update(Run *run, double lr) {
    const Settings *s = run->settings;
    const Network *net = &run->net;
    run->t++;
    net->backward(net);
    if (s->clip > 0) {
        check_loss(run, net->clip(net, s->clip), "the norm of the gradient");
    }
    if (is(s->optimizer, "sgd")) {
        net->sgd(net, lr, s->weight_decay);
    } else {
        net->adamw(net, run->t, lr, s->beta1, s->beta2, 1e-8, s->weight_decay, is(s->decay, "matrices"));
    }
}

// The mean of the first batches' mean losses, of all where `batches` is 0. "batches" are n / B, one at least, and have
// the same weight; so have those that are "drawn", the same ones in every run; with "all" each target comes once and
// has the same weight. If a stop is requested meanwhile, the number means nothing.
static double mean_loss(const Run *run, const Tape *tape, size_t batches) {
    const Settings *s = run->settings;
    const bool all = is(s->evaluation, "all"), drawn = is(s->evaluation, "drawn") || is(s->evaluation, "step");
    const size_t B = (size_t)s->batch_size;
    double total = 0, weights = 0;
    Loader batch = loader(run, tape, drawn ? EVALUATION_SEED : 0, 0);
    if (batches == 0 && !all) {
        batches = drawn ? (size_t)s->eval_batches : tape->n < B ? 1 : tape->n / B;
    }
    for (size_t i = 0; (all || i < batches) && !stop_requested; i++) {
        if (!all) {
            loader_next(&batch);
        } else if (!loader_next_once(&batch, batches)) {
            break;
        }
        const double weight = all ? (double)(batch.B * (batch.at_every_position ? batch.T : 1)) : 1;
        total += forward(run, &batch, -1) * weight;
        progress(run->step, s->steps);
        weights += weight;
    }
    loader_free(&batch);
    return total / weights;
}

// A line of results: to stdout, and to what a checkpoint keeps of it.
static void print_result(Run *run, const char *format, ...) {
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
    print_on_stdout(printed + run->n_printed);
    run->printed = printed, run->n_printed += (size_t)n;
    flush_results();
}

// Judge the model, print and log it, and save it if that is due; unless a stop is requested meanwhile.
static void evaluate(Run *run, const Loader *batch, double lr) {
    check_arrays(run);
    const double train_loss = is(run->settings->evaluation, "step")
                                  ? forward(run, batch, -1)
                                  : mean_loss(run, &run->data->train, (size_t)run->settings->eval_batches);
    const double val_loss = mean_loss(run, &run->data->val, 0);
    char line[128], hash[SHA256_TEXT];
    if (stop_requested) {
        return;
    }
    check_loss(run, train_loss, "train_loss");
    run->val_loss = check_loss(run, val_loss, "val_loss");
    print_result(run, "step %6" PRId64 " | train_loss %.6f | val_loss %.6f | lr %e", run->step, train_loss, val_loss,
                 lr);
    if (is(run->settings->precision, "strict")) {
        print_result(run, " | sha256 %s", checkpoint_hash(run, true, hash));
    }
    print_result(run, "\n");
    snprintf(line, sizeof line, "%" PRId64 ",%.9f,%.9f,%e\n", run->step, train_loss, val_loss, lr);
    log_append(run->folder, line);
    const bool saves = !is(run->settings->evaluation, "step") || seconds() > run->saved_at + BETWEEN_SAVES;
    if (saves) {
        checkpoint_save(run);
    }
    if (val_loss < run->best_val_loss) {
        saves ? checkpoint_save_best(run) : checkpoint_hold_best(run);
        run->best_val_loss = val_loss;
    }
}

static _Noreturn void diverged(const Run *run, const char *what) {
    fail(COULD_NOT_BE_DONE,
         "at step %" PRId64
         " %s is not finite: the training diverged; train with a lower optimizer.lr; %s keeps the "
         "checkpoint of step %" PRId64,
         run->step, what, run->settings->out, run->saved_step);
}

static double check_loss(const Run *run, double loss, const char *name) {
    if (!isfinite(loss)) {
        diverged(run, name);
    }
    return loss;
}

static void check_arrays(const Run *run) {
    const char *name = checkpoint_not_finite(run);
    if (name != NULL) {
        diverged(run, name);
    }
}

static _Noreturn void stop(const Run *run) {
    fail(COULD_NOT_BE_DONE, "stopped at step %" PRId64 "; the same command with --resume continues in %s", run->step,
         run->settings->out);
}

// Say where val was best, unless that is where the run ends.
static void note_best(const Run *run) {
    const Settings *s = run->settings;
    int64_t best_step;
    char shown[COUNT_TEXT];
    if (log_best(run->folder, s->eval_every, s->steps, &best_step)) {
        if (best_step == 0) {
            note("val_loss never fell below that of step 0, before the training: is there too little text for it?");
            return;
        }
        char *out = shell_word(s->out);
        note("best val at step %s; nnz sample %s --best", count_text(shown, (size_t)best_step), out);
        free(out);
    }
}

// Draw the samples, and judge the model on the test split.
static void finish(Run *run) {
    char *samples = draw_samples(&run->net, run->settings, run->data, run->twister), hash[SHA256_TEXT];
    file_replace(run->folder->samples, samples, strlen(samples));
    print_result(run, "%s", samples);
    free(samples);
    const double test_loss = mean_loss(run, &run->data->test, 0);
    if (stop_requested) {
        stop(run);
    }
    print_result(run, "test_loss %.6f\n", check_loss(run, test_loss, "test_loss"));
    if (is(run->settings->precision, "strict")) {
        double rounded, summed;
        char one[COUNT_TEXT], other[COUNT_TEXT];
        print_result(run, PARAMETERS_HASH " %s\n", checkpoint_hash(run, false, hash));
        tally_read(&rounded, &summed);
        note("strict: of %s products and sums, %s were too near a midpoint of float32s for float64",
             count_text(one, (size_t)(rounded - run->rounded)), count_text(other, (size_t)(summed - run->summed)));
    }
    checkpoint_save(run);
    note_best(run);
}
