"""What a run is: the TOML files, their sections and settings, and the table of models that can be built from them.

It may import the rooms before it (up to `text`). It does not train, and writes no file.
"""
