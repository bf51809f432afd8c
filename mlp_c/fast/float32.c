// float32.c: all kernels and the model, compiled with real = float.
#include "contract.h"
#include "kernels.h"
