// utf8.h: one character at a time, from and to UTF-8.
#ifndef NNZ_UTF8_H
#define NNZ_UTF8_H

#include <stddef.h>
#include <stdint.h>

// The length in bytes of the first character of s, or 0 if it is not UTF-8 (overlong forms and surrogates are not).
size_t utf8_decode(uint32_t *character, const unsigned char *s, size_t left);

// Write a character of at most U+10FFFF; return its length, 1 to 4.
size_t utf8_encode(unsigned char *s, uint32_t character);

#endif
