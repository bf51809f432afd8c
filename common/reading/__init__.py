"""The reading page: the sources side by side, what was measured of them, and a model to step through."""
