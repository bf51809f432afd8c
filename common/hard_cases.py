"""To be written by tests/hard_cases.py."""

TANH: dict[int, int] = {}
EXP: dict[int, int] = {}
LOG: dict[int, int] = {0x4117_8FEB: 0x400F_E5E7}
