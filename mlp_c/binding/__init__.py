"""The Python face of the C kernels, through cffi."""
