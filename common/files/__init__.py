"""Files that are always whole, locks, tensor files and downloads; errors and what a terminal shows.

It may import `numbers`. It knows nothing of models, texts or recipes.
"""
