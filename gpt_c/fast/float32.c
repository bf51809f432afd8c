// float32.c: the GPT's fast kernels and the model, compiled with real = float.
#define NNZ_FLOAT32
#include "all.h"
