"""`nnz new-backend`: writes a package of stubs, to be filled in and graded."""
