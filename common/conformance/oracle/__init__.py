"""The oracles: every operation and model from its formula alone, in numpy; nothing here imports the library."""
