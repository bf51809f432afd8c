// dispatch.h: one portable binary. Where the loader can choose (glibc on x86-64), a function marked DISPATCH is
// compiled for AVX-512, for AVX2 and for the baseline, and the best that this CPU has is taken when the program starts.
// HAS_AVX512 tells, while the program runs, whether that is the first of them, which has 32 registers of 64 bytes.
// INSTRUCTIONS is its name, for nnz info. (Not under a sanitizer, whose checks are not ready when the loader asks.)
#ifndef NNZ_DISPATCH_H
#define NNZ_DISPATCH_H

#define ALWAYS_INLINE __attribute__((always_inline)) static inline

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__GNUC__) && __GNUC__ >= 12 && !defined(__clang__) && \
    !defined(NNZ_ONE_COPY) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define DISPATCH __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#define HAS_AVX512 __builtin_cpu_supports("x86-64-v4")
#define INSTRUCTIONS (HAS_AVX512 ? "x86-64-v4" : __builtin_cpu_supports("x86-64-v3") ? "x86-64-v3" : "x86-64")
#else
#define DISPATCH
#define HAS_AVX512 0
#define INSTRUCTIONS "what the compiler took the CPU to have"
#endif

#endif
