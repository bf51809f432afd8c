"""The reading page: the sources in columns, what was measured of them, and a model to step through."""
