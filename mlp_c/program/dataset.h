// dataset.h: a folder with train.txt, val.txt and test.txt as tokens, one for each distinct character, and batches of
// them.
#ifndef NNZ_DATASET_H
#define NNZ_DATASET_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t *characters;  // code points, sorted: a character's token is its index
    size_t size;
} Vocabulary;

typedef struct {
    int32_t *tokens;
    size_t n;
} Tape;

typedef struct {
    Vocabulary vocabulary;  // the characters of the training text
    Tape train, val, test;
    int32_t end;         // the newline, which ends each line of a list; -1 for a running text
    size_t empty_lines;  // of a list, which were left out
    char *tokenizer,
        *fingerprint;  // the vocabulary as JSON, the hash of all tokens: as common/text/datasets.py has them
} Dataset;

// The files are UTF-8; "\r\n" and "\r" are read as "\n", and a byte order mark at the start of a line is left out. Of a
// list, each line is stripped of white space, and empty lines are left out. Prints what was wrong and exits with 1 if
// one is missing, empty or not UTF-8, or holds a NUL or a character that is not in the training text.
Dataset dataset_read(const char *folder, int is_list);
void dataset_free(Dataset *dataset);

// Say how much there is of what, and what may surprise, in the words of common/text/summary.py; to be read before it is
// trained on.
void dataset_describe(const Dataset *dataset, const char *folder);

// The token of a character, or -1.
int32_t vocabulary_token(const Vocabulary *vocabulary, uint32_t character);

// The text of some tokens as UTF-8, with a newline for -1; the caller frees.
char *decode(const Vocabulary *vocabulary, const int32_t *tokens, size_t n);

// Windows of T+1 tokens that start at 0, 1, 2, ... on a tape; after the last one the first comes again.
typedef struct {
    const Tape *tape;
    size_t T, B, position;
    int32_t *inputs, *targets;  // (B,T), (B,): the current batch
} Loader;

// Prints what was wrong and exits with 1 if a split is shorter than a window.
void dataset_check(const Dataset *dataset, size_t T);

// The batches of step `step` and after; the tape has a window at least.
Loader loader_init(const Tape *tape, size_t T, size_t B, int64_t step);
void loader_next(Loader *loader);
void loader_free(Loader *loader);

#endif
