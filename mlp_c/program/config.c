// config.c: the settings as TOML, and whether a checkpoint's agree with them.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "file.h"
#include "folder.h"
#include "json.h"
#include "settings.h"

const char *number_text(char text[NUMBER_TEXT], double number) {
    int digits = 0;
    do { snprintf(text, NUMBER_TEXT, "%.*e", digits, number); } while (strtod(text, NULL) != number && ++digits < 17);
    const int exponent = atoi(strchr(text, 'e') + 1);
    if (exponent >= -4 && exponent < 16) {
        snprintf(text, NUMBER_TEXT, "%.*f", digits > exponent ? digits - exponent : 1, number);
    }
    return text;
}

static void write_value(FILE *file, const Settings *settings, const Setting *setting) {
    const void *field = (const char *)settings + setting->offset;
    const double *numbers = field;
    char text[NUMBER_TEXT];
    switch (setting->kind) {
        case TEXT: json_write(file, *(const char *const *)field); break;
        case SEED: fprintf(file, "%" PRIu64, *(const uint64_t *)field); break;
        case NUMBER:
        case BELOW_ONE: fputs(number_text(text, *numbers), file); break;
        case THREADS:
        case INTEGER: fprintf(file, "%" PRId64, *(const int64_t *)field); break;
        case BOOLEAN: fputs(*(const int64_t *)field ? "true" : "false", file); break;
        case FIXED: fputs(setting->initial[is(settings->model, "gpt")], file); break;
        case FRACTIONS:
            fputs("[\n", file);
            for (int i = 0; i < 3 && numbers[i] > 0; i++) { fprintf(file, "    %s,\n", number_text(text, numbers[i])); }
            fputs("]", file);
    }
}

static char *value_text(const Settings *settings, const Setting *setting) {
    char *text;
    size_t size;
    FILE *file = text_open(&text, &size);
    write_value(file, settings, setting);
    text_close(file);
    return text;
}

static bool same_value(const Settings *a, const Settings *b, const Setting *setting) {
    const char *x = (const char *)a + setting->offset, *y = (const char *)b + setting->offset;
    return setting->kind == TEXT ? strcmp(*(const char *const *)x, *(const char *const *)y) == 0
                                 : memcmp(x, y, sizeof(int64_t)) == 0;  // all that are compared are 8 bytes
}

char *config_text(const Settings *settings) {
    char *text;
    size_t size, section = 0;
    FILE *file = text_open(&text, &size);
    for (const Setting *s = SETTINGS; s < SETTINGS + N_SETTINGS; s++) {
        const size_t length = strcspn(s->key, ".");
        if (s->key[length] == '\0' || !setting_is_of(s, settings)) {
            continue;  // --out and --threads are not part of a recipe
        }
        if (section == 0 || strncmp(s->key, s[-1].key, length + 1) != 0) {
            fprintf(file, section++ ? "\n[%.*s]\n" : "[%.*s]\n", (int)length, s->key);
        }
        fprintf(file, "%s = ", s->key + length + 1);
        write_value(file, settings, s);
        fputc('\n', file);
    }
    text_close(file);
    return text;
}

static void read_value(const char *path, const char *key, char *value, Settings *recorded) {
    const Setting *setting = setting_find(key, strlen(key));
    const bool is_of_others = setting == NULL && strncmp(key, "model.", 6) == 0 && is(recorded->model, "mlp");
    if (is_of_others || (setting != NULL && (!setting_is_of(setting, recorded) || setting->kind == FRACTIONS))) {
        return;  // it changes nothing for this model, or only the tokens, whose hash is compared
    }
    char *text = value;
    if (setting != NULL && setting->kind == TEXT) {  // TOML's basic strings are JSON's
        Json json = {path, WITHOUT_RESUME, value, value, value + strlen(value)};
        text = json_string(&json);
        text = is(key, "train.evaluation") && is(text, "whole") ? "batches" : text;  // its name before there was "all"
    }
    const bool fixed = setting != NULL && setting->kind == FIXED;
    if (setting == NULL || (setting->kind == TEXT && !setting_takes(setting, recorded, text)) ||
        (fixed && setting->minimum > 0 && strcmp(value, setting->initial[is(recorded->model, "gpt")]) != 0)) {
        fail(COULD_NOT_BE_DONE,
             text == value
                 ? "%s: the run to resume had %s = %s, which this program does not do; resume it with nnz train"
                 : "%s: the run to resume had %s = \"%s\", which this program does not do; resume it with nnz train",
             path, key, text);
    }
    if (!fixed) {
        setting_put(recorded, setting, text, COULD_NOT_BE_DONE);
    }
}

// The line at `*at`, without white space around it and ended by a zero byte; `*at` moves to the next one.
static char *next_line(char **at) {
    char *line = *at + strspn(*at, " \t"), *end = line + strcspn(line, "\n");
    *at = *end == '\0' ? end : end + 1;
    while (end > line && strchr(" \t\r", end[-1]) != NULL) { end--; }
    *end = '\0';
    return line;
}

Settings config_read(const char *path, char *text) {
    Settings recorded = settings_default(strstr(text, "\nkind = \"gpt\"") != NULL ? GPT_CPU : NAMES_RECIPE);
    char section[32] = "", key[96];
    for (char *at = text; *at != '\0';) {
        char *line = next_line(&at), *value = strstr(line, " = ");
        if (*line == '[' && value == NULL) {
            snprintf(section, sizeof section, "%.*s", (int)strcspn(line + 1, "]"), line + 1);
        } else if (value != NULL) {
            snprintf(key, sizeof key, "%s.%.*s", section, (int)(value - line), line);
            if (strcmp(value += 3, "[") == 0) {  // a list over several lines; none of our settings is one
                while (*at != '\0' && strcmp(next_line(&at), "]") != 0) {}
            }
            read_value(path, key, value, &recorded);
        } else if (*line != '\0') {
            fail(COULD_NOT_BE_DONE, "%s: its recipe has a line that nnz would not write: %s", path, line);
        }
    }
    return recorded;
}

char *config_with_steps(const char *text, int64_t steps) {
    const char *at = strstr(text, "\nsteps = ");
    char *changed;
    size_t size;
    if (at == NULL) {
        return text_copy(text);
    }
    at += strlen("\nsteps = ");
    FILE *file = text_open(&changed, &size);
    fprintf(file, "%.*s%" PRId64 "%s", (int)(at - text), text, steps, at + strcspn(at, "\n"));
    text_close(file);
    return changed;
}

static _Noreturn void differ(const Setting *s, const Settings *recorded, const Settings *asked, const char *remedy) {
    fail(COULD_NOT_BE_DONE, "the run in %s had %s = %s, not %s; ask for %s, or, " WITHOUT_RESUME, asked->out, s->key,
         value_text(recorded, s), value_text(asked, s), remedy);
}

void config_check(const char *path, const char *text, const Settings *settings) {
    char *copy = text_copy(text);
    const Settings recorded = config_read(path, copy);
    if (!is(recorded.model, settings->model)) {
        differ(setting_find("--model", 7), &recorded, settings, "the same settings");
    }
    for (const Setting *s = SETTINGS; s < SETTINGS + N_SETTINGS; s++) {
        const bool is_data =
            strncmp(s->key, "data.", 5) == 0 && strcmp(s->key, "data.kind") != 0 && strcmp(s->key, "data.windows") != 0;
        if (strchr(s->key, '.') == NULL || is_data || s->kind == FIXED || !setting_is_of(s, settings) ||
            same_value(&recorded, settings, s)) {
            continue;
        }
        const bool has_more = strcmp(s->key, "train.steps") == 0 && settings->steps > recorded.steps;
        if (has_more && settings->steps_given) {
            continue;
        }
        differ(s, &recorded, settings, has_more ? "more steps by --steps" : "the same settings");
    }
    free(copy);
}
