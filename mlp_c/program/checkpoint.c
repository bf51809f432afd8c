// checkpoint.c: a run in a file that `nnz train` and this program write and read alike; common/runs/checkpoints.py says
// what is in it.
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "digests.h"
#include "failure.h"
#include "process.h"
#include "run.h"

static const char FORMAT[] = "nnz-checkpoint-1";

// The arrays of a checkpoint: the parameters, and, if asked for and the optimizer has them, the moments. The caller
// frees.
static Tensor *tensors_of(const Run *run, size_t *n_tensors, bool moments) {
    const Network *net = &run->net;
    const Group groups[] = {PARAMETERS, FIRST_MOMENTS, SECOND_MOMENTS};
    const size_t n = net->n_tensors, n_groups = moments && is(run->settings->optimizer, "adamw") ? 3 : 1;
    Tensor *tensors = allocate(n_groups * n, sizeof *tensors);
    for (size_t i = 0; i < n_groups; i++) { memcpy(tensors + i * n, net->tensors[groups[i]], n * sizeof *tensors); }
    *n_tensors = n_groups * n;
    return tensors;
}

const char *checkpoint_hash(const Run *run, bool moments, char hash[SHA256_TEXT]) {
    size_t n_tensors;
    Tensor *tensors = tensors_of(run, &n_tensors, moments);
    digests_of_arrays(tensors, n_tensors, hash);
    free(tensors);
    return hash;
}

static bool is_finite(const Tensor *tensor) {
    const size_t n = tensor_bytes(tensor) / DTYPES[tensor->dtype].size;
    const float *x = tensor->data;
    const double *wide = tensor->data;
    uint32_t wrong = 0;  // x - x is 0 but where x is not finite
    uint64_t wrong_wide = 0;
    for (size_t i = 0; i < n && tensor->dtype == FLOAT32; i++) { wrong |= !(x[i] - x[i] == 0); }
    for (size_t i = 0; i < n && tensor->dtype == FLOAT64; i++) { wrong_wide |= !(wide[i] - wide[i] == 0); }
    return wrong == 0 && wrong_wide == 0;
}

const char *checkpoint_not_finite(const Run *run) {
    size_t n_tensors;
    const char *name = NULL;
    Tensor *tensors = tensors_of(run, &n_tensors, true);
    for (size_t i = 0; i < n_tensors && name == NULL; i++) { name = is_finite(tensors + i) ? NULL : tensors[i].name; }
    free(tensors);
    return name;
}

static void save_as(const Run *run, const char *path, bool moments) {
    size_t n_tensors;
    Tensor *tensors = tensors_of(run, &n_tensors, moments);
    char step[32], t[32], val_loss[32], best_val_loss[32], parameters_hash[SHA256_TEXT], hash[SHA256_TEXT];
    snprintf(step, sizeof step, "%" PRId64, run->step);
    snprintf(t, sizeof t, "%" PRId64, run->t);
    snprintf(val_loss, sizeof val_loss, "%.17g", run->val_loss);
    snprintf(best_val_loss, sizeof best_val_loss, "%.17g", run->best_val_loss);
    Metadata metadata[] = {{"format", FORMAT},
                           {"recipe", run->recipe},
                           {"config", run->config},
                           {"tokenizer", run->data->tokenizer},
                           {"backend", "c"},  // whose kernels these are
                           {"dtype", run->settings->dtype},
                           {"step", step},
                           {"t", t},
                           {"val_loss", val_loss},
                           {"best_val_loss", best_val_loss},
                           {"data", run->data->fingerprint},
                           {"printed", run->printed},
                           {PARAMETERS_HASH, parameters_hash},
                           {HASH, hash}};
    const size_t n_metadata = sizeof metadata / sizeof *metadata;
    digests_of(metadata, n_metadata, tensors, n_tensors, parameters_hash, hash);
    tensors_write(path, true, tensors, n_tensors, metadata, n_metadata);
    free(tensors);
}

void checkpoint_hold_best(Run *run) {
    const size_t bytes = run->net.n * DTYPES[run->net.dtype].size;
    void *parameters = run->best.parameters != NULL ? run->best.parameters : allocate(bytes, 1);
    memcpy(parameters, run->net.flat[PARAMETERS], bytes);
    run->best = (Best){parameters, run->step, run->t, run->val_loss, run->best_val_loss, run->n_printed, true};
}

static void save_held(Run *run) {
    const Best held = run->best;
    const size_t n = run->net.n_tensors;
    Tensor *tensors = allocate(n, sizeof *tensors);
    char *data = held.parameters, *printed = allocate(held.n_printed + 1, 1);
    memcpy(printed, run->printed, held.n_printed);
    for (size_t i = 0; i < n; i++) {
        tensors[i] = run->net.tensors[PARAMETERS][i];
        tensors[i].data = data;
        data += tensor_bytes(tensors + i);
    }
    Run best = *run;
    best.step = held.step, best.t = held.t, best.printed = printed;
    best.val_loss = held.val_loss, best.best_val_loss = held.best_val_loss;
    best.net.tensors[PARAMETERS] = tensors;
    checkpoint_save_best(&best);
    free(tensors), free(printed);
    run->best.is_held = false;
}

void checkpoint_save(Run *run) {
    file_sync(run->folder->log);  // a checkpoint must never be ahead of the log
    if (run->best.is_held) {
        save_held(run);
    }
    save_as(run, run->folder->checkpoint, true);
    run->saved_step = run->step, run->saved_at = seconds();
}

void checkpoint_save_best(const Run *run) { save_as(run, run->folder->best, false); }

static _Noreturn void refuse(const TensorFile *file, const char *what, const char *which) {
    fail(COULD_NOT_BE_DONE, "%s is not a whole %s file: %s%s; %s", file->path, FORMAT, what, which, file->remedy);
}

static const char *text(const TensorFile *file, const char *key) {
    const char *value = tensors_metadata(file, key);
    if (value == NULL) {
        refuse(file, "its metadata lack ", key);
    }
    return value;
}

static int64_t read_count(const TensorFile *file, const char *key) {
    const char *value = text(file, key);
    const size_t digits = strspn(value, "0123456789");
    if (digits == 0 || digits > 15 || value[digits] != '\0') {
        refuse(file, "this is not a whole number: its ", key);
    }
    return strtoll(value, NULL, 10);
}

static double read_loss(const TensorFile *file, const char *key) {
    const char *value = text(file, key);
    char *end;
    const double number = strtod(value, &end);
    if (*value == '\0' || *end != '\0') {
        refuse(file, "this is not a number: its ", key);
    }
    return number;
}

static void read_arrays(const TensorFile *file, const Run *run) {
    size_t n_expected;
    Tensor *expected = tensors_of(run, &n_expected, true);
    for (size_t i = 0; i < n_expected; i++) {
        const Tensor *found = tensors_find(file, expected[i].name);
        if (found == NULL) {
            refuse(file, "it lacks ", expected[i].name);
        }
        if (found->dtype != expected[i].dtype || found->rank != expected[i].rank ||
            memcmp(found->shape, expected[i].shape, found->rank * sizeof *found->shape) != 0) {
            refuse(file, "another type or shape than its recipe's has ", expected[i].name);
        }
    }
    if (file->n_tensors != n_expected) {
        refuse(file, "it holds arrays that its recipe does not know", "");
    }
    for (size_t i = 0; i < n_expected; i++) {
        memcpy(expected[i].data, tensors_find(file, expected[i].name)->data, tensor_bytes(expected + i));
    }
    free(expected);
}

// Of what was printed, the first lines: those of the evaluations that the log still has.
static void keep_printed(Run *run, const char *printed, size_t lines) {
    const char *end = printed;
    for (; lines > 0; lines--) {
        end += strcspn(end, "\n");
        end += *end == '\n';
    }
    run->n_printed = (size_t)(end - printed);
    run->printed = allocate(run->n_printed + 1, 1);
    memcpy(run->printed, printed, run->n_printed);
}

void checkpoint_resume(Run *run) {
    const Settings *s = run->settings;
    TensorFile file = tensors_read(run->folder->checkpoint, WITHOUT_RESUME);
    if (strcmp(text(&file, "format"), FORMAT) != 0) {
        refuse(&file, "its format is ", text(&file, "format"));
    }
    config_check(file.path, text(&file, "config"), s);
    digests_check(&file);
    read_arrays(&file, run);
    const char *spoilt = checkpoint_not_finite(run);
    if (spoilt != NULL) {
        fail(COULD_NOT_BE_DONE, "%s: %s is not finite: its training diverged; take another, or train again", file.path,
             spoilt);
    }
    run->recipe = text_copy(text(&file, "recipe")), run->config = config_with_steps(text(&file, "config"), s->steps);
    run->goes_on = strcmp(run->config, text(&file, "config")) != 0;
    const char *tokenizer = text(&file, "tokenizer"), *data = text(&file, "data");
    text(&file, "dtype");  // must be there; config_check has compared it
    run->step = read_count(&file, "step"), run->t = read_count(&file, "t");
    run->saved_step = run->step;
    run->val_loss = read_loss(&file, "val_loss"), run->best_val_loss = read_loss(&file, "best_val_loss");
    const char *printed = text(&file, "printed");
    if (strcmp(data, run->data->fingerprint) != 0 || strcmp(tokenizer, run->data->tokenizer) != 0) {
        fail(COULD_NOT_BE_DONE, "%s is not the text that %s was trained on; name that one, or, " WITHOUT_RESUME,
             s->data, s->out);
    }
    size_t lines;
    char *log = log_before(run->folder, run->step, s->eval_every, s->steps, &lines);
    keep_printed(run, printed, lines);
    if (run->goes_on) {
        checkpoint_save(run);  // while the log has every line that it needs, also the last one of the shorter run
    }
    file_replace(run->folder->log, log, strlen(log));
    free(log);
    tensors_free(&file);
}

// Whether the text ends with a line that only a finished run prints.
static bool is_finished(const char *printed) {
    size_t n = strlen(printed);
    while (n > 0 && printed[n - 1] == '\n') { n--; }
    while (n > 0 && printed[n - 1] != '\n') { n--; }
    return strncmp(printed + n, "test_loss ", 10) == 0 ||
           strncmp(printed + n, PARAMETERS_HASH, sizeof PARAMETERS_HASH - 1) == 0;
}

bool checkpoint_show(const Run *run) {
    TensorFile file = tensors_read(run->folder->checkpoint, START_AGAIN);
    const char *printed = text(&file, "printed");
    const bool same = strcmp(text(&file, "config"), run->config) == 0 &&
                      strcmp(text(&file, "data"), run->data->fingerprint) == 0 &&
                      strcmp(text(&file, "tokenizer"), run->data->tokenizer) == 0 && is_finished(printed);
    if (same) {
        digests_check(&file);
        print_on_stdout(printed);
    }
    tensors_free(&file);
    return same;
}
