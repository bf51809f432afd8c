#define NNZ_STRICT
#include "run.h"
