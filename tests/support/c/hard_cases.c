// hard_cases.c: tanh, exp and log of all 2^32 float32 inputs by the C library's float64 function.
//
//   hard_cases candidates exp   prints the bits of each x whose exp(x), off by MARGIN, could round to another float32;
//                               and last, in units of 2^-52, how far the float64 results were from long double ones
//   hard_cases rounded exp      writes exp(x), rounded to float32, for the inputs 0, 1, 2 ... as bits
#include <assert.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

// Four times what nnz calls hard, so that none is missed unless the C library is off by 48 units of 2^-52.
#define MARGIN 0x1p-46
#define ROUNDS_TO_ZERO 0x1p-151     // and less
#define ROUNDS_TO_INFINITY 0x1p129  // and more

static_assert(FLT_EVAL_METHOD == 0, "float64 is to be float64");
static_assert(LDBL_MANT_DIG > DBL_MANT_DIG, "long double is to tell how good float64 is");

enum { CHUNK = 1 << 22 };
static const uint64_t INPUTS = UINT64_C(1) << 32;

static const struct {
    const char *name;
    double (*in_float64)(double);
    long double (*in_long_double)(long double);
} FUNCTIONS[] = {{"tanh", tanh, tanhl}, {"exp", exp, expl}, {"log", log, logl}};

static float input(uint64_t i) {
    const uint32_t bits = (uint32_t)i;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static int is_candidate(double y) { return !isnan(y) && (float)(y * (1 - MARGIN)) != (float)(y * (1 + MARGIN)); }

// How far y is from long double's f(x), in units of 2^-52; where y is plainly 0, infinity or NaN it is believed.
static double distance(double y, long double (*better)(long double), float x) {
    const double size = fabs(y);
    if (!(size > ROUNDS_TO_ZERO && size < ROUNDS_TO_INFINITY)) {
        return 0;
    }
    const long double exact = better(x);
    const double far = (double)(fabsl(y - exact) / fabsl(exact)) * 0x1p52;
    return far >= 0 ? far : INFINITY;  // than a NaN
}

static void candidates(double (*f)(double), long double (*better)(long double)) {
    double farthest = 0;
#pragma omp parallel for schedule(dynamic, CHUNK) reduction(max : farthest)
    for (uint64_t i = 0; i < INPUTS; i++) {
        const float x = input(i);
        const double y = f(x), far = distance(y, better, x);
        farthest = far > farthest ? far : farthest;
        if (is_candidate(y)) {
            printf("%08x\n", (unsigned)i);  // printf locks: a line stays whole, whichever thread comes first
        }
    }
    printf("farthest %.4f\n", farthest);
}

static int write_rounded(double (*f)(double)) {
    static float y[CHUNK];
    for (uint64_t first = 0; first < INPUTS; first += CHUNK) {
#pragma omp parallel for schedule(static)
        for (uint64_t i = 0; i < CHUNK; i++) { y[i] = (float)f(input(first + i)); }
        if (fwrite(y, sizeof *y, CHUNK, stdout) != CHUNK) {
            return 1;
        }
    }
    return 0;
}

int main(int count, char **words) {
    for (size_t k = 0; count == 3 && k < sizeof FUNCTIONS / sizeof *FUNCTIONS; k++) {
        if (strcmp(words[2], FUNCTIONS[k].name) == 0 && strcmp(words[1], "rounded") == 0) {
            return write_rounded(FUNCTIONS[k].in_float64);
        }
        if (strcmp(words[2], FUNCTIONS[k].name) == 0 && strcmp(words[1], "candidates") == 0) {
            candidates(FUNCTIONS[k].in_float64, FUNCTIONS[k].in_long_double);
            return fflush(stdout) != 0;
        }
    }
    fputs("usage: hard_cases candidates|rounded tanh|exp|log\n", stderr);
    return 2;
}
