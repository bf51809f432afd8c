"""Every plot, drawn from what a run left in its folder.

It may import the rooms before it (up to `runs`). It computes nothing that is not drawn.
"""
