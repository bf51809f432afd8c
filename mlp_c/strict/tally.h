// tally.h: how many results the strict products have rounded, and how many of them they summed exactly, in this
// process.
#ifndef NNZ_TALLY_H
#define NNZ_TALLY_H

#include <stddef.h>

void tally_add(size_t rounded, size_t summed);
void tally_read(double *rounded, double *summed);

#endif
