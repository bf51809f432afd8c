"""The training loop; the watcher, which records how a run learns; and what happens at the end of a run.

It may import the rooms before it (up to `pictures`). It parses no command line.
"""
