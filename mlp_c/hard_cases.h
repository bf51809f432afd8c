// hard_cases.h: to be written by tests/hard_cases.py
#ifndef NNZ_HARD_CASES_H
#define NNZ_HARD_CASES_H

#include <stdint.h>

typedef struct {
    uint32_t x, y;
} HardCase;

enum { HARD_TANH_COUNT = 1, HARD_EXP_COUNT = 1, HARD_LOG_COUNT = 1 };

static const HardCase HARD_TANH[] = {{0, 0}};
static const HardCase HARD_EXP[] = {{0, 0x3F800000}};
static const HardCase HARD_LOG[] = {{0x41178FEB, 0x400FE5E7}};

#endif
