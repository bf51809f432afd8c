"""From a recipe to a trained model: the loop, the watcher that records it, the end of a run, the ladder of models.

It may import the rooms before it (up to `pictures`). It does not parse a command line.
"""
