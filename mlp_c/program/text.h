// text.h: a folder of UTF-8 text as tokens, one token per distinct character.
#ifndef NNZ_TEXT_H
#define NNZ_TEXT_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint32_t *characters;  // code points, sorted: a character's token is its place among them
    size_t size;
} Vocabulary;

typedef struct {
    int32_t *tokens;
    size_t n;
} Tape;

// The code points of a file, without a byte order mark and with "\n" for "\r\n". Prints what was wrong and exits with 1
// if the file cannot be read, is empty or is not UTF-8. The caller frees.
uint32_t *text_read(const char *folder, const char *split, size_t *n);

// The sorted distinct characters of a text. vocabulary_free gives them back.
Vocabulary vocabulary_of(const uint32_t *text, size_t n);
void vocabulary_free(Vocabulary *vocabulary);

// The token of a character, or -1.
int32_t vocabulary_token(const Vocabulary *vocabulary, uint32_t character);

// The tokens of a text; takes the text over. Prints the first character outside the vocabulary and exits with 1.
Tape tape_of(const Vocabulary *vocabulary, uint32_t *text, size_t n, const char *folder, const char *split);

// The text of some tokens as UTF-8, where -1 stands for a newline; the caller frees.
char *text_of(const Vocabulary *vocabulary, const int32_t *tokens, size_t n);

#endif
