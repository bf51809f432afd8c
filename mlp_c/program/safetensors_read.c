// safetensors_read.c: the reader, which believes nothing: these files come from elsewhere.
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "file.h"
#include "json.h"
#include "safetensors.h"

enum { LENGTH_SIZE = 8 };  // bytes that hold the header's length

// Memory for one item more than n: it doubles whenever n is a power of two.
static void *grow(void *items, size_t n, size_t size) {
    if ((n & (n - 1)) != 0) {
        return items;
    }
    void *more = realloc(items, (n == 0 ? 1 : 2 * n) * size);
    if (more == NULL) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    return more;
}

static Dtype read_dtype(Json *json) {
    const char *code = json_string(json);
    for (Dtype dtype = FLOAT32; dtype <= INT64; dtype++) {
        if (strcmp(code, DTYPES[dtype].code) == 0) {
            return dtype;
        }
    }
    json_refuse(json, "a dtype that is not F32, F64, I32 or I64");
}

// [n, n, ...] with at max `max` numbers; returns how many.
static size_t read_array(Json *json, size_t *numbers, size_t max) {
    size_t n = 0;
    json_expect(json, '[');
    if (json_accept(json, ']')) {
        return 0;
    }
    do {
        if (n == max) {
            json_refuse(json, "too long a list");
        }
        numbers[n++] = json_integer(json);
    } while (json_accept(json, ','));
    json_expect(json, ']');
    return n;
}

static void read_field(Json *json, Tensor *tensor, int *said) {
    const char *keys[] = {"dtype", "shape", "data_offsets"}, *key = json_string(json);
    size_t place[2], which = 0;
    while (which < 3 && strcmp(key, keys[which]) != 0) { which++; }
    if (which == 3 || *said & 1 << which) {
        json_refuse(json, "an unknown key, or one that came before,");
    }
    *said |= 1 << which;
    json_expect(json, ':');
    if (which == 0) {
        tensor->dtype = read_dtype(json);
    } else if (which == 1) {
        tensor->rank = read_array(json, tensor->shape, MAX_RANK);
    } else if (read_array(json, place, 2) == 2) {
        tensor->begin = place[0], tensor->end = place[1];
    } else {
        json_refuse(json, "a place without begin and end");
    }
}

static void read_tensor(TensorFile *file, Json *json, const char *name) {
    Tensor tensor = {.name = name};
    int said = 0;
    json_expect(json, '{');
    do { read_field(json, &tensor, &said); } while (json_accept(json, ','));
    json_expect(json, '}');
    if (said != 7) {
        json_refuse(json, "an array without its dtype, shape or place");
    }
    file->tensors = grow(file->tensors, file->n_tensors, sizeof tensor);
    file->tensors[file->n_tensors++] = tensor;
}

static void read_metadata(TensorFile *file, Json *json) {
    json_expect(json, '{');
    if (json_accept(json, '}')) {
        return;
    }
    do {
        Metadata note = {.key = json_string(json)};
        json_expect(json, ':');
        note.value = json_string(json);
        file->metadata = grow(file->metadata, file->n_metadata, sizeof note);
        file->metadata[file->n_metadata++] = note;
    } while (json_accept(json, ','));
    json_expect(json, '}');
}

static void read_header(TensorFile *file, Json *json) {
    int noted = 0;
    if (json->end == json->start || *json->start != '{') {
        json_refuse(json, "no '{'");
    }
    json_expect(json, '{');
    if (!json_accept(json, '}')) {
        do {
            const char *name = json_string(json);
            json_expect(json, ':');
            if (strcmp(name, "__metadata__") != 0) {
                read_tensor(file, json, name);
            } else if (!noted++) {
                read_metadata(file, json);
            } else {
                json_refuse(json, "a second __metadata__");
            }
        } while (json_accept(json, ','));
        json_expect(json, '}');
    }
    json_expect_end(json);
}

static _Noreturn void refuse(const TensorFile *file, const char *what, const char *name) {
    fail(COULD_NOT_BE_DONE, "%s is not a whole safetensors file: %s%s; %s", file->path, what, name, file->remedy);
}

static int by_offset(const void *a, const void *b) {
    const Tensor *x = a, *y = b;
    return x->begin != y->begin ? (x->begin > y->begin) - (x->begin < y->begin) : (x->end > y->end) - (x->end < y->end);
}

static void check_names(TensorFile *file) {
    Metadata *metadata = file->metadata;
    metadata_sort(metadata, file->n_metadata);
    for (size_t i = 1; i < file->n_metadata; i++) {
        if (strcmp(metadata[i].key, metadata[i - 1].key) == 0) {
            refuse(file, "two values for ", metadata[i].key);
        }
    }
    Tensor *tensors = file->tensors;
    tensors_sort(tensors, file->n_tensors);
    for (size_t i = 1; i < file->n_tensors; i++) {
        if (strcmp(tensors[i].name, tensors[i - 1].name) == 0) {
            refuse(file, "two arrays are called ", tensors[i].name);
        }
    }
}

// The arrays must lie one after the other, from the first byte to the last. Leaves them in the order of the file.
static void check_offsets(TensorFile *file, size_t data_size) {
    Tensor *tensors = file->tensors;
    if (file->n_tensors > 0) {
        qsort(tensors, file->n_tensors, sizeof *tensors, by_offset);
    }
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

TensorFile tensors_read(const char *path, const char *remedy) {
    TensorFile file = {.path = path, .remedy = remedy};
    size_t size;
    uint64_t noted = 0;
    FILE *stream = file_open(path, &size);
    if (size < LENGTH_SIZE) {
        refuse(&file, "it is shorter than 8 bytes", "");
    }
    file_read(stream, path, &noted, LENGTH_SIZE);
    tensor_swap(&(Tensor){.dtype = INT64, .data = &noted});
    const size_t length = noted > MAX_HEADER ? SIZE_MAX : (size_t)noted;
    if (length > size - LENGTH_SIZE) {
        refuse(&file, "its header is longer than the file, or than 16 MiB", "");
    }
    file.header = allocate(length + 1, 1);
    file_read(stream, path, file.header, length);
    Json json = {path, remedy, file.header, file.header, file.header + length};
    read_header(&file, &json);
    check_names(&file);
    check_offsets(&file, size - LENGTH_SIZE - length);
    for (size_t i = 0; i < file.n_tensors; i++) {
        Tensor *tensor = file.tensors + i;
        tensor->data = allocate(tensor->end - tensor->begin, 1);
        file_read(stream, path, tensor->data, tensor->end - tensor->begin);
        tensor_swap(tensor);
    }
    fclose(stream);
    return file;
}
