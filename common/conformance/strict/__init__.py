"""What a backend is asked in strict float32: to give the strict oracle's results, exact to the bit.

in_strict makes any check call the backend with precision="strict"; training compares SHA-256 hashes of trained weights.
"""
