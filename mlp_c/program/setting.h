// setting.h: every setting: what it is called, where it is kept, and what it may be.
#ifndef NNZ_SETTING_H
#define NNZ_SETTING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "settings.h"

typedef enum { TEXT, WHOLE, SEED, RATE, SWITCH } Kind;

typedef struct {
    const char *key, *flag;  // as a recipe names it, and its short form
    Kind kind;
    size_t offset;
    int least;  // that a number may be; for a RATE 1 says: above 0
    const char *help;
} Setting;

enum { N_SETTINGS = 21 };
extern const Setting SETTINGS[N_SETTINGS];

// The setting of that key or flag, of which only so many letters count; NULL if there is none.
const Setting *setting_find(const char *name, size_t length);

// Set it. Prints what it takes and exits with `status` if the value is not allowed; a text must outlive the settings.
void setting_put(Settings *settings, const Setting *setting, const char *value, int status);

// Its value as TOML, and whether it is the same in both.
void setting_write(FILE *file, const Settings *settings, const Setting *setting);
bool setting_same(const Settings *a, const Settings *b, const Setting *setting);

#endif
