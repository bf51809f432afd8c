"""The inputs of the checks, chosen so that a wrong implementation cannot give the right result by luck.

No two sizes are equal, tokens repeat, biases are not zero; for strict float32, sums that are hard to round.
"""
