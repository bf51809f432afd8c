// train_float64.c: the run, with real = double.
#define NNZ_FLOAT64
#include "run.h"
