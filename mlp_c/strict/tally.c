#include "tally.h"

#include <stdatomic.h>

static atomic_size_t all_rounded, all_summed;  // counts alone: no result depends on them

void tally_add(size_t rounded, size_t summed) {
    atomic_fetch_add_explicit(&all_rounded, rounded, memory_order_relaxed);
    atomic_fetch_add_explicit(&all_summed, summed, memory_order_relaxed);
}

void tally_read(double *rounded, double *summed) {
    *rounded = (double)atomic_load_explicit(&all_rounded, memory_order_relaxed);
    *summed = (double)atomic_load_explicit(&all_summed, memory_order_relaxed);
}
