// run.h: the training loop, evaluation. In `real`: train_float32.c and train_float64.c compile it.
#include <errno.h>
#include <inttypes.h>
#include <tgmath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../mlp.h"
#include "../ops.h"
#include "failure.h"
#include "loader.h"
#include "rng.h"
#include "train.h"

#include "initial.h"
#include "sampler.h"
#include "samples.h"

typedef struct {
    const Settings *settings;
    size_t V, T, E, H, B, n;  // n parameters
    real *parameters, *gradients, *m, *v, *logits;
    MLP *model;
} Run;

static Run run_init(const Settings *s, const Data *data) {
    Run run = {.settings = s,
               .V = data->vocabulary.size,
               .T = (size_t)s->context_length,
               .B = (size_t)s->batch_size,
               .E = (size_t)s->embedding_size,
               .H = (size_t)s->hidden_size};
    run.n = mlp_parameter_count(run.V, run.T, run.E, run.H);
    run.parameters = allocate(run.n, sizeof(real));
    run.gradients = allocate(run.n, sizeof(real));
    run.m = allocate(run.n, sizeof(real));
    run.v = allocate(run.n, sizeof(real));
    run.logits = allocate(run.B * run.V, sizeof(real));
    run.model = mlp_new(run.parameters, run.V, run.T, run.E, run.H);
    if (run.model == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    draw_parameters(run.parameters, run.V, run.T, run.E, run.H, s->seed);
    return run;
}

static void run_free(Run *run) {
    mlp_free(run->model);
    free(run->parameters), free(run->gradients), free(run->m), free(run->v), free(run->logits);
}

static double forward(const Run *run, const Loader *batch) {
    real loss;
    if (mlp_forward(run->model, run->logits, &loss, batch->inputs, batch->targets, run->B) != 0) {
        fail(COULD_NOT_BE_DONE, "out of memory for a batch of %zu", run->B);
    }
    return (double)loss;
}

// The mean of the first batches' mean losses; of all n / B batches where `batches` is 0, and of one at least.
static double mean_loss(const Run *run, const Tape *tape, size_t batches) {
    double total = 0;
    Loader loader = loader_init(tape, run->T, run->B);
    if (batches == 0) {
        batches = tape->n < run->B ? 1 : tape->n / run->B;
    }
    for (size_t i = 0; i < batches; i++) {
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

static void update(Run *run, int64_t t, double lr) {
    const double decay = run->settings->weight_decay;
    mlp_backward(run->model, run->gradients);
    if (strcmp(run->settings->optimizer, "sgd") == 0) {
        sgd_step(run->parameters, run->gradients, run->n, lr, decay);
    } else {
        adamw_step(run->parameters, run->m, run->v, run->gradients, run->n, t, lr, 0.9, 0.999, 1e-8, decay);
    }
}

// A loss is never below 0, but a NaN may print as -nan.
static double without_sign(double loss) { return isnan(loss) ? fabs(loss) : loss; }

static void flush_results(void) {
    if (fflush(stdout) != 0 || ferror(stdout)) {
        fail(COULD_NOT_BE_DONE, "cannot write to stdout: %s", strerror(errno));
    }
}

static void evaluate(const Run *run, const Data *data, int64_t step, double lr, FILE *log) {
    double train = without_sign(mean_loss(run, &data->train, (size_t)run->settings->eval_batches));
    double val = without_sign(mean_loss(run, &data->val, 0));
    printf("step %6" PRId64 " | train_loss %.6f | val_loss %.6f | lr %e\n", step, train, val, lr);
    flush_results();
    fprintf(log, "%" PRId64 ",%.9f,%.9f,%e\n", step, train, val, lr);
    if (fflush(log) != 0) {
        fail(COULD_NOT_BE_DONE, "cannot write log.csv: %s", strerror(errno));
    }
}

static FILE *open_in(const char *folder, const char *name) {
    char path[4096];
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = n > 0 && (size_t)n < sizeof path ? fopen(path, "w") : NULL;
    if (file == NULL) {
        fail(COULD_NOT_BE_DONE, "cannot write %s/%s: %s; give another folder with --out", folder, name,
             strerror(errno));
    }
    return file;
}

void NAME(train)(const Settings *s, const Data *data) {
    FILE *log = open_in(s->out, "log.csv");
    Run run = run_init(s, data);
    Loader loader = loader_init(&data->train, run.T, run.B);
    fputs("step,train_loss,val_loss,lr\n", log);
    for (int64_t step = 0; step < s->steps; step++) {
        const double lr = learning_rate(s, step);
        if (step % s->eval_every == 0 || step == s->steps - 1) {
            evaluate(&run, data, step, lr, log);
        }
        loader_next(&loader);
        forward(&run, &loader);
        update(&run, step + 1, lr);
    }
    FILE *samples = open_in(s->out, "samples.txt");
    print_samples(run.model, s, data, run.V, samples);
    printf("test_loss %.6f\n", without_sign(mean_loss(&run, &data->test, 0)));
    flush_results();
    if ((fclose(log) | fclose(samples)) != 0) {
        fail(COULD_NOT_BE_DONE, "cannot write into %s: %s", s->out, strerror(errno));
    }
    loader_free(&loader);
    run_free(&run);
}
