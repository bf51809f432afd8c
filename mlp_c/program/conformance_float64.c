// conformance_float64.c: every function of the protocol, with real = double.
#define NNZ_FLOAT64
#include "conformance_list.h"
