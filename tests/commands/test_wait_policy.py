"""While PyTorch's threads wait for each other in `nnz train`, other programs have their cores."""

import os
import subprocess
import sys

import pytest

TELLS = """
import os
from nnz.commands.main import main
main(["train", "no-such-recipe"])
print(os.environ["OMP_WAIT_POLICY"])
"""


@pytest.mark.parametrize(("given", "used"), [(None, "PASSIVE"), ("ACTIVE", "ACTIVE")])
def test_waiting_threads_sleep_unless_the_environment_says_otherwise(given, used):
    environment = {k: v for k, v in os.environ.items() if k != "OMP_WAIT_POLICY"}
    environment |= {} if given is None else {"OMP_WAIT_POLICY": given}
    done = subprocess.run([sys.executable, "-c", TELLS], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == used, done.stderr
