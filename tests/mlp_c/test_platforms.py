"""build/mlp for other processors and C libraries: it computes the same bits, which files hold in the same order."""

import pytest
from support.built_program import built

from tools import platforms

STEPS = 12
TOLD = ("x86-64, musl", "aarch64, glibc", "s390x (big-endian), glibc")

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    """The figures of this machine's program, and its checkpoint."""
    out = tmp_path_factory.mktemp("here")
    return platforms.figures(platforms.NATIVE[0], built(), out, STEPS), checkpoint(out)


def checkpoint(out):
    return (out / "strict" / "checkpoint.safetensors").read_bytes()


TESTED = [*(one for one in platforms.FOREIGN if one.name in TOLD), platforms.WASM]


@pytest.mark.parametrize("platform", TESTED, ids=lambda one: one.name)
def test_another_platform_writes_the_same_bytes(platform, here, tmp_path):
    if platform.missing:
        pytest.skip(f"{platform.missing} is not installed")
    program, refusal = platforms.build(platform)
    assert refusal == ""
    assert (platforms.figures(platform, program, tmp_path, STEPS), checkpoint(tmp_path)) == here
