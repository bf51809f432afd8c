// threads.h: a kernel's loop, shared out to threads. Where there are no POSIX threads there is one.
#ifndef NNZ_THREADS_H
#define NNZ_THREADS_H

#include <stddef.h>

static inline size_t min_size(size_t x, size_t y) { return x < y ? x : y; }

// One part of a loop: round i, with what `of` points to.
typedef void Part(const void *of, size_t i);

// How many threads a loop of `work` multiply-adds may take now: each must have enough to do.
size_t threads_for(size_t work);

// part(of, i) for each i < parts, in any order, on threads_for(work) threads or fewer. Returns when all are done.
void in_parallel(Part *part, const void *of, size_t parts, size_t work);

// From now on a kernel called by this thread uses up to n threads, even where fewer would be faster.
void set_threads(int n);

#endif
