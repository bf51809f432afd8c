"""How far a correct result may be from the oracle's.

The derived bounds (T1) of every operation, layer, optimizer and of the MLP, and the comparison with them (T1 and T2).
It imports the oracle and nothing of the checks.
"""
