"""`nnz diff`: the first tensor in which two backends differ, and the likely cause."""
