// safetensors_read.c: the reader, which believes nothing: these files come from elsewhere.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "file.h"
#include "safetensors.h"
#include "safetensors_header.h"

enum { LENGTH = 8 };  // bytes that hold the header's length

static _Noreturn void refuse(const TensorFile *file, const char *what, const char *name) {
    fail(COULD_NOT_BE_DONE, "%s is not a whole safetensors file: %s%s", file->path, what, name);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const Tensor *)a)->name, ((const Tensor *)b)->name);
}
static int by_key(const void *a, const void *b) { return strcmp(((const Note *)a)->key, ((const Note *)b)->key); }

static int by_place(const void *a, const void *b) {
    const Tensor *x = a, *y = b;
    return x->begin != y->begin ? (x->begin > y->begin) - (x->begin < y->begin) : (x->end > y->end) - (x->end < y->end);
}

static void sort(void *items, size_t n, size_t size, int (*order)(const void *, const void *)) {
    if (n > 0) {  // of nothing there is not even an address
        qsort(items, n, size, order);
    }
}

static void check_names(TensorFile *file) {
    Note *notes = file->notes;
    sort(notes, file->n_notes, sizeof *notes, by_key);
    for (size_t i = 1; i < file->n_notes; i++) {
        if (strcmp(notes[i].key, notes[i - 1].key) == 0) {
            refuse(file, "two values for ", notes[i].key);
        }
    }
    Tensor *tensors = file->tensors;
    sort(tensors, file->n_tensors, sizeof *tensors, by_name);
    for (size_t i = 1; i < file->n_tensors; i++) {
        if (strcmp(tensors[i].name, tensors[i - 1].name) == 0) {
            refuse(file, "two arrays are called ", tensors[i].name);
        }
    }
}

// The arrays must lie one after the other, from the first byte to the last. Leaves them in the order of the file.
static void check_places(TensorFile *file, size_t data_size) {
    Tensor *tensors = file->tensors;
    sort(tensors, file->n_tensors, sizeof *tensors, by_place);
    size_t at = 0;
    for (size_t i = 0; i < file->n_tensors; at = tensors[i++].end) {
        if (tensors[i].begin != at) {
            refuse(file, "bytes are missing or shared before ", tensors[i].name);
        }
        if (tensors[i].end < at || tensors[i].end - at != tensor_bytes(tensors + i)) {
            refuse(file, "shape and place contradict each other in ", tensors[i].name);
        }
    }
    if (at != data_size) {
        refuse(file, at < data_size ? "bytes are left over" : "it ends too early", "");
    }
}

TensorFile tensors_read(const char *path) {
    TensorFile file = {.path = path};
    size_t size;
    uint64_t length = 0;
    FILE *stream = file_open(path, &size);
    if (size < LENGTH) {
        refuse(&file, "it is shorter than 8 bytes", "");
    }
    file_read(stream, path, &length, LENGTH);
    if (length > LONGEST_HEADER || length > size - LENGTH) {
        refuse(&file, "its header is longer than the file, or than 16 MiB", "");
    }
    file.header = allocate(length + 1, 1);
    file_read(stream, path, file.header, length);
    Json json = {path, file.header, file.header, file.header + length};
    header_read(&file, &json);
    check_names(&file);
    check_places(&file, size - LENGTH - length);
    for (size_t i = 0; i < file.n_tensors; i++) {
        Tensor *tensor = file.tensors + i;
        tensor->data = allocate(tensor->end - tensor->begin, 1);
        file_read(stream, path, tensor->data, tensor->end - tensor->begin);
    }
    fclose(stream);
    return file;
}
