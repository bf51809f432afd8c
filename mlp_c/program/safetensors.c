#include "safetensors.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "json.h"

const struct DtypeInfo DTYPES[] = {
    {"F32", "float32", 4}, {"F64", "float64", 8}, {"I32", "int32", 4}, {"I64", "int64", 8}};

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

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
static void reverse(unsigned char *bytes, size_t n) {
    for (size_t i = 0; i < n / 2; i++) {
        const unsigned char first = bytes[i];
        bytes[i] = bytes[n - 1 - i], bytes[n - 1 - i] = first;
    }
}

void tensor_swap(const Tensor *tensor) {
    const size_t size = DTYPES[tensor->dtype].size, bytes = tensor_bytes(tensor);
    for (size_t i = 0; i < bytes; i += size) { reverse((unsigned char *)tensor->data + i, size); }
}
#else
void tensor_swap(const Tensor *tensor) { (void)tensor; }
#endif

const Tensor *tensors_find(const TensorFile *file, const char *name) {
    for (size_t i = 0; i < file->n_tensors; i++) {
        if (strcmp(file->tensors[i].name, name) == 0) {
            return file->tensors + i;
        }
    }
    return NULL;
}

const char *tensors_metadata(const TensorFile *file, const char *key) {
    for (size_t i = 0; i < file->n_metadata; i++) {
        if (strcmp(file->metadata[i].key, key) == 0) {
            return file->metadata[i].value;
        }
    }
    return NULL;
}

void tensors_free(TensorFile *file) {
    for (size_t i = 0; i < file->n_tensors; i++) { free(file->tensors[i].data); }
    free(file->tensors), free(file->metadata), free(file->header);
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const Tensor *)a)->name, ((const Tensor *)b)->name);
}
static int by_key(const void *a, const void *b) {
    return strcmp(((const Metadata *)a)->key, ((const Metadata *)b)->key);
}

void tensors_sort(Tensor *tensors, size_t n) {
    if (n > 0) {  // an empty list has no address
        qsort(tensors, n, sizeof *tensors, by_name);
    }
}

void metadata_sort(Metadata *metadata, size_t n) {
    if (n > 0) {
        qsort(metadata, n, sizeof *metadata, by_key);
    }
}

static void write_tensor(FILE *text, const Tensor *tensor) {
    json_write(text, tensor->name);
    fprintf(text, ":{\"dtype\":\"%s\",\"shape\":[", DTYPES[tensor->dtype].code);
    for (size_t i = 0; i < tensor->rank; i++) { fprintf(text, i == 0 ? "%zu" : ",%zu", tensor->shape[i]); }
    fprintf(text, "],\"data_offsets\":[%zu,%zu]}", tensor->begin, tensor->end);
}

// The header's text, padded to a multiple of 8 so that the arrays can be mapped as they are; the caller frees.
static char *header_of(const Tensor *tensors, size_t n_tensors, const Metadata *metadata, size_t n_metadata,
                       size_t *size) {
    char *header;
    FILE *text = text_open(&header, size);
    fputs("{\"__metadata__\":{", text);
    for (size_t i = 0; i < n_metadata; i++) {
        fputs(i == 0 ? "" : ",", text);
        json_write(text, metadata[i].key);
        fputc(':', text);
        json_write(text, metadata[i].value);
    }
    fputc('}', text);
    for (size_t i = 0; i < n_tensors; i++) {
        fputc(',', text);
        write_tensor(text, tensors + i);
    }
    fputc('}', text);
    for (long at = ftell(text); at % 8 > 0; at++) { fputc(' ', text); }
    text_close(text);
    return header;
}

void tensors_write(const char *path, bool durable, Tensor *tensors, size_t n_tensors, const Metadata *metadata,
                   size_t n_metadata) {
    size_t end = 0, size;
    for (size_t i = 0; i < n_tensors; i++) {
        tensors[i].begin = end;
        tensors[i].end = end += tensor_bytes(tensors + i);
    }
    char *header = header_of(tensors, n_tensors, metadata, n_metadata, &size);
    uint64_t length = size;
    tensor_swap(&(Tensor){.dtype = INT64, .data = &length});
    AtomicFile file = atomic_open(path, durable);
    atomic_write(&file, &length, sizeof length);
    atomic_write(&file, header, size);
    for (size_t i = 0; i < n_tensors; i++) {
        tensor_swap(tensors + i);
        atomic_write(&file, tensors[i].data, tensor_bytes(tensors + i));
        tensor_swap(tensors + i);
    }
    atomic_commit(&file);
    free(header);
}
