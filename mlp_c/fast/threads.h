// threads.h: how many threads a kernel's loop is shared out to. Without OpenMP there is one, and nothing else changes.
#ifndef NNZ_THREADS_H
#define NNZ_THREADS_H

#include <stdbool.h>
#include <stddef.h>

#ifdef _OPENMP
#include <omp.h>
#endif

// False in a child that was forked: the threads of its parent are not there, and OpenMP would wait for them.
extern bool has_threads;

static inline size_t min_size(size_t x, size_t y) { return x < y ? x : y; }

// Enough work for each: waking a thread costs as much as some 100,000 multiply-adds.
static inline int threads_for(size_t work) {
#ifdef _OPENMP
    return has_threads ? (int)min_size((size_t)omp_get_max_threads(), 1 + work / 200000) : 1;
#else
    (void)work;
    return 1;
#endif
}

// From now on a kernel called by this thread uses up to n threads; in a forked child one.
void set_threads(int n);

#endif
