"""What a run leaves: its folder, checkpoints, log and statistics; loading a trained model, and sampling from it.

It may import the rooms before it (up to `recipes`). It does not train, and draws no picture.
"""
