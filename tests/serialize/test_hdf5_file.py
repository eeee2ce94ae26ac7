"""HDF5 trees: what h5py and Keras write is read, what we write they read, the rest is refused."""

import io

import h5py
import ml_dtypes
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.serialize.damage import equal, refuses_every_truncation
from tricord.errors import ArgumentError, FileFormatError, UnsafeFileError
from tricord.serialize import H5Group, load_hdf5, read_names, save_hdf5, save_npz, write_names


def saved(tree: H5Group) -> bytes:
    file = io.BytesIO()
    save_hdf5(file, tree)
    return file.getvalue()


def reloaded(tree: H5Group) -> H5Group:
    return load_hdf5(io.BytesIO(saved(tree)))


def written(fill, **options) -> bytes:
    """The file that h5py makes of what ``fill`` puts into it."""
    file = io.BytesIO()
    with h5py.File(file, "w", **options) as out:
        fill(out)
    return file.getvalue()


def loaded(raw: bytes, **options) -> H5Group:
    return load_hdf5(io.BytesIO(raw), **options)


def same(left: H5Group, right: H5Group) -> bool:
    """Equal trees; HDF5 keeps names in their own order."""
    if set(left.members) != set(right.members) or set(left.attributes) != set(right.attributes):
        return False
    if not all(equal(left.attributes[name], right.attributes[name]) for name in left.attributes):
        return False
    pairs = [(member, right.members[name]) for name, member in left.members.items()]
    return all(same(one, other) if isinstance(one, H5Group) and isinstance(other, H5Group)
               else equal(one, other) for one, other in pairs)


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1,
                max_size=6).filter(lambda name: name not in (".", ".."))
DTYPES = st.sampled_from([np.dtype(t) for t in (
    "i1", "<i2", ">i4", "i8", "u1", "u8", "f2", "f4", ">f8", "c8", "c16", "S3", "?",
    ml_dtypes.bfloat16)])


@st.composite
def arrays(draw):
    dtype = draw(DTYPES)
    shape = draw(hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    if dtype.kind == "b":
        return draw(hnp.arrays(dtype, shape))
    return draw(hnp.arrays(np.uint8, (*shape, dtype.itemsize))).view(dtype).reshape(shape)


TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=8)
ATTRIBUTES = st.dictionaries(NAMES, (
    TEXT | st.integers(-(2**63), 2**63 - 1) | st.booleans() | st.floats(allow_nan=False)
    | st.lists(TEXT, min_size=1, max_size=3) | hnp.arrays(np.float32, 3) | st.none()), max_size=3)
TREES = st.recursive(
    st.builds(H5Group, ATTRIBUTES, st.dictionaries(NAMES, arrays(), max_size=3)),
    lambda inner: st.builds(H5Group, ATTRIBUTES,
                            st.dictionaries(NAMES, inner | arrays(), max_size=4)),
    max_leaves=5)


@given(TREES)
def test_every_tree_comes_back_as_it_was(tree):
    assert same(reloaded(tree), tree)
    assert saved(tree) == saved(tree)


def test_h5py_reads_what_we_write(tmp_path):
    tree = H5Group({"config": "ü" * 70_000, "names": ["a", "bcd"], "n": 3, "none": None},
                   {"layer": H5Group({}, {"kernel": np.arange(6.0).reshape(2, 3)}),
                    "half": np.ones(3, ml_dtypes.bfloat16)})
    save_hdf5(tmp_path / "a.h5", tree)
    with h5py.File(tmp_path / "a.h5") as file:
        assert file.attrs["config"] == "ü" * 70_000
        assert list(file.attrs["names"]) == [b"a", b"bcd"]
        assert file.attrs["n"] == 3
        assert file["layer/kernel"][()].tolist() == [[0, 1, 2], [3, 4, 5]]
        assert file["half"].attrs["dtype"] == "bfloat16"
    assert same(load_hdf5(tmp_path / "a.h5"), tree)


@pytest.mark.parametrize("libver", ["earliest", "v108", "v110", "latest"])
@pytest.mark.parametrize("options", [
    {}, {"chunks": (3, 5)}, {"chunks": (3, 5), "compression": "gzip"},
    {"chunks": (7, 2), "compression": "gzip", "shuffle": True, "fletcher32": True},
    {"chunks": (20, 11), "compression": "gzip"}, {"chunks": (20, 11)},
    {"chunks": (3, 5), "maxshape": (30, 30), "fillvalue": 7},
])
def test_every_layout_of_h5py_is_read(libver, options):
    array = np.arange(20 * 11, dtype=np.float32).reshape(20, 11)

    def fill(out):
        out.attrs["text"] = "abc"
        out.attrs["fixed"] = [b"a", b"bc"]
        out.attrs["varying"] = ["a", "bc"]
        out.attrs["number"] = np.int16(-7)
        out.attrs["flag"] = True
        out.create_dataset("group/inner/x", data=array, **options)
        out.create_dataset("scalar", data=np.float64(2.5))
        out.create_dataset("empty", data=np.zeros((0, 3)))

    tree = loaded(written(fill, libver=libver))
    np.testing.assert_array_equal(tree["group/inner/x"], array)
    assert tree["scalar"] == 2.5
    assert tree["empty"].shape == (0, 3)
    assert tree.attributes == {"text": "abc", "fixed": ["a", "bc"], "varying": ["a", "bc"],
                               "number": -7, "flag": True}


def test_arrays_that_can_grow_are_read_in_the_usual_format_only():
    def fill(out):
        out.create_dataset("x", data=np.arange(10), chunks=(3,), maxshape=(None,))

    assert loaded(written(fill, libver="earliest"))["x"].tolist() == list(range(10))
    with pytest.raises(FileFormatError, match=r"/x is not read(.|\n)*stored as they are"):
        loaded(written(fill, libver="latest"))


def test_what_was_never_written_has_the_fill_value():
    def fill(out):
        partly = out.create_dataset("partly", (10,), "i4", chunks=(3,), fillvalue=7)
        partly[4] = 1
        out.create_dataset("never", (3,), "f8", fillvalue=2.5)
        out.create_dataset("zeros", (3,), "f8")

    tree = loaded(written(fill))
    assert tree["partly"].tolist() == [7, 7, 7, 7, 1, 7, 7, 7, 7, 7]
    assert tree["never"].tolist() == [2.5] * 3
    assert tree["zeros"].tolist() == [0] * 3


@pytest.mark.parametrize("order", [False, True])
def test_members_in_the_order_of_creation_are_read(order):
    def fill(out):
        group = out.create_group("g", track_order=order)
        for index in range(30):
            group.attrs[f"a{index}"] = index
            group[f"x{index}"] = np.full(1, index)

    tree = loaded(written(fill))["g"]
    assert {name: int(array[0]) for name, array in tree.members.items()} == {
        f"x{index}": index for index in range(30)}
    assert tree.attributes == {f"a{index}": index for index in range(30)}


@pytest.mark.parametrize("libver", ["earliest", "v108", "latest"])
def test_groups_of_many_members_and_attributes_are_read(libver):
    def fill(out):
        for index in range(300):
            out[f"layers/layer_{index}/vars/0"] = np.full(2, index)
        for index in range(40):
            out.attrs[f"note {index}"] = f"text {index}"

    tree = loaded(written(fill, libver=libver))
    assert len(tree["layers"].members) == 300
    for index in range(300):
        assert tree[f"layers/layer_{index}/vars/0"].tolist() == [index, index]
    assert tree.attributes == {f"note {index}": f"text {index}" for index in range(40)}


def test_long_lists_of_names_are_cut_as_keras_cuts_them():
    names = [f"layer_{index}/kernel:0" for index in range(9000)]
    group = H5Group()
    write_names(group.attributes, "weight_names", names)
    assert list(group.attributes) == ["weight_names0", "weight_names1", "weight_names2"]
    assert read_names(reloaded(group).attributes, "weight_names") == names
    write_names(group.attributes, "few", ["a"])
    write_names(group.attributes, "none", [])
    back = reloaded(group).attributes
    assert read_names(back, "few") == ["a"]
    assert read_names(back, "none") == read_names(back, "absent") == []
    with pytest.raises(ArgumentError, match="a name of 70000 bytes"):
        write_names({}, "x", ["a" * 70_000])
    with pytest.raises(FileFormatError, match="expected a list of names"):
        read_names({"x": 3}, "x")


def test_paths_reach_into_the_tree():
    tree = H5Group()
    tree.group("a/b").members["x"] = np.zeros(2)
    assert "a/b/x" in tree
    assert "a/c" not in tree
    with pytest.raises(KeyError, match="a/c"):
        tree["a/c"]
    with pytest.raises(ArgumentError, match="is an array, not a group"):
        tree.group("a/b/x")


# ------------------------------------------------------------------------------------ refused


def test_links_out_of_the_file_and_soft_links_are_refused(tmp_path):
    save_hdf5(tmp_path / "secret.h5", H5Group(members={"x": np.ones(2)}))

    def external(out):
        out["x"] = h5py.ExternalLink(str(tmp_path / "secret.h5"), "/x")

    with pytest.raises(UnsafeFileError, match=r"/x points into another file.*secret\.h5"):
        loaded(written(external))
    with pytest.raises(FileFormatError, match="/x is a soft link"):
        loaded(written(lambda out: out.update({"x": h5py.SoftLink("/y")})))


def test_data_kept_in_other_files_is_refused(tmp_path):
    (tmp_path / "raw").write_bytes(bytes(80))

    def external(out):
        out.create_dataset("x", (10,), "f8", external=[(str(tmp_path / "raw"), 0, 80)])

    def virtual(out):
        layout = h5py.VirtualLayout((2,), "f8")
        layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "x", (2,))
        out.create_virtual_dataset("x", layout)

    for fill in (external, virtual):
        with pytest.raises(UnsafeFileError, match="/x keeps its data in other files"):
            loaded(written(fill))


def test_a_group_inside_itself_is_refused():
    def fill(out):
        out.create_group("a")["back"] = out["/"]

    with pytest.raises(FileFormatError, match="there twice"):
        loaded(written(fill))


def test_shapes_without_data_are_refused_before_memory_is_taken():
    with pytest.raises(FileFormatError, match="/x claims 8796093022208 bytes out of 0 stored"):
        loaded(written(lambda out: out.create_dataset("x", (2**40,), "f8")))
    with pytest.raises(FileFormatError, match="/x claims 8796093022208 bytes out of 0 stored"):
        loaded(written(lambda out: out.create_dataset("x", (2**40,), "f8", chunks=(1024,))))
    assert loaded(written(lambda out: out.create_dataset("x", (3,), "f8")))["x"].tolist() == [0] * 3


def test_bombs_are_bounded():
    raw = written(lambda out: out.create_dataset("x", data=np.zeros(10**6), compression="gzip"))
    assert loaded(raw)["x"].shape == (10**6,)
    with pytest.raises(FileFormatError, match=r"/x would take 8000000 bytes(.|\n)*max_bytes"):
        loaded(raw, max_bytes=10**6)


@pytest.mark.parametrize("fill", [
    lambda out: out.create_dataset("x", data=["a", "b"]),
    lambda out: out.create_dataset("x", data=np.zeros(2, [("a", "i4"), ("b", "f4")])),
    lambda out: out.attrs.update({"x": out.ref}),
    lambda out: out.create_dataset("x", (2,), h5py.vlen_dtype(np.int32)),
])
def test_types_that_are_no_numbers_are_refused(fill):
    with pytest.raises(FileFormatError, match=r"x'? .*has dtype|x'? .*is not read"):
        loaded(written(fill))


def damaged_files() -> dict[str, bytes]:
    def rich(out):
        out.attrs["text"] = ["a", "bcd"]
        out.attrs["n"] = 3
        out.create_dataset("g/h/x", data=np.arange(20.0), chunks=(7,), compression="gzip")
        out["y"] = np.arange(3)

    def dense(out):
        for index in range(12):
            out.attrs[f"a{index}"] = index
            out.create_group(f"g{index}")

    return {"ours": saved(H5Group({"a": "text"}, {"g": H5Group({}, {"w": np.arange(3.0)})})),
            "usual": written(rich), "v108": written(rich, libver="v108"),
            "v110": written(rich, libver="v110"), "dense": written(dense, libver="v108")}


@pytest.mark.parametrize("name", ["ours", "usual", "v108", "v110", "dense"])
def test_no_damage_hangs_or_escapes_as_another_error(name, rng):
    """The HDF5 library itself hangs for ever on about one in a thousand of these."""
    raw = damaged_files()[name]
    errors = 0
    for _ in range(400):
        copy = np.frombuffer(raw, np.uint8).copy()
        places = rng.integers(0, len(copy), rng.choice([1, 1, 2, 8]))
        copy[places] = rng.choice(np.array([0, 1, 8, 127, 128, 255], np.uint8), len(places))
        try:
            loaded(copy.tobytes())
        except FileFormatError:
            errors += 1
    assert errors > 10


def test_a_heap_object_of_no_size_does_not_hang():
    raw = bytearray(written(lambda out: out.attrs.update({"text": ["abc", "defg"]})))
    at = raw.index(b"GCOL") + 16
    for size in (0, 2**64 - 16, 2**63, 1):
        raw[at + 8:at + 16] = size.to_bytes(8, "little")
        with pytest.raises(FileFormatError):
            loaded(bytes(raw))


@pytest.mark.parametrize(("tree", "words"), [
    (H5Group(members={"a/b": np.zeros(2)}), "a name may not be 'a/b'"),
    (H5Group(members={"x": np.array(["a"])}), "/x has dtype <U1"),
    (H5Group({"x": object()}), "attribute 'x' of / is a object"),
    (H5Group({"x": [1, 2]}), "a list of something other than text"),
    (H5Group({"x": ["a" * 1000] * 100}), r"takes 100000 bytes(.|\n)*write_names"),
])
def test_what_cannot_be_saved_is_named(tree, words):
    with pytest.raises(ArgumentError, match=words):
        saved(tree)


def test_another_kind_of_file_is_named(tmp_path):
    save_npz({"x": np.ones(2)}, tmp_path / "a.h5")
    with pytest.raises(FileFormatError, match=r"an HDF5 file \(.h5\), but this is an .npz"):
        load_hdf5(tmp_path / "a.h5")


def test_every_truncation_is_refused():
    raw = saved(H5Group({"a": "text"}, {"g": H5Group({}, {"w": np.arange(3.0)})}))
    refuses_every_truncation(raw, load_hdf5)
