"""Every plot, drawn from what a run left in its folder.

It may import the rooms below it (up to `runs`), so no training and no commands. It computes only what it draws.
"""
