// plain_float64.c: the GPT's plain kernels and the model, compiled with real = double.
#define NNZ_PLAIN_FLOAT64
#include "plain.h"
