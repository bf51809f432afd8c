// real.h: every kernel is written once, in `real`, and compiled three times: float32.c makes it float, float64.c
// double, and strict.c float again, but with sums and functions that are correctly rounded (arithmetic.h). NAME gives
// the copies their own symbols, so that linear_forward is linked as linear_forward_float32, _float64 and _strict. In
// `wide` the elementary functions are computed.
#ifndef NNZ_REAL_H
#define NNZ_REAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(NNZ_FLOAT64)
typedef double real, wide;
#define NAME(f) f##_float64
#elif defined(NNZ_STRICT)
typedef float real;
typedef double wide;
#define NAME(f) f##_strict
#else
typedef float real, wide;
#define NAME(f) f##_float32
#endif

// One portable binary: where the loader can choose (glibc on x86-64), a function marked DISPATCH is compiled for
// AVX-512, for AVX2 and for the baseline, and the best that this CPU has is taken when the program starts. (Not under
// a sanitizer, whose checks are not ready when the loader asks.)
#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__) && \
    !defined(NNZ_ONE_COPY) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define DISPATCH __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define DISPATCH
#endif

#endif
