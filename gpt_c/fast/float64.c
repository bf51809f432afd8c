// float64.c: the GPT's fast kernels and the model, compiled with real = double.
#define NNZ_FLOAT64
#include "all.h"
