"""What is right: every operation and model from its formula alone.

In float64 (mlp, gpt) and in strict float32 (strict, strict_ops). The oracles import numpy and the standard library, and
nothing of this package.
"""
