// train_float32.c: the run, with real = float.
#include "run.h"
