// conformance_case.c: one call: the request's arrays and numbers, checked, and the response's arrays.
#include "conformance.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"

static int same_shape(const Tensor *a, const Tensor *b) {
    return a->rank == b->rank && memcmp(a->shape, b->shape, a->rank * sizeof *a->shape) == 0;
}

// A letter that has no size yet takes it from this array.
static void check_shape(Case *c, const Tensor *tensor, const char *shape) {
    if (strcmp(shape, "*") == 0) {
        if (c->any.name == NULL) {
            c->any = *tensor;
            c->sizes['n'] = (tensor->end - tensor->begin) / DTYPES[tensor->dtype].size;
        }
        if (!same_shape(tensor, &c->any)) {
            fail(ASKED_WRONGLY, "%s does not have the shape of %s", tensor->name, c->any.name);
        }
        return;
    }
    if (tensor->rank != strlen(shape)) {
        fail(ASKED_WRONGLY, "%s has %zu axes; it must be (%s)", tensor->name, tensor->rank, shape);
    }
    for (size_t i = 0; i < tensor->rank; i++) {
        size_t *size = c->sizes + (unsigned char)shape[i];
        *size = *size == 0 ? tensor->shape[i] : *size;
        if (tensor->shape[i] == 0 || tensor->shape[i] != *size) {
            fail(ASKED_WRONGLY, "%s has a size of %zu where %c is %zu", tensor->name, tensor->shape[i], shape[i],
                 *size);
        }
    }
}

const void *case_in_as(Case *c, const char *name, const char *shape, Dtype dtype) {
    const Tensor *tensor = tensors_find(&c->request, name);
    if (tensor == NULL) {
        fail(ASKED_WRONGLY, "the request lacks %s", name);
    }
    if (tensor->dtype != dtype) {
        fail(ASKED_WRONGLY, "%s is %s; it must be %s", name, DTYPES[tensor->dtype].name, DTYPES[dtype].name);
    }
    check_shape(c, tensor, shape);
    return tensor->data;
}

const void *case_in(Case *c, const char *name, const char *shape) { return case_in_as(c, name, shape, c->dtype); }

bool case_has(const Case *c, const char *name) { return tensors_find(&c->request, name) != NULL; }

const int32_t *case_ids(Case *c, const char *name, const char *shape, size_t V) {
    const int32_t *ids = case_in_as(c, name, shape, INT32);
    const Tensor *tensor = tensors_find(&c->request, name);
    for (size_t i = 0; i < (tensor->end - tensor->begin) / sizeof *ids; i++) {
        if (ids[i] < 0 || (size_t)ids[i] >= V) {
            fail(ASKED_WRONGLY, "%s holds %d; token ids run from 0 to %zu", name, (int)ids[i], V - 1);
        }
    }
    return ids;
}

const char *case_text(const Case *c, const char *key) {
    const char *text = tensors_metadata(&c->request, key);
    if (text == NULL) {
        fail(ASKED_WRONGLY, "the request's metadata lack %s", key);
    }
    return text;
}

double case_number(const Case *c, const char *key) {
    const char *text = case_text(c, key);
    char *end;
    const double number = strtod(text, &end);
    if (*text == '\0' || *end != '\0' || !isfinite(number)) {
        fail(ASKED_WRONGLY, "%s = %s is not a number", key, text);
    }
    return number;
}

int64_t case_integer(const Case *c, const char *key, int64_t min, int64_t max) {
    const char *text = case_text(c, key);
    char *end;
    errno = 0;
    const long long integer = strtoll(text, &end, 10);
    if (*text == '\0' || *end != '\0' || errno != 0 || integer < min || integer > max) {
        fail(ASKED_WRONGLY, "%s = %s is not an integer from %lld to %lld", key, text, (long long)min, (long long)max);
    }
    return integer;
}

uint64_t case_seed(const Case *c, const char *key) {
    const char *text = case_text(c, key);
    char *end;
    errno = 0;
    const unsigned long long seed = strtoull(text, &end, 10);
    if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || seed == 0) {
        fail(ASKED_WRONGLY, "%s = %s is not an integer from 1 to 18446744073709551615", key, text);
    }
    return seed;
}

void *case_out_as(Case *c, const char *name, const char *shape, Dtype dtype) {
    Tensor *out = c->outputs + c->n_outputs++;
    *out = (Tensor){.name = name, .dtype = dtype, .rank = strlen(shape)};
    for (size_t i = 0; i < out->rank; i++) { out->shape[i] = c->sizes[(unsigned char)shape[i]]; }
    if (strcmp(shape, "*") == 0) {
        out->rank = c->any.rank;
        memcpy(out->shape, c->any.shape, sizeof out->shape);
    }
    out->data = allocate(tensor_bytes(out), 1);
    return out->data;
}

void *case_out(Case *c, const char *name, const char *shape) { return case_out_as(c, name, shape, c->dtype); }

void *case_copy(Case *c, const char *name, const char *shape, const void *values) {
    void *copy = case_out(c, name, shape);
    return memcpy(copy, values, tensor_bytes(c->outputs + c->n_outputs - 1));
}

void *case_update(Case *c, const char *name, const char *shape) {
    return case_copy(c, name, shape, case_in(c, name, shape));
}

void case_free(Case *c) {
    for (size_t i = 0; i < c->n_outputs; i++) { free(c->outputs[i].data); }
    tensors_free(&c->request);
}
