"""How far two honest computations of the same GPT may differ."""

# The gradient of every parameter against the float64 oracle, as a share of the tensor's largest entry.
# Measured on the models of the tests: at most 7.6e-7 and 2.5e-15.
GRADIENT_LIMIT = {"float32": 1e-4, "float64": 1e-12}
