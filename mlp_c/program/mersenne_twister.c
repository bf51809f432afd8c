#include "mersenne_twister.h"

#include <math.h>

enum { N = TWISTER_WORDS, M = 397 };

// The place after i of 1 .. 623; past the last the first word follows it, as the word before place 1.
static size_t after(uint32_t *words, size_t i) {
    if (i < N - 1) {
        return i + 1;
    }
    words[0] = words[N - 1];
    return 1;
}

// The state that init_by_array makes of the seed's 32-bit words, the lowest first.
MersenneTwister twister_init(uint64_t seed) {
    MersenneTwister twister = {.place = N};
    const uint32_t key[] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    const size_t n_keys = key[1] > 0 ? 2 : 1;
    uint32_t *w = twister.words;
    w[0] = 19650218;
    for (uint32_t i = 1; i < N; i++) { w[i] = 1812433253U * (w[i - 1] ^ w[i - 1] >> 30) + i; }
    size_t i = 1;
    for (size_t k = 0; k < N; k++, i = after(w, i)) {
        const size_t j = k % n_keys;
        w[i] = (w[i] ^ (w[i - 1] ^ w[i - 1] >> 30) * 1664525U) + key[j] + (uint32_t)j;
    }
    for (size_t k = 0; k < N - 1; k++, i = after(w, i)) {
        w[i] = (w[i] ^ (w[i - 1] ^ w[i - 1] >> 30) * 1566083941U) - (uint32_t)i;
    }
    w[0] = 0x80000000U;  // so that the state is not all zeros
    return twister;
}

// The next 624 words: word k is made of words k, k + 1 and k + 397.
static void twist(uint32_t *w) {
    for (size_t k = 0; k < N; k++) {
        const uint32_t y = (w[k] & 0x80000000U) | (w[(k + 1) % N] & 0x7FFFFFFFU);
        w[k] = w[(k + M) % N] ^ y >> 1 ^ (y & 1 ? 0x9908B0DFU : 0);
    }
}

static uint32_t u32(MersenneTwister *twister) {
    if (twister->place == N) {
        twist(twister->words);
        twister->place = 0;
    }
    uint32_t y = twister->words[twister->place++];
    y ^= y >> 11;
    y ^= y << 7 & 0x9D2C5680U;
    y ^= y << 15 & 0xEFC60000U;
    return y ^ y >> 18;
}

double twister_random(MersenneTwister *twister) {
    const uint32_t a = u32(twister) >> 5, b = u32(twister) >> 6;
    return (a * 0x1p26 + b) / 0x1p53;
}

// Of two uniforms two normals: cos(2 pi u1) r and sin(2 pi u1) r with r = sqrt(-2 ln(1 - u2)) (Box and Muller 1958).
double twister_gauss(MersenneTwister *twister, double sigma) {
    double z = twister->spare;
    if (!twister->has_spare) {
        const double angle = twister_random(twister) * (2 * 3.14159265358979323846);
        const double radius = sqrt(-2 * log(1 - twister_random(twister)));
        z = cos(angle) * radius, twister->spare = sin(angle) * radius;
    }
    twister->has_spare = !twister->has_spare;
    return z * sigma;
}

// A number from 0 to n - 1: as many upper bits of a draw as n has, drawn again until it is below n.
static size_t below(MersenneTwister *twister, size_t n) {
    int shift = 32;
    for (size_t left = n; left > 0; left >>= 1) { shift--; }
    size_t draw;
    do { draw = u32(twister) >> shift; } while (draw >= n);
    return draw;
}

void twister_shuffle(MersenneTwister *twister, size_t *numbers, size_t n) {
    for (size_t i = n; i-- > 1;) {
        const size_t j = below(twister, i + 1), number = numbers[i];
        numbers[i] = numbers[j], numbers[j] = number;
    }
}
