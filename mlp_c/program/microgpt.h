// microgpt.h: what microgpt draws from one generator of Python's random numbers, as common/recipes/microgpt.py: the
// order of the documents, the weights, and, after these, the samples.
#ifndef NNZ_MICROGPT_H
#define NNZ_MICROGPT_H

#include "dataset.h"
#include "mersenne_twister.h"
#include "network.h"

// Draw the parameters of a GPT of that shape; the generator draws the samples next.
MersenneTwister microgpt_initialize(const Network *net, uint64_t seed, const Dataset *data);

#endif
