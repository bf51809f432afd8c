// train.h: a whole run, in one of the two precisions.
#ifndef NNZ_TRAIN_H
#define NNZ_TRAIN_H

#include "settings.h"
#include "text.h"

typedef struct {
    Vocabulary vocabulary;
    Tape train, val, test;
} Data;

void train_float32(const Settings *settings, const Data *data);
void train_float64(const Settings *settings, const Data *data);

#endif
