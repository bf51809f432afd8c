#include "json.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "failure.h"

size_t utf8_decode(uint32_t *character, const unsigned char *s, size_t left) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    if (left == 0) {
        return 0;
    }
    size_t length = s[0] < 0x80 ? 1 : s[0] >> 5 == 6 ? 2 : s[0] >> 4 == 14 ? 3 : s[0] >> 3 == 30 ? 4 : 0;
    if (length == 0 || length > left) {
        return 0;
    }
    *character = length == 1 ? s[0] : s[0] & (0x7FU >> length);
    for (size_t i = 1; i < length; i++) {
        if (s[i] >> 6 != 2) {
            return 0;
        }
        *character = *character << 6 | (s[i] & 0x3FU);
    }
    if (*character < least[length] || *character > 0x10FFFF || *character >> 11 == 0x1B) {
        return 0;
    }
    return length;
}

size_t utf8_encode(unsigned char *s, uint32_t c) {
    if (c < 0x80) {
        s[0] = (unsigned char)c;
        return 1;
    }
    const unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
    s[0] = (unsigned char)((0xF80U >> more & 0xFFU) | c >> 6 * more);
    for (unsigned i = 1; i <= more; i++) { s[i] = (unsigned char)(0x80U | (c >> 6 * (more - i) & 0x3FU)); }
    return more + 1;
}

_Noreturn void json_refuse(const Json *json, const char *what) {
    fail(COULD_NOT_BE_DONE, "%s is not a whole safetensors file: %s at byte %zu of its header; %s", json->path, what,
         (size_t)(json->at - json->start), json->remedy);
}

static void skip(Json *json) {
    while (json->at < json->end && *json->at != '\0' && strchr(" \t\r\n", *json->at) != NULL) { json->at++; }
}

int json_accept(Json *json, char c) {
    skip(json);
    const int found = json->at < json->end && *json->at == c;
    json->at += found;
    return found;
}

void json_expect(Json *json, char c) {
    if (!json_accept(json, c)) {
        char what[] = "'?' is missing";
        what[1] = c;
        json_refuse(json, what);
    }
}

void json_expect_end(Json *json) {
    skip(json);
    if (json->at < json->end) {
        json_refuse(json, "something follows");
    }
}

static uint32_t hexadecimal(Json *json) {
    uint32_t value = 0;
    for (int i = 0; i < 4; i++, json->at++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *digit = json->at < json->end && *json->at != '\0' ? strchr(digits, *json->at) : NULL;
        if (digit == NULL) {
            json_refuse(json, "a bad \\u escape");
        }
        value = value << 4 | ((uint32_t)(digit - digits) & 15);
    }
    return value;
}

// The character after a backslash and a u; beyond U+FFFF it is written as two, each with 10 bits of it.
static uint32_t escaped_unicode(Json *json) {
    const uint32_t high = hexadecimal(json);
    if (high >> 11 != 0x1B) {
        return high;
    }
    if (json->end - json->at < 2 || memcmp(json->at, "\\u", 2) != 0) {
        json_refuse(json, "half a character");
    }
    json->at += 2;
    const uint32_t low = hexadecimal(json);
    if (high >> 10 != 0x36 || low >> 10 != 0x37) {
        json_refuse(json, "half a character");
    }
    return 0x10000 + ((high & 0x3FF) << 10 | (low & 0x3FF));
}

static uint32_t escaped(Json *json) {
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const int letter = json->at < json->end ? *json->at : '\0';
    if (letter == 'u') {
        json->at++;
        return escaped_unicode(json);
    }
    const char *found = letter == '\0' ? NULL : strchr(letters, letter);
    if (found == NULL) {
        json_refuse(json, "a bad escape");
    }
    json->at++;
    return (uint32_t)meanings[found - letters];
}

static uint32_t character(Json *json) {
    uint32_t c;
    const size_t length = utf8_decode(&c, (unsigned char *)json->at, (size_t)(json->end - json->at));
    if (length == 0) {
        json_refuse(json, "a string that is not UTF-8, or has no end,");
    }
    if (c < ' ') {
        json_refuse(json, "a control character in a string");
    }
    json->at += length;
    return c == '\\' ? escaped(json) : c;
}

char *json_string(Json *json) {
    json_expect(json, '"');
    char *text = json->at;
    unsigned char *out = (unsigned char *)text;  // never beyond `at`: an escape is longer than its character
    while (json->at == json->end || *json->at != '"') {
        const uint32_t c = character(json);
        if (c == 0) {
            json_refuse(json, "a zero character in a string");
        }
        out += utf8_encode(out, c);
    }
    json->at++;
    *out = '\0';
    return text;
}

static int is_digit(const Json *json) { return json->at < json->end && *json->at >= '0' && *json->at <= '9'; }

size_t json_integer(Json *json) {
    size_t value = 0;
    skip(json);
    const char *first = json->at;
    for (; is_digit(json); json->at++) {
        const size_t digit = (size_t)(*json->at - '0');
        if (value > (SIZE_MAX - digit) / 10) {
            json_refuse(json, "a number too large");
        }
        value = value * 10 + digit;
    }
    if (json->at == first || (*first == '0' && json->at > first + 1)) {
        json_refuse(json, "no whole number");
    }
    return value;
}

void json_write(FILE *file, const char *string) {
    static const char escapes[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    fputc('"', file);
    for (const char *c = string; *c; c++) {
        const char *escape = strchr(escapes, *c);
        if (escape != NULL) {
            fprintf(file, "\\%c", letters[escape - escapes]);
        } else if (*c > 0 && *c < ' ') {
            fprintf(file, "\\u%04x", (unsigned)*c);
        } else {
            fputc(*c, file);
        }
    }
    fputc('"', file);
}
