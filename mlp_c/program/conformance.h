// conformance.h: `mlp conformance`, the protocol of docs/protocol.md: one function at a time, from a file to a file.
#ifndef NNZ_CONFORMANCE_H
#define NNZ_CONFORMANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "network.h"
#include "safetensors.h"

// Answer what is on the command line after `conformance`: --list, --serve, or REQUEST RESPONSE.
void conformance(int argc, char **argv);

enum { MAX_OUTPUTS = 32 };

// One call: a request and the response to it.
typedef struct {
    TensorFile request;
    Dtype dtype;              // of its numbers
    NewNetwork *new_network;  // in its precision
    size_t sizes[128];        // by letter, as in common/backend/spec.py: sizes['B']; 0 until a shape has given it
    Tensor any;               // the shape that "*" stands for, once one is known
    Tensor outputs[MAX_OUTPUTS];
    size_t n_outputs;
} Case;

#define SIZE(letter) (c->sizes[letter])

typedef struct {
    const char *name;  // NULL ends a list
    void (*run)(Case *c);
} Function;

// The ops in each precision (conformance_ops.c), and the functions of a whole model (conformance_model.c).
extern const Function OPS_float32[], OPS_float64[], OPS_strict[], MODEL_FUNCTIONS[];

// Shapes are strings, a letter for each axis: "BTE"; "" is one number, "*" any shape, of sizes['n'] numbers. A letter
// has one value throughout a case. All of these print what was wrong and exit with 2 if the request does not fit.

// An array of the request, of the case's dtype or of another one; whether there is one of that name.
const void *case_in(Case *c, const char *name, const char *shape);
const void *case_in_as(Case *c, const char *name, const char *shape, Dtype dtype);
bool case_has(const Case *c, const char *name);

// Token ids, each from 0 to V-1.
const int32_t *case_ids(Case *c, const char *name, const char *shape, size_t V);

// A text of the request, or a number in it.
const char *case_text(const Case *c, const char *key);
double case_number(const Case *c, const char *key);
int64_t case_integer(const Case *c, const char *key, int64_t min, int64_t max);
uint64_t case_seed(const Case *c, const char *key);

// An array of the response, which belongs to the case: of zeros, a copy of `values`, or a copy of the request's array
// of that name.
void *case_out(Case *c, const char *name, const char *shape);
void *case_out_as(Case *c, const char *name, const char *shape, Dtype dtype);
void *case_copy(Case *c, const char *name, const char *shape, const void *values);
void *case_update(Case *c, const char *name, const char *shape);

void case_free(Case *c);

#endif
