// train.h: a whole run, by one of the three copies of the kernels.
#ifndef NNZ_TRAIN_H
#define NNZ_TRAIN_H

#include "dataset.h"
#include "folder.h"
#include "settings.h"

void train_float32(const Settings *settings, const Dataset *dataset, const Folder *folder);
void train_strict(const Settings *settings, const Dataset *dataset, const Folder *folder);
void train_float64(const Settings *settings, const Dataset *dataset, const Folder *folder);

#endif
