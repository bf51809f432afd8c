// conformance.h: `mlp conformance`, the protocol of docs/protocol.md: one function at a time, from a file to a file.
#ifndef NNZ_CONFORMANCE_H
#define NNZ_CONFORMANCE_H

#include "case.h"

typedef struct {
    const char *name;  // NULL ends a list
    void (*run)(Case *c);
} Function;

extern const Function FUNCTIONS_float32[], FUNCTIONS_float64[], FUNCTIONS_strict[];

// What stands on the command line behind `conformance`: --list, or REQUEST RESPONSE.
void conformance(int argc, char **argv);

#endif
