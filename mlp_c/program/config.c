#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "failure.h"
#include "json.h"
#include "setting.h"

// What a recipe may say beyond our settings: with this value only, or, where it is NULL, with any, for it has no part
// in an MLP trained on a folder. A key that ends in a point stands for all that begin so.
static const struct {
    const char *key, *value;
} OTHERS[] = {
    {"data.windows", "\"stream\""},
    {"data.tokenizer", "\"char\""},
    {"data.split", NULL},
    {"data.min_count", NULL},
    {"data.fractions", NULL},
    {"model.kind", "\"mlp\""},
    {"model.", NULL},
    {"optimizer.warmup", "0"},
    {"optimizer.beta2", "0.999"},
    {"optimizer.decay", NULL},
    {"optimizer.clip", NULL},
    {"train.order", "\"sequential\""},
    {"train.evaluation", "\"whole\""},
    {"train.backend", NULL},
    {"train.parts", NULL},
    {"train.autocast", NULL},
    {"train.compile", NULL},
    {"train.deterministic", NULL},
    {"sample.top_p", "1.0"},
    {"sample.tokens", "0"},
};

char *config_text(const Settings *settings) {
    char *text = NULL;
    size_t size, section = 0;
    FILE *file = open_memstream(&text, &size);
    for (const Setting *s = SETTINGS; file != NULL && s < SETTINGS + N_SETTINGS; s++) {
        const size_t length = strcspn(s->key, ".");
        if (s->key[length] == '\0') {
            continue;  // --out is no part of a recipe
        }
        if (section == 0 || strncmp(s->key, s[-1].key, length + 1) != 0) {
            fprintf(file, section++ ? "\n[%.*s]\n" : "[%.*s]\n", (int)length, s->key);
        }
        fprintf(file, "%s = ", s->key + length + 1);
        setting_write(file, settings, s);
        fputc('\n', file);
    }
    if (file == NULL || fclose(file) != 0) {
        fail(COULD_NOT_BE_DONE, "out of memory");
    }
    return text;
}

static void check_other(const char *path, const char *key, const char *value) {
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++) {
        const size_t length = strlen(OTHERS[i].key);
        if (strcmp(OTHERS[i].key, key) == 0 ||
            (OTHERS[i].key[length - 1] == '.' && strncmp(OTHERS[i].key, key, length) == 0)) {
            if (OTHERS[i].value == NULL || strcmp(OTHERS[i].value, value) == 0) {
                return;
            }
            break;
        }
    }
    fail(COULD_NOT_BE_DONE,
         "%s: the run to resume had %s = %s, which this program does not do; resume it with nnz train", path, key,
         value);
}

static void read_value(const char *path, const char *key, char *value, Settings *recorded) {
    const Setting *setting = setting_find(key, strlen(key));
    if (setting == NULL) {
        check_other(path, key, value);
        return;
    }
    if (setting->kind == TEXT) {  // TOML's basic strings are JSON's
        Json json = {path, value, value, value + strlen(value)};
        value = json_string(&json);
    }
    setting_put(recorded, setting, value, COULD_NOT_BE_DONE);
}

// The line at `*at`, without white space around it and ended by a zero byte; `*at` moves behind it.
static char *next_line(char **at) {
    char *line = *at + strspn(*at, " \t"), *end = line + strcspn(line, "\n");
    *at = *end == '\0' ? end : end + 1;
    while (end > line && strchr(" \t\r", end[-1]) != NULL) { end--; }
    *end = '\0';
    return line;
}

// What the lines of the text say, which are written to and must outlive it.
static Settings read_lines(const char *path, char *text) {
    Settings recorded = settings_default();
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

void config_check(const char *path, const char *text, const Settings *settings) {
    char *copy = allocate(strlen(text) + 1, 1);
    const Settings recorded = read_lines(path, strcpy(copy, text));
    for (const Setting *s = SETTINGS; s < SETTINGS + N_SETTINGS; s++) {
        if (strchr(s->key, '.') == NULL || strcmp(s->key, "data.name") == 0 || setting_same(&recorded, settings, s)) {
            continue;
        }
        char had[256] = "", asked[256] = "";
        FILE *first = fmemopen(had, sizeof had - 1, "w"), *second = fmemopen(asked, sizeof asked - 1, "w");
        if (first != NULL && second != NULL) {
            setting_write(first, &recorded, s), setting_write(second, settings, s);
            fclose(first), fclose(second);
        }
        fail(COULD_NOT_BE_DONE,
             "the run to resume had %s = %s, not %s; ask for the same settings, or start again without --resume",
             s->key, had, asked);
    }
    free(copy);
}
