"""build/mlp for other processors and C libraries: it computes the same bits, which files hold in the same order."""

import pytest
from support.built_program import built

from tools import platforms

STEPS = 20
TOLD = ("x86-64, musl", "aarch64, glibc", "s390x (big-endian), glibc")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def expected():
    return platforms.figures(platforms.NATIVE[0], built(), STEPS)


@pytest.mark.parametrize("platform", [one for one in platforms.FOREIGN if one.name in TOLD], ids=lambda one: one.name)
def test_another_platform_writes_the_same_bytes(platform, expected):
    if platform.missing:
        pytest.skip(f"{platform.missing} is not installed")
    program, refusal = platforms.build(platform)
    assert refusal == ""
    assert platforms.figures(platform, program, STEPS) == expected
    here, there = ((one / "strict" / "checkpoint.safetensors").read_bytes() for one in map(runs_of, (built(), program)))
    assert here == there


def runs_of(program):
    return program.with_name(f"{program.name}-runs")
