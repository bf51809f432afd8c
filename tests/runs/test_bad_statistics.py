"""A file of statistics that is not whole is refused in words of ours, takes no memory, and does not stop a run."""

import io
import struct
import zipfile

import numpy as np
import pytest
from support.tiny_runs import data_folder, tiny_recipe, train
from support.tiny_statistics import whole

from nnz.runs.statistics import Statistics


def zipped(members, compression=zipfile.ZIP_STORED):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", compression) as file:
        for name, content in members.items():
            file.writestr(name, content)
    return held.getvalue()


def array(header, content=b""):
    header = header.encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


def of_shape(shape, descr="<f8"):
    return {"steps.npy": array(f"{{'descr': {descr!r}, 'fortran_order': False, 'shape': {shape}}}", bytes(24))}


def without(*names):
    file = Statistics()
    file.arrays = {name: a for name, a in whole().arrays.items() if name not in names}
    return written(file)


def written(file):
    held = io.BytesIO()
    np.savez(held, **file.arrays)
    return held.getvalue()


def changed(name, a):
    file = whole()
    file.arrays[name] = a
    return written(file)


BAD = {
    "nothing": (b"", "No data left"),
    "a pickle": (b"\x80\x04K\x01.", "pickled"),
    "an array alone": (of_shape((3,))["steps.npy"], "context manager"),
    "a member that is no array": (zipped({"steps.npy": b"hello"}), "it holds 'steps'"),
    "a pickled array": (zipped(of_shape((3,), "|O")), "Object arrays"),
    "a header that is no Python": (zipped({"steps.npy": array("(")}), "EOF"),
    "a shape beyond all memory": (zipped(of_shape((2**40,))), "Unable to allocate"),
    "a shape below 0": (zipped(of_shape((-1,))), "negative dimensions"),
    "200 MB of zeros, packed": (zipped({"steps.npy": bytes(200_000_000)}, zipfile.ZIP_DEFLATED), "more than its own"),
    "another array": (changed("x", np.zeros(3)), "it holds 'x'"),
    "text for numbers": (changed("updates", np.full((3, 2), "a")), "it holds 'updates'"),
    "an axis too few": (changed("updates", np.zeros(3)), "'updates' is (3,)"),
    "a layer too many": (changed("saturation", np.zeros((3, 4))), "which does not fit nL"),
    "a list too few": (without("saturation"), "it lacks 'saturation'"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_holds_no_statistics_is_refused(tmp_path, what):
    data, message = BAD[what]
    (tmp_path / "a.npz").write_bytes(data)
    with pytest.raises(ValueError, match=r"a.npz is not a whole file of statistics: [^\n]*train again") as error:
        Statistics.load(tmp_path / "a.npz")
    assert message in str(error.value)


@pytest.mark.slow
def test_a_file_with_any_byte_changed_or_cut_off_is_refused_or_of_the_same_shapes(tmp_path):
    data, path, refused = written(whole()), tmp_path / "a.npz", 0
    shapes = {name: a.shape for name, a in whole().arrays.items()}
    for i in range(0, len(data), 11):
        for changed in (data[:i], data[:i] + bytes([data[i] ^ 1 << i % 8]) + data[i + 1 :]):
            path.write_bytes(changed)
            try:
                found = {name: a.shape for name, a in Statistics.load(path).arrays.items()}
            except ValueError as error:
                refused += "is not a whole file of statistics" in str(error)
            else:
                assert found.items() <= shapes.items()  # a changed directory can leave out what no step needs
    assert refused > len(data) / 11  # every truncation, and most of the changes: zip files count their bytes


def test_what_lies_there_does_not_keep_a_run_from_going_on(tmp_path, capsys):
    data = data_folder(tmp_path / "data")
    train(tiny_recipe(data), tmp_path / "run", backend="numpy")
    (tmp_path / "run" / "statistics.npz").write_bytes(BAD["a header that is no Python"][0])
    train(tiny_recipe(data), tmp_path / "run", backend="numpy", resume=True)
    assert "is lost and will be missing in the pictures" in capsys.readouterr().err
