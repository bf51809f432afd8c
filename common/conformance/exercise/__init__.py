"""`nnz new-backend`: a package of stubs to fill in and grade."""
