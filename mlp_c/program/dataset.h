// dataset.h: a text as tokens, one for each distinct character, in three splits, and batches of them.
#ifndef NNZ_DATASET_H
#define NNZ_DATASET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../rng.h"
#include "settings.h"

typedef struct {
    uint32_t *characters;  // code points
    size_t n;
} Text;

typedef struct {
    uint32_t *characters;  // code points, sorted: a character's token is its index
    size_t size;
    bool newline_last;  // and not in its place among them
} Vocabulary;

typedef struct Documents Documents;

typedef struct {
    int32_t *tokens;
    size_t n;
    Documents *documents;  // its lines, where these are the windows; else NULL
} Tape;

typedef struct {
    Vocabulary vocabulary;  // the characters of the training text, or of a file that is split
    Tape train, val, test;
    int32_t end;         // the newline, which ends each line of a list; -1 for a running text
    size_t empty_lines;  // of a list, which were left out
    char *tokenizer,
        *fingerprint;  // the vocabulary as JSON, the hash of all tokens: as common/text/datasets.py has them
} Dataset;

// A folder with train.txt, val.txt and test.txt, or a file that is split as the settings say. The files are UTF-8;
// "\r\n" and "\r" are read as "\n", and a byte order mark at the start of a line is left out. Of a list, each line is
// stripped of white space, and empty lines are left out. Prints what was wrong and exits with 1 if a file is missing,
// empty or not UTF-8, or holds a NUL, if one of three files holds a character that is not in the training text, or if a
// file is too short to be split.
Dataset dataset_read(const Settings *settings);
void dataset_free(Dataset *dataset);

// The text of a file in three, as common/text/datasets.py splits it (split.c).
void split_text(const Text *text, const Settings *settings, Text parts[3]);

// Say how much there is of what, and what may surprise, in the words of common/text/summary.py; to be read before it is
// trained on.
void dataset_describe(const Dataset *dataset, const Settings *settings);

// The token of a character, or -1.
int32_t vocabulary_token(const Vocabulary *vocabulary, uint32_t character);

// The text of some tokens as UTF-8, with a newline for -1; the caller frees.
char *decode(const Vocabulary *vocabulary, const int32_t *tokens, size_t n);

// Windows of T+1 tokens that start at 0, 1, 2, ... on a tape; after the last one the first comes again. Or windows that
// are drawn at random. Or documents, in batches of one length (documents.c).
typedef struct {
    const Tape *tape;
    size_t T, B, position, given;  // given: how many batches by loader_next_once
    size_t capacity;               // the largest B
    bool at_every_position;        // a target for each token, or one for the window
    bool random;                   // windows are drawn
    RNG rng;                       // by this
    int32_t *inputs, *targets;     // (B,T), (B,T) or (B,): the current batch
} Loader;

// Prints what was wrong and exits with 1 if a split is shorter than a window.
void dataset_check(const Dataset *dataset, size_t T);

// The batches of step `step` and after (batches.c); the tape has a window at least. A seed that is not 0 draws the
// windows.
Loader loader_init(const Tape *tape, size_t T, size_t B, bool at_every_position, uint64_t seed, int64_t step);
void loader_next(Loader *loader);
void loader_free(Loader *loader);

// The next of batches that have each target of the tape once, of all, or of as many as fill so many batches: the last
// ones are smaller, and so is the last window if there is a target at every position. Whether there is one. In place of
// loader_next, from step 0 on; `batches` is 0 for all.
bool loader_next_once(Loader *loader, size_t batches);

// The lines of a tape, of which at most T tokens each are predicted; and how many are longer.
Documents *documents_new(const Tape *tape, size_t T);
void documents_free(Documents *documents);
size_t documents_cut(const Documents *documents);

// What loader_next and loader_next_once do where the windows are documents.
void documents_next(Loader *loader);
bool documents_next_once(Loader *loader, size_t batches);

#endif
