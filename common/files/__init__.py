"""Files that are always whole, and the terminal: atomic writes, locks, tensor files, downloads; error messages, progress and signals.

It may import `numbers`. It knows nothing of models, texts or recipes.
"""
