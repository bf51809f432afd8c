// json.h: as much of JSON as the header of a safetensors file is made of, read strictly, from left to right.
#ifndef NNZ_JSON_H
#define NNZ_JSON_H

#include <stddef.h>
#include <stdio.h>

// A place in a text. Strings are decoded where they stand, so the text is written to and must outlive them.
typedef struct {
    const char *path;  // the file it is from, for the message
    char *start, *at, *end;
} Json;

// Every function skips white space first. What is not as it should be is told by the program's end, with exit code 1.
_Noreturn void json_refuse(const Json *json, const char *what);

// Whether the next character is c, which is then behind us.
int json_take(Json *json, char c);
void json_expect(Json *json, char c);
void json_expect_end(Json *json);

// A string, as UTF-8 that ends with a zero byte and holds no other.
char *json_string(Json *json);

// Write a string, with the escapes that Python's json asks for.
void json_write(FILE *file, const char *string);

// A whole number from 0 to SIZE_MAX.
size_t json_whole(Json *json);

#endif
