"""Random numbers, exact sums, precisions and digests: what numbers are here, before there is a model.

This room imports no other room.
"""
