"""Random numbers, exact sums, the two precisions, hashes of arrays.

It may import numpy, and no other room. It knows nothing of models, files or texts.
"""
