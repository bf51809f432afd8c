// conformance_strict.c: every function of the protocol, with real = float and each result correctly rounded.
#define NNZ_STRICT
#include "conformance_list.h"
