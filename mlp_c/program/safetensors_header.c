#include "safetensors_header.h"

#include <stdlib.h>
#include <string.h>

#include "failure.h"

// Room for one item more than n: the memory doubles whenever n is a power of two.
static void *one_more(void *items, size_t n, size_t size) {
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
        if (strcmp(code, dtype_code(dtype)) == 0) {
            return dtype;
        }
    }
    json_refuse(json, "a dtype that is not F32, F64, I32 or I64");
}

// [n, n, ...] with at most `most` numbers; returns how many.
static size_t read_list(Json *json, size_t *numbers, size_t most) {
    size_t n = 0;
    json_expect(json, '[');
    if (json_take(json, ']')) {
        return 0;
    }
    do {
        if (n == most) {
            json_refuse(json, "too long a list");
        }
        numbers[n++] = json_whole(json);
    } while (json_take(json, ','));
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
        tensor->rank = read_list(json, tensor->shape, MAX_RANK);
    } else if (read_list(json, place, 2) == 2) {
        tensor->begin = place[0], tensor->end = place[1];
    } else {
        json_refuse(json, "a place without begin and end");
    }
}

static void read_tensor(TensorFile *file, Json *json, const char *name) {
    Tensor tensor = {.name = name};
    int said = 0;
    json_expect(json, '{');
    do { read_field(json, &tensor, &said); } while (json_take(json, ','));
    json_expect(json, '}');
    if (said != 7) {
        json_refuse(json, "an array without its dtype, shape or place");
    }
    file->tensors = one_more(file->tensors, file->n_tensors, sizeof tensor);
    file->tensors[file->n_tensors++] = tensor;
}

static void read_notes(TensorFile *file, Json *json) {
    json_expect(json, '{');
    if (json_take(json, '}')) {
        return;
    }
    do {
        Note note = {.key = json_string(json)};
        json_expect(json, ':');
        note.value = json_string(json);
        file->notes = one_more(file->notes, file->n_notes, sizeof note);
        file->notes[file->n_notes++] = note;
    } while (json_take(json, ','));
    json_expect(json, '}');
}

void header_read(TensorFile *file, Json *json) {
    int noted = 0;
    if (json->end == json->start || *json->start != '{') {
        json_refuse(json, "no '{'");
    }
    json_expect(json, '{');
    if (!json_take(json, '}')) {
        do {
            const char *name = json_string(json);
            json_expect(json, ':');
            if (strcmp(name, "__metadata__") != 0) {
                read_tensor(file, json, name);
            } else if (!noted++) {
                read_notes(file, json);
            } else {
                json_refuse(json, "a second __metadata__");
            }
        } while (json_take(json, ','));
        json_expect(json, '}');
    }
    json_expect_end(json);
}
