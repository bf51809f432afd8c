#include "checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "settings.h"
#include "digests.h"
#include "failure.h"

static const char FORMAT[] = "nnz-checkpoint-1";

void checkpoint_write(const char *path, const Checkpoint *c, Tensor *tensors, size_t n_tensors) {
    char step[32], t[32], val_loss[32], best_val_loss[32], first[SHA256_TEXT], second[SHA256_TEXT];
    snprintf(step, sizeof step, "%" PRId64, c->step);
    snprintf(t, sizeof t, "%" PRId64, c->t);
    snprintf(val_loss, sizeof val_loss, "%.17g", c->val_loss);
    snprintf(best_val_loss, sizeof best_val_loss, "%.17g", c->best_val_loss);
    Metadata metadata[] = {{"format", FORMAT},
                    {"recipe", c->recipe},
                    {"config", c->config},
                    {"tokenizer", c->tokenizer},
                    {"backend", "c"},  // whose kernels these are
                    {"dtype", c->dtype},
                    {"step", step},
                    {"t", t},
                    {"val_loss", val_loss},
                    {"best_val_loss", best_val_loss},
                    {"data", c->data},
                    {"printed", c->printed},
                    {PARAMETERS_HASH, first},
                    {HASH, second}};
    const size_t n_metadata = sizeof metadata / sizeof *metadata;
    digests_of(metadata, n_metadata, tensors, n_tensors, first, second);
    tensors_write(path, true, tensors, n_tensors, metadata, n_metadata);
}

static _Noreturn void refuse(const TensorFile *file, const char *what, const char *which) {
    fail(COULD_NOT_BE_DONE, "%s is not a whole %s file: %s%s; start again without --resume", file->path, FORMAT, what,
         which);
}

static const char *text(const TensorFile *file, const char *key) {
    const char *value = tensors_metadata(file, key);
    if (value == NULL) {
        refuse(file, "its metadata lack ", key);
    }
    return value;
}

static int64_t count(const TensorFile *file, const char *key) {
    const char *value = text(file, key);
    const size_t digits = strspn(value, "0123456789");
    if (digits == 0 || digits > 15 || value[digits] != '\0') {
        refuse(file, "no whole number is its ", key);
    }
    return strtoll(value, NULL, 10);
}

static double loss(const TensorFile *file, const char *key) {
    const char *value = text(file, key);
    char *end;
    const double number = strtod(value, &end);
    if (*value == '\0' || *end != '\0') {
        refuse(file, "no number is its ", key);
    }
    return number;
}

static void take_arrays(const TensorFile *file, Tensor *expected, size_t n_expected) {
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
}

Checkpoint checkpoint_read(TensorFile *file, Tensor *expected, size_t n_expected, const Settings *settings) {
    if (strcmp(text(file, "format"), FORMAT) != 0) {
        refuse(file, "its format is ", text(file, "format"));
    }
    config_check(file->path, text(file, "config"), settings);
    digests_check(file);
    take_arrays(file, expected, n_expected);
    return (Checkpoint){.recipe = text(file, "recipe"),
                        .config = text(file, "config"),
                        .tokenizer = text(file, "tokenizer"),
                        .data = text(file, "data"),
                        .dtype = text(file, "dtype"),
                        .step = count(file, "step"),
                        .t = count(file, "t"),
                        .val_loss = loss(file, "val_loss"),
                        .best_val_loss = loss(file, "best_val_loss"),
                        .printed = text(file, "printed")};
}
