"""`nnz bench`: the time of a training step, every backend in turn."""
