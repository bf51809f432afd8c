"""Models of other programs: folders of Hugging Face transformers, read and written with numpy alone.

It may import the rooms before it (up to `text`). It knows no run: what becomes of a model, the commands decide.
"""
