"""`python -m nnz` is `nnz`."""

import sys

from .command_line import main

sys.exit(main())
