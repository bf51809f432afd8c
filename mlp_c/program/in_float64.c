// in_float64.c: the files that are written in `real`, in float64.
#define NNZ_FLOAT64
#include "network.c"
#include "network_mlp.c"
#include "network_gpt.c"
#include "conformance_ops.c"
