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
C_FOLDER = ROOT / "mlp_c"
C_OPS = C_FOLDER / "ops"
FUSED = "fused_"  # so the name of what a library computes in one call begins, where the op is written out
KERNELS = {"fast": "all.h", "strict": "strict.c"}  # each other set of C kernels, and the file that includes it
WORDS_OF_OTHER_FILES = r"(?i)strict|precision|native\b|\bby\b *:|device|out="  # what an op file has nothing to do with

IN_C = spec.MLP_FUNCTIONS  # the functions that C has
NOT_IN_C = {"GPT", "LayerNorm", "RMSNorm", "ReLU", "GELU", "CausalSelfAttention", "Dropout", "clip_grad_norm"}

each_op = pytest.mark.parametrize("op", spec.OPS.values(), ids=list(spec.OPS))
each_c_op = pytest.mark.parametrize("op", spec.MLP_OPS.values(), ids=list(spec.MLP_OPS))
each_c_function = pytest.mark.parametrize("function", IN_C.values(), ids=list(IN_C))


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
@pytest.mark.parametrize("backend", PYTHON)
def test_a_backend_has_every_row_and_no_other(backend, model):
    stems = {path.stem for path in folder_of_ops(backend, model).glob("*.py")} - {"__init__"}
    assert stems == {op.name for op in spec.OPS.values() if op.model == model}


def test_c_has_every_row_of_the_mlp_and_no_other():
    assert {path.stem for path in C_OPS.glob("*.c")} == set(spec.MLP_OPS)


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
    assert sorted(plain.__all__) == sorted(spec.FUNCTIONS)
    assert sorted(strict.__all__) == sorted(spec.MLP_FUNCTIONS)
    for name in spec.MLP_FUNCTIONS:
        assert inspect.signature(getattr(plain, name)) == inspect.signature(getattr(strict, name)), name


@each_c_op
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
    assert len(included) == len(spec.MLP_OPS) + 2  # and the model, with its tensors by name
    (file,) = [C_FOLDER / folder / name for name in included if Path(name).stem == op.name]
    assert file.parent.name == folder or not (C_FOLDER / folder / file.name).exists()
    return file


@each_c_function
def test_the_c_header_declares_what_the_spec_says(function):
    assert c_declaration(function) + ";" in words((C_OPS / "ops.h").read_text(encoding="utf-8"))
    assert f"#define {function.name} NAME({function.name})" in (C_FOLDER / "kernels.h").read_text(encoding="utf-8")


@pytest.mark.parametrize("backend", registry.names())
def test_nn_ops_names_every_function_of_the_spec_and_no_other(backend):
    ops, functions = registry.load(backend).ops, IN_C if backend == "c" else spec.FUNCTIONS
    assert sorted(ops.__all__) == sorted(functions)
    for name, function in functions.items():
        assert words(inspect.getdoc(getattr(ops, name))).startswith(words(function.summary))


def test_every_backend_exports_the_same_names():
    extra = {"torch": {"MLPModule"}}  # the idiomatic twin, which only torch can have
    exported = {name: set(registry.load(name).__all__) - extra.get(name, set()) for name in registry.names()}
    assert exported["c"] == exported["numpy"] - NOT_IN_C
    assert exported["numpy"] == exported["torch"]


def test_only_the_registry_knows_the_backends_by_name():
    for path in (ROOT / "common").rglob("*.py"):
        if path.name != "registry.py":
            assert not re.search(r"backend\s*==|==\s*\"(c|numpy|torch)\"", path.read_text(encoding="utf-8")), path
