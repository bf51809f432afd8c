"""All settings are in pyproject.toml, but for two: cffi's hook is a keyword of setup(), and what follows."""

from setuptools import setup
from setuptools.command import editable_wheel

# To a script next to it, a folder called nnz without __init__.py, such as a clone, is an empty package of that name. An
# installed nnz wins over it; a development install does not, since Python asks setuptools' finder last. So the finder
# answers for nnz among the folders of sys.path, too, where setuptools has put it for the sake of nnz.docs.
BEFORE = "        if fullname in NAMESPACES:\n"
ANSWER = '        if fullname == "nnz":\n            return _EditableFinder.find_spec(fullname)\n'
template = getattr(editable_wheel, "_FINDER_TEMPLATE", "")
editable_wheel._FINDER_TEMPLATE = template.replace(BEFORE, ANSWER + BEFORE)

setup(cffi_modules=["mlp_c/binding/build_kernels.py:ffi"])
