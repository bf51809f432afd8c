// json.h: UTF-8, and as much of JSON as the header of a safetensors file needs, read strictly, from left to right.
#ifndef NNZ_JSON_H
#define NNZ_JSON_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

// The length in bytes of the first character of s, or 0 if it is not UTF-8 (overlong forms and surrogates are not).
size_t utf8_decode(uint32_t *character, const unsigned char *s, size_t left);

// Write a character of at most U+10FFFF; return its length, 1 to 4.
size_t utf8_encode(unsigned char *s, uint32_t character);

// A position in a text. Strings are decoded in place, so the text is written to and must outlive them.
typedef struct {
    const char *path, *remedy;  // the file it is from and what to do if it is not whole, for the message
    char *start, *at, *end;
} Json;

// Every function skips white space first. What is not allowed is printed, and ends the program with exit code 1.
_Noreturn void json_refuse(const Json *json, const char *what);

// If the next character is c, go past it and return 1.
int json_accept(Json *json, char c);
void json_expect(Json *json, char c);
void json_expect_end(Json *json);

// A string, as UTF-8 that ends with a zero byte and holds no other.
char *json_string(Json *json);

// Write a string, with the escapes that Python's json asks for.
void json_write(FILE *file, const char *string);

// A whole number from 0 to SIZE_MAX.
size_t json_integer(Json *json);

#endif
