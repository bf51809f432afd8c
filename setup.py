"""All settings are in pyproject.toml, but for cffi's hook and the stable ABI, at the end, and for what follows."""

import sysconfig

from setuptools import setup
from setuptools.command import editable_wheel

# What a development install does at the start of every Python is changed in two ways.
CHANGES = {
    # To a script next to it, a folder called nnz without __init__.py, such as a clone, is an empty package of that
    # name. An installed nnz wins over it; a development install does not, since Python asks setuptools' finder last. So
    # the finder answers for nnz among the folders of sys.path, too, where setuptools has put it for nnz.docs.
    "        if fullname in NAMESPACES:\n": (
        '        if fullname == "nnz":\n'
        "            return _EditableFinder.find_spec(fullname)\n"
        "        if fullname in NAMESPACES:\n"
    ),
    # Until nnz answers Ctrl-C, Python shows a traceback. So the finder does without the modules that take longest.
    "from importlib.util import spec": "from _frozen_importlib_external import spec",
    "from pathlib import Path\n": "from os.path import join\n",
    "            return cls._find_spec(fullname, Path(pkg_path))": (
        '            place = None if fullname in NAMESPACES else join(pkg_path, "__init__.py")\n'
        "            return place and spec_from_file_location(fullname, place)"
    ),
}


class DevelopmentInstall(editable_wheel.editable_wheel):
    """setuptools' own, with another finder."""

    def run(self) -> None:
        """Write the wheel. Raises RuntimeError if this setuptools has another finder."""
        template = getattr(editable_wheel, "_FINDER_TEMPLATE", "")
        for before, after in CHANGES.items():
            if before not in template:
                raise RuntimeError("setup.py cannot change this setuptools' finder; take the one of constraints.txt")
            template = template.replace(before, after)
        editable_wheel._FINDER_TEMPLATE = template
        super().run()


# cffi compiles against the stable ABI: one wheel for all Pythons from 3.11 on. A free-threaded Python has none.
ABI = {} if sysconfig.get_config_var("Py_GIL_DISABLED") else {"bdist_wheel": {"py_limited_api": "cp311"}}

setup(
    cffi_modules=["mlp_c/binding/build_kernels.py:ffi"],
    cmdclass={"editable_wheel": DevelopmentInstall},
    options=ABI,
)
