#include "utf8.h"

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
