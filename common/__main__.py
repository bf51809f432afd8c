"""`python -m nnz` is `nnz`."""

import sys

from .commands.main import main

sys.exit(main())
