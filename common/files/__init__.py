"""Files that are never half written, and the terminal: atomic writes, locks, tensor files, downloads; errors, progress.

It may import `numbers`. It knows nothing of models, texts or recipes.
"""
