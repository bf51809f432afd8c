"""The interface that every backend has: the spec of each operation, and the base of each model, layer and optimizer.

It may import `numbers` and `files`, and no backend: `registry` loads one by its name.
"""
