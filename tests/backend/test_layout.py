"""The matrix of operations: rows are those of the spec, columns the backends; each cell agrees with the spec."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from nnz.backend import registry, spec

ROOT = Path(__file__).resolve().parents[2]
PYTHON_FOLDERS = {"numpy": ROOT / "mlp_numpy" / "ops", "torch": ROOT / "mlp_torch" / "ops"}
C_FOLDER = ROOT / "mlp_c"
C_OPS = C_FOLDER / "ops"
KERNELS = {"fast": "all.h", "strict": "strict.c"}  # each other set of C kernels, and the file that includes it
WORDS_OF_OTHER_FILES = r"(?i)strict|precision|native\b|\bby\b *:|device|out="  # what an op file has nothing to do with

each_op = pytest.mark.parametrize("op", spec.OPS.values(), ids=list(spec.OPS))
each_function = pytest.mark.parametrize("function", spec.FUNCTIONS.values(), ids=list(spec.FUNCTIONS))


def words(text: str) -> str:
    return " ".join(text.replace("//", " ").split())


def c_declaration(function: spec.Function) -> str:
    def pointer(name: str, const: bool) -> str:
        kind = "int32_t" if name in ("ids", "targets") else "real"
        return f"{'const ' if const else ''}{kind} *{name}"

    written = [pointer(name, const=False) for name in (*function.outputs, *function.updates)]
    read = [pointer(name, const=True) for name in function.inputs]
    sizes = [f"size_t {size}" for size in function.sizes]
    scalars = [f"{spec.SCALAR_TYPES.get(name, 'double')} {name}" for name in function.scalars]
    return f"void {function.name}({', '.join(written + read + sizes + scalars)})"


def test_the_spec_lists_every_op_once():
    assert len(spec.FUNCTIONS) == sum(len(op.functions) for op in spec.OPS.values())


@pytest.mark.parametrize("folder", [*PYTHON_FOLDERS.values(), C_OPS], ids=["numpy", "torch", "c"])
def test_a_backend_has_every_row_and_no_other(folder):
    stems = {path.stem for path in folder.glob("*.c" if folder == C_OPS else "*.py")} - {"__init__"}
    assert stems == set(spec.OPS)


@each_op
@pytest.mark.parametrize("backend", PYTHON_FOLDERS)
def test_a_python_op_has_the_functions_arguments_and_order_of_the_spec(backend, op):
    tree = ast.parse((PYTHON_FOLDERS[backend] / f"{op.name}.py").read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]
    assert [node.name for node in found] == [function.name for function in op.functions]
    for node, function in zip(found, op.functions, strict=True):
        assert tuple(argument.arg for argument in node.args.args) == function.python_arguments
        assert words(ast.get_docstring(node)).startswith(words(function.summary))


@pytest.mark.parametrize("backend", PYTHON_FOLDERS)
def test_an_op_file_holds_the_operation_and_nothing_else(backend):
    for path in PYTHON_FOLDERS[backend].glob("*.py"):
        assert not re.search(WORDS_OF_OTHER_FILES, path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("backend", PYTHON_FOLDERS)
def test_the_strict_ops_have_the_names_and_arguments_of_the_plain_ones(backend):
    plain, strict = (registry.load(backend).MLP.ops_by_precision[name] for name in ("native", "strict"))
    assert sorted(plain.__all__) == sorted(strict.__all__) == sorted(spec.FUNCTIONS)
    for name in spec.FUNCTIONS:
        assert inspect.signature(getattr(plain, name)) == inspect.signature(getattr(strict, name)), name


@each_op
@pytest.mark.parametrize("folder", ["ops", *KERNELS])
def test_a_c_op_has_the_functions_arguments_and_order_of_the_spec(folder, op):
    source = words(_c_file(folder, op).read_text(encoding="utf-8").replace("restrict ", "").replace("// ", ""))
    places = []
    for function in op.functions:
        definition = c_declaration(function) + " {"
        assert definition in source
        places.append(source.index(definition))
        comment = source[: places[-1]].removesuffix(" DISPATCH ").rstrip()
        assert comment.removesuffix("DISPATCH").rstrip().endswith(words(function.summary))
    assert places == sorted(places)


def _c_file(folder: str, op: spec.Op) -> Path:
    """The op's file of a set of kernels: the one that the set includes, its own or the plain one."""
    if folder == "ops":
        return C_OPS / f"{op.name}.c"
    included = re.findall(r'^#include "(.*\.c)"$', (C_FOLDER / folder / KERNELS[folder]).read_text(), re.MULTILINE)
    assert len(included) == len(spec.OPS) + 2  # and the model, with its tensors by name
    (file,) = [C_FOLDER / folder / name for name in included if Path(name).stem == op.name]
    assert file.parent.name == folder or not (C_FOLDER / folder / file.name).exists()
    return file


@each_function
def test_the_c_header_declares_what_the_spec_says(function):
    assert c_declaration(function) + ";" in words((C_OPS / "ops.h").read_text(encoding="utf-8"))
    assert f"#define {function.name} NAME({function.name})" in (C_FOLDER / "kernels.h").read_text(encoding="utf-8")


@pytest.mark.parametrize("backend", registry.names())
def test_nn_ops_names_every_function_of_the_spec_and_no_other(backend):
    ops = registry.load(backend).ops
    assert sorted(ops.__all__) == sorted(spec.FUNCTIONS)
    for name, function in spec.FUNCTIONS.items():
        assert words(inspect.getdoc(getattr(ops, name))).startswith(words(function.summary))


def test_every_backend_exports_the_same_names():
    extra = {"torch": {"MLPModule"}}  # the idiomatic twin, which only torch can have
    exported = {name: set(registry.load(name).__all__) - extra.get(name, set()) for name in registry.names()}
    assert exported["c"] == exported["numpy"] == exported["torch"]


def test_only_the_registry_knows_the_backends_by_name():
    for path in (ROOT / "common").rglob("*.py"):
        if path.name != "registry.py":
            assert not re.search(r"backend\s*==|==\s*\"(c|numpy|torch)\"", path.read_text(encoding="utf-8")), path
