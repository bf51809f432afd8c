"""All settings stand in pyproject.toml, but for the C kernels: cffi's hook is a keyword of setup()."""

from setuptools import setup

setup(cffi_modules=["mlp_c/binding/build_kernels.py:ffi"])
