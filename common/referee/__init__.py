"""The referee of ports of Karpathy's microgpt: the model in numpy, its known deviations, and the search for a port's.

docs/microgpt.md says what the model is and how a port is graded.
"""
