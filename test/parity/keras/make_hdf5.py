"""HDF5 files by h5py, in its default layout and in the layout of HDF5 2, and their content."""
import h5py
import numpy as np

from common import FIXTURES

KINDS = "<f2 <f4 <f8 >f4 |i1 <i2 <i4 <i8 >i8 |u1 <u2 <u4 <u8 |b1".split()
HALVES = [0.0, -0.0, 1.0, -2.5, 65504.0, 2.0**-24, 2.0**-14, np.inf, -np.inf, np.nan]


def fill(file):
    """Writes all kinds of attributes and datasets that any version of Keras has written, and some similar ones."""
    for name, value in {
        "backend": "tensorflow",
        "unicode": "größe",
        "bytes": b"2.0.6",
        "fixed": np.bytes_(b"fixed"),
        "names": ["conv1/kernel", "", "größe"],
        "fixed_names": np.array([b"conv1/kernel:0", b"", b"b"]),
        "no_names": np.array([]),
        "whole": 3,
        "fraction": 0.5,
        "numbers": np.arange(3, dtype=">i4"),
        "nothing": h5py.Empty("f4"),
    }.items():
        file.attrs[name] = value
    file.attrs.create("utf8_fixed", "größe".encode(), dtype=h5py.string_dtype("utf-8", 12))
    for i, part in enumerate(np.array_split(np.array([f"layer_{i}".encode() for i in range(20)]), 3)):
        file.attrs[f"layer_names{i}"] = part
    many = file.create_group("many")
    for i in range(60):
        many.create_group(f"layer_{i}").attrs["weight_names"] = np.array([])
    kinds = file.create_group("kinds")
    for kind in KINDS:
        kinds[kind.replace("|", "").replace("<", "little_").replace(">", "big_")] = (np.arange(6) - 2).reshape(2, 3).astype(kind)
    kinds["halves"] = np.array(HALVES, "<f2")
    shapes = file.create_group("a/b/c")
    shapes["scalar"] = np.int64(7)
    shapes["empty"] = np.zeros((0, 3), "<f4")
    shapes["null"] = h5py.Empty("<f4")
    cube = (np.arange(7 * 5 * 6) % 11).reshape(7, 5, 6).astype("<f4")
    shapes.create_dataset("chunked", data=cube, chunks=(3, 2, 4))
    shapes.create_dataset("packed", data=cube, chunks=(2, 5, 5), compression="gzip", shuffle=True)
    shapes.create_dataset("small", data=cube[:3, :4], chunks=(1, 1, 2), compression="gzip")


def plain(value):
    """Converts an attribute to JSON: text, a number, or a list."""
    if isinstance(value, h5py.Empty):
        return []
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.ndarray):
        return [plain(entry) for entry in value.ravel()]
    return value.item() if isinstance(value, np.generic) and not isinstance(value, np.bytes_) else value


def numbers(dataset):
    """Converts a dataset to JSON: its shape, and its numbers as text, which preserves large numbers, NaN and
    infinities.
    """
    if dataset.shape is None:
        return {"shape": [0], "data": []}
    return {"shape": list(dataset.shape), "data": [str(value) for value in np.ravel(dataset[()]).astype("O")]}


def tree(group):
    members = {name: group[name] for name in group}
    return {
        "attributes": {name: plain(value) for name, value in group.attrs.items()},
        "groups": {name: tree(member) for name, member in members.items() if isinstance(member, h5py.Group)},
        "arrays": {name: numbers(member) for name, member in members.items() if isinstance(member, h5py.Dataset)},
    }


def make():
    for name, bounds in {"hdf5_old": ("earliest", "v108"), "hdf5_new": ("v108", "v108")}.items():
        FIXTURES.mkdir(exist_ok=True)
        with h5py.File(FIXTURES / f"{name}.h5", "w", libver=bounds) as file:
            fill(file)
    with h5py.File(FIXTURES / "hdf5_old.h5", "r") as file:
        return tree(file)
