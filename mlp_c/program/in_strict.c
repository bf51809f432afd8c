// in_strict.c: the files that are written in `real`, in float32 with every result correctly rounded.
#define NNZ_STRICT
#include "network.c"
#include "network_mlp.c"
#include "network_gpt.c"
#include "conformance_ops.c"
