// failure.h: how the program says that it could not do what was asked.
#ifndef NNZ_FAILURE_H
#define NNZ_FAILURE_H

#include <stddef.h>

enum { COULD_NOT_BE_DONE = 1, ASKED_WRONGLY = 2 };

// Print "mlp: ..." on stderr and exit.
_Noreturn void fail(int status, const char *format, ...);

// As malloc and calloc, but without memory the program ends.
void *allocate(size_t count, size_t size);

#endif
