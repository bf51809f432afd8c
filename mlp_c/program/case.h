// case.h: one call of the protocol in docs/protocol.md: a request that is being read, a response that is being built.
#ifndef NNZ_CASE_H
#define NNZ_CASE_H

#include <stdint.h>

#include "safetensors.h"

enum { MOST_OUTPUTS = 32 };

typedef struct {
    TensorFile request;
    size_t sizes[128];  // by letter, as in common/spec.py: sizes['B']; 0 until a shape has told it
    Tensor any;         // the shape that "*" stands for, once one is known
    Tensor outputs[MOST_OUTPUTS];
    size_t n_outputs;
} Case;

// Shapes are strings, a letter for each axis: "BTE"; "" is one number, "*" any shape, of sizes['n'] numbers. A letter
// has one value throughout a case. All of these print what is wrong and exit with 2 if the request does not fit.

// An array of the request. case_find gives NULL if it is not there.
const void *case_in(Case *c, const char *name, const char *shape, Dtype dtype);
const void *case_find(Case *c, const char *name, const char *shape, Dtype dtype);

// Token ids, each from 0 to V-1.
const int32_t *case_ids(Case *c, const char *name, const char *shape, size_t V);

// A text of the request, or a number in it.
const char *case_text(const Case *c, const char *key);
double case_number(const Case *c, const char *key);
int64_t case_whole(const Case *c, const char *key, int64_t least, int64_t most);
uint64_t case_seed(const Case *c, const char *key);

// An array of the response, all zeros; it is the case's, and so is one made as a copy.
void *case_out(Case *c, const char *name, const char *shape, Dtype dtype);
void *case_copy(Case *c, const char *name, const char *shape, Dtype dtype, const void *values);

void case_free(Case *c);

#endif
