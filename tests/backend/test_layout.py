"""The matrix of operations: rows are those of the spec, columns the backends; each cell agrees with the spec."""

import ast
import inspect
import re
from pathlib import Path

import pytest

from nnz.backend import registry, spec

ROOT = Path(__file__).resolve().parents[2]
MODELS = sorted({op.model for op in spec.OPS.values()})
PYTHON = ("numpy", "torch")
FUSED = "fused_"  # so the name of what a library computes in one call begins, where the op is written out
KERNELS = {"fast": "all.h", "strict": "strict.c"}  # each other set of C kernels, and the file that includes it
OF_MODEL = {"mlp": 2, "gpt": 6}  # files of the model that it includes, next to the operations
WORDS_OF_OTHER_FILES = r"(?i)strict|precision|native\b|\bby\b *:|device|out="  # what an op file has nothing to do with

each_op = pytest.mark.parametrize("op", spec.OPS.values(), ids=list(spec.OPS))


def folder_of_ops(backend: str, model: str) -> Path:
    return ROOT / f"{model}_{backend}" / "ops"


def words(text: str) -> str:
    return " ".join(text.replace("//", " ").split())


def c_declaration(function: spec.Function) -> str:
    def pointer(name: str, const: bool) -> str:
        kind = spec.ARRAY_TYPES.get(name, "real")
        return f"{'const ' if const else ''}{kind} *{name}"

    written = [pointer(name, const=False) for name in (*function.outputs, *function.updates)]
    read = [pointer(name, const=True) for name in function.inputs]
    sizes = [f"size_t {size}" for size in function.sizes]
    scalars = [f"{spec.SCALAR_TYPES.get(name, 'double')} {name}" for name in function.scalars]
    return f"void {function.name}({', '.join(written + read + sizes + scalars)})"


def test_the_spec_lists_every_op_once():
    assert len(spec.FUNCTIONS) == sum(len(op.functions) for op in spec.OPS.values())


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("backend", ["c", *PYTHON])
def test_a_backend_has_every_row_and_no_other(backend, model):
    stems = {path.stem for path in folder_of_ops(backend, model).glob("*.c" if backend == "c" else "*.py")}
    assert stems - {"__init__"} == {op.name for op in spec.OPS.values() if op.model == model}


@each_op
@pytest.mark.parametrize("backend", PYTHON)
def test_a_python_op_has_the_functions_arguments_and_order_of_the_spec(backend, op):
    tree = ast.parse((folder_of_ops(backend, op.model) / f"{op.name}.py").read_text(encoding="utf-8"))
    found = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    found = [node for node in found if not node.name.startswith(("_", FUSED))]
    assert [node.name for node in found] == [function.name for function in op.functions]
    for node, function in zip(found, op.functions, strict=True):
        assert tuple(argument.arg for argument in node.args.args) == function.python_arguments
        assert words(ast.get_docstring(node)).startswith(words(function.summary))


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("backend", PYTHON)
def test_an_op_file_holds_the_operation_and_nothing_else(backend, model):
    for path in folder_of_ops(backend, model).glob("*.py"):
        assert not re.search(WORDS_OF_OTHER_FILES, path.read_text(encoding="utf-8")), path


@pytest.mark.parametrize("backend", PYTHON)
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
    ops = folder_of_ops("c", op.model)
    if folder == "ops":
        return ops / f"{op.name}.c"
    kernels = ops.parent / folder
    included = re.findall(r'^#include "(.*\.c)"$', (kernels / KERNELS[folder]).read_text(), re.MULTILINE)
    assert len(included) == sum(other.model == op.model for other in spec.OPS.values()) + OF_MODEL[op.model]
    (file,) = [kernels / name for name in included if Path(name).stem == op.name]
    assert file.parent.name == folder or not (kernels / file.name).exists()
    return file


@each_op
def test_the_c_header_declares_what_the_spec_says(op):
    ops = folder_of_ops("c", op.model)
    for function in op.functions:
        assert c_declaration(function) + ";" in words((ops / "ops.h").read_text(encoding="utf-8"))
        kernels = (ops.parent / "kernels.h").read_text(encoding="utf-8")
        assert f"#define {function.name} NAME({function.name})" in kernels


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
