// failure.h: how the program ends when it could not do what it was asked to.
#ifndef NNZ_FAILURE_H
#define NNZ_FAILURE_H

#include <stddef.h>
#include <stdio.h>

enum { COULD_NOT_BE_DONE = 1, ASKED_WRONGLY = 2 };

// Print on stderr: one line, whatever it quotes.
void note(const char *format, ...);

// The same with "mlp: " before it, and exit.
_Noreturn void fail(int status, const char *format, ...);

// Say what the system refused, such as "cannot remove ", for which file and why, and what helps; and exit with 1.
_Noreturn void fail_at(const char *what, const char *path, int reason);

// Write a text to a terminal: with \x1b and the like in place of the characters that it would obey, and not show.
void print_shown(FILE *file, const char *text);

// A number as a person reads it: 12,345.
enum { COUNT_TEXT = 32 };
const char *count_text(char text[COUNT_TEXT], size_t count);

// As calloc and strdup, but without memory the program ends.
void *allocate(size_t count, size_t size);
char *text_copy(const char *text);

#endif
