// float64.c: the fast kernels and the model, compiled with real = double.
#define NNZ_FLOAT64
#include "all.h"
