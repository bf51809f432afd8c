#include "safetensors.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "file.h"
#include "json.h"

static const struct {
    const char *code, *name;
    size_t size;
} DTYPES[] = {{"F32", "float32", 4}, {"F64", "float64", 8}, {"I32", "int32", 4}, {"I64", "int64", 8}};

const char *dtype_name(Dtype dtype) { return DTYPES[dtype].name; }
const char *dtype_code(Dtype dtype) { return DTYPES[dtype].code; }
size_t dtype_size(Dtype dtype) { return DTYPES[dtype].size; }

size_t tensor_bytes(const Tensor *tensor) {
    size_t bytes = DTYPES[tensor->dtype].size;
    for (size_t i = 0; i < tensor->rank; i++) {
        if (tensor->shape[i] > 0 && bytes > (SIZE_MAX - 1) / tensor->shape[i]) {
            return SIZE_MAX;
        }
        bytes *= tensor->shape[i];
    }
    return bytes;
}

const Tensor *tensors_find(const TensorFile *file, const char *name) {
    for (size_t i = 0; i < file->n_tensors; i++) {
        if (strcmp(file->tensors[i].name, name) == 0) {
            return file->tensors + i;
        }
    }
    return NULL;
}

const char *tensors_note(const TensorFile *file, const char *key) {
    for (size_t i = 0; i < file->n_notes; i++) {
        if (strcmp(file->notes[i].key, key) == 0) {
            return file->notes[i].value;
        }
    }
    return NULL;
}

void tensors_free(TensorFile *file) {
    for (size_t i = 0; i < file->n_tensors; i++) { free(file->tensors[i].data); }
    free(file->tensors), free(file->notes), free(file->header);
}

static void write_tensor(FILE *text, const Tensor *tensor) {
    json_write(text, tensor->name);
    fprintf(text, ":{\"dtype\":\"%s\",\"shape\":[", dtype_code(tensor->dtype));
    for (size_t i = 0; i < tensor->rank; i++) { fprintf(text, i == 0 ? "%zu" : ",%zu", tensor->shape[i]); }
    fprintf(text, "],\"data_offsets\":[%zu,%zu]}", tensor->begin, tensor->end);
}

// The header's text, padded to a multiple of 8 so that the arrays can be mapped as they are; the caller frees.
static char *header_of(const Tensor *tensors, size_t n_tensors, const Note *notes, size_t n_notes, size_t *size) {
    char *header = NULL;
    FILE *text = open_memstream(&header, size);
    if (text == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    fputs("{\"__metadata__\":{", text);
    for (size_t i = 0; i < n_notes; i++) {
        fputs(i == 0 ? "" : ",", text);
        json_write(text, notes[i].key);
        fputc(':', text);
        json_write(text, notes[i].value);
    }
    fputc('}', text);
    for (size_t i = 0; i < n_tensors; i++) {
        fputc(',', text);
        write_tensor(text, tensors + i);
    }
    fputc('}', text);
    fflush(text);
    while (*size % 8 != 0) {
        fputc(' ', text);
        fflush(text);
    }
    if (ferror(text) || fclose(text) != 0 || header == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    return header;
}

void tensors_write(const char *path, bool lasting, Tensor *tensors, size_t n_tensors, const Note *notes,
                   size_t n_notes) {
    size_t end = 0, size;
    for (size_t i = 0; i < n_tensors; i++) {
        tensors[i].begin = end;
        tensors[i].end = end += tensor_bytes(tensors + i);
    }
    char *header = header_of(tensors, n_tensors, notes, n_notes, &size);
    const uint64_t length = size;
    Replacement file = file_replacement(path, lasting);
    file_write(&file, &length, sizeof length);
    file_write(&file, header, size);
    for (size_t i = 0; i < n_tensors; i++) { file_write(&file, tensors[i].data, tensor_bytes(tensors + i)); }
    file_replace(&file);
    free(header);
}
