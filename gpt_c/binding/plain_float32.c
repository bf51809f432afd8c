// plain_float32.c: the GPT's plain kernels and the model, compiled with real = float.
#define NNZ_PLAIN_FLOAT32
#include "plain.h"
