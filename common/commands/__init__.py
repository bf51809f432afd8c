"""The command line: one file for each command of `nnz`.

It may import every other room, and no room imports it.
"""
