"""`nnz diff`: the first tensor in which two backends differ, its likely cause, and the source that computes it."""
