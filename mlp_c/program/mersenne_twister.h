// mersenne_twister.h: Python's own random numbers, the same to the bit as those of random.Random(seed) of Python 3:
// the MT19937 of Matsumoto and Nishimura 1998, and what `random` makes of its draws.
#ifndef NNZ_MERSENNE_TWISTER_H
#define NNZ_MERSENNE_TWISTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TWISTER_WORDS = 624 };

typedef struct {
    uint32_t words[TWISTER_WORDS];
    size_t place;  // of the next word
    bool has_spare;
    double spare;  // the second of two normals
} MersenneTwister;

MersenneTwister twister_init(uint64_t seed);

// A uniform in [0, 1) of 53 bits: random().
double twister_random(MersenneTwister *twister);

// N(0, sigma^2): gauss(0, sigma).
double twister_gauss(MersenneTwister *twister, double sigma);

// Shuffle n numbers in place: shuffle().
void twister_shuffle(MersenneTwister *twister, size_t *numbers, size_t n);

#endif
