#include "digests.h"

#include <stdlib.h>
#include <string.h>

#include "failure.h"

static int by_key(const void *a, const void *b) { return strcmp(((const Note *)a)->key, ((const Note *)b)->key); }
static int by_name(const void *a, const void *b) {
    return strcmp(((const Tensor *)a)->name, ((const Tensor *)b)->name);
}

static bool is_moment(const Tensor *tensor) {
    return strncmp(tensor->name, "m.", 2) == 0 || strncmp(tensor->name, "v.", 2) == 0;
}

static void add_arrays(Sha256 *digest, const Tensor *sorted, size_t n, bool moments) {
    for (size_t i = 0; i < n; i++) {
        if (is_moment(sorted + i) == moments) {
            sha256_add(digest, sorted[i].data, tensor_bytes(sorted + i));
        }
    }
}

void digests_of_arrays(Tensor *tensors, size_t n, char hash[SHA256_TEXT]) {
    Sha256 digest = sha256_init();
    qsort(tensors, n, sizeof *tensors, by_name);
    for (size_t i = 0; i < n; i++) { sha256_add(&digest, tensors[i].data, tensor_bytes(tensors + i)); }
    sha256_text(&digest, hash);
}

void digests_of(Note *notes, size_t n_notes, Tensor *tensors, size_t n_tensors, char first[SHA256_TEXT],
                char second[SHA256_TEXT]) {
    Sha256 digest = sha256_init(), all = sha256_init();
    if (n_tensors > 0) {  // of nothing there is not even an address
        qsort(tensors, n_tensors, sizeof *tensors, by_name);
    }
    add_arrays(&digest, tensors, n_tensors, false);
    sha256_text(&digest, first);
    if (n_notes > 0) {
        qsort(notes, n_notes, sizeof *notes, by_key);
    }
    for (size_t i = 0; i < n_notes; i++) {
        if (strcmp(notes[i].key, HASH) != 0) {
            const char *value = strcmp(notes[i].key, PARAMETERS_HASH) == 0 ? first : notes[i].value;
            sha256_add(&all, notes[i].key, strlen(notes[i].key) + 1);
            sha256_add(&all, value, strlen(value) + 1);
        }
    }
    add_arrays(&all, tensors, n_tensors, true);
    sha256_text(&all, second);
}

static void check(const TensorFile *file, const char *key, const char *hash, const char *what) {
    const char *noted = tensors_note(file, key);
    if (noted == NULL || strcmp(noted, hash) != 0) {
        fail(COULD_NOT_BE_DONE, "%s is not a whole checkpoint: its %s are not those that were saved (%s is %.12s...)",
             file->path, what, key, hash);
    }
}

void digests_check(TensorFile *file) {
    char first[SHA256_TEXT], second[SHA256_TEXT];
    digests_of(file->notes, file->n_notes, file->tensors, file->n_tensors, first, second);
    check(file, PARAMETERS_HASH, first, "parameters");
    check(file, HASH, second, "metadata or moments");
}
