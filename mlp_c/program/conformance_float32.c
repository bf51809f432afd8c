// conformance_float32.c: every function of the protocol, with real = float.
#include "conformance_list.h"
