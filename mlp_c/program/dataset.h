// dataset.h: a folder with train.txt, val.txt and test.txt, and what a checkpoint says of it.
#ifndef NNZ_DATASET_H
#define NNZ_DATASET_H

#include "text.h"

typedef struct {
    Vocabulary vocabulary;
    Tape train, val, test;
    char *tokenizer,
        *fingerprint;  // the vocabulary as JSON, and the hash of all tokens, as common/datasets.py has them
} Dataset;

// Prints what was wrong and exits with 1 if there is not a text for each.
Dataset dataset_read(const char *folder);
void dataset_free(Dataset *dataset);

#endif
