"""What a run is: the TOML files, their sections and settings, and how a recipe becomes a model and an optimizer.

It may import the rooms before it (up to `text`). It trains nothing and writes nothing.
"""
