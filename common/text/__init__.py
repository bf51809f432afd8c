"""From a text file to batches of token ids: data sets, tokenizers, splits, windows.

It may import the rooms before it (`numbers`, `files`, `backend`). It knows nothing of recipes and runs.
"""
