"""What a run leaves: its folder, checkpoints, log and statistics; a trained model loaded again, and sampling from it.

It may import the rooms before it (up to `recipes`). It does not train.
"""
