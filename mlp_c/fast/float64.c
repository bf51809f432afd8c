// float64.c: all kernels and the model, compiled with real = double.
#define NNZ_FLOAT64
#include "contract.h"
#include "kernels.h"
