import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from comus_core.errors import SettingsError
from comus_core.features.encoders import encoder_fingerprint
from comus_core.features.features_file import read_features_file

IDS = ["a#0", "b#0", "b#1"]
VECTORS = np.arange(12, dtype=np.float64).reshape(3, 4) / 7


def npz(folder, ids=IDS, features=VECTORS):
    np.savez(folder / "own.npz", proposal_id=np.array(ids), features=np.array(features))
    return folder / "own.npz"


def parquet(folder, columns):
    pq.write_table(pa.table(columns), folder / "own.parquet")
    return folder / "own.parquet"


@pytest.mark.parametrize("kind", ["npz", "lists", "wide"])
def test_vectors_are_joined_by_id_in_the_order_asked_for(tmp_path, kind):
    if kind == "npz":
        file = npz(tmp_path)
    elif kind == "lists":
        file = parquet(tmp_path, {"proposal_id": IDS, "features": VECTORS.tolist()})
    else:  # the columns' own order must not matter
        file = parquet(tmp_path, {"proposal_id": IDS} | {f"f{k}": VECTORS[:, k] for k in (3, 0, 2, 1)})
    found = read_features_file(file, ["b#1", "a#0"])
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, VECTORS[[2, 0]].astype(np.float32))


def test_wide_columns_beyond_f9_are_in_numerical_order(tmp_path):
    columns = {f"f{k}": [float(k)] for k in range(12)}
    found = read_features_file(parquet(tmp_path, {"proposal_id": ["a#0"], **columns}), ["a#0"])
    assert found.tolist() == [[float(k) for k in range(12)]]


def test_missing_proposals_are_counted_and_the_first_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"own.npz: 2 proposals \(c#0, ...\) missing, of 4"):
        read_features_file(npz(tmp_path), ["a#0", "c#0", "b#1", "d#0"])


def test_ids_given_twice_are_counted_and_named(tmp_path):
    with pytest.raises(SettingsError, match=r"1 proposal \(a#0\) listed more than once"):
        read_features_file(npz(tmp_path, ids=["a#0", "b#0", "a#0"]), ["b#0"])


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_values_that_are_not_finite_in_single_precision_are_refused(tmp_path, value):
    broken = VECTORS.copy()
    broken[1, 2] = value
    with pytest.raises(SettingsError, match=r"1 proposal \(b#0\) with values that are not finite"):
        read_features_file(npz(tmp_path, features=broken), IDS)
    assert len(read_features_file(npz(tmp_path, features=broken), ["a#0"])) == 1  # a row nobody asks for may be so


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"id": IDS, "features": VECTORS.tolist()}, "no column proposal_id; it contains id, features"),
        ({"proposal_id": IDS}, "no column features, nor f0, f1"),
        ({"proposal_id": IDS, "f0": [1.0] * 3, "f2": [1.0] * 3}, "without a gap; it contains f0, f2"),
        ({"proposal_id": IDS, "features": [[1.0], [1.0, 2.0], None]}, "3 different lengths, from 0 to 2"),
        ({"proposal_id": IDS, "f0": ["x", "y", "z"]}, "use numbers"),
    ],
)
def test_parquet_of_another_layout_is_refused_with_what_it_holds(tmp_path, columns, reason):
    with pytest.raises(SettingsError, match=f"own.parquet: .*{reason}"):
        read_features_file(parquet(tmp_path, columns), IDS)


def test_npz_of_another_layout_is_refused_with_what_it_holds(tmp_path):
    np.savez(tmp_path / "own.npz", ids=np.array(IDS))
    with pytest.raises(SettingsError, match="no array proposal_id and features; it contains ids"):
        read_features_file(tmp_path / "own.npz", IDS)
    with pytest.raises(SettingsError, match=r"3 ids but features of shape \(2, 4\)"):
        read_features_file(npz(tmp_path, features=VECTORS[:2]), IDS)


@pytest.mark.parametrize("name", ["own.npz", "own.parquet"])
def test_files_that_cannot_be_read_are_named(tmp_path, name):
    (tmp_path / name).write_bytes(b"junk")
    with pytest.raises(SettingsError, match=name):
        read_features_file(tmp_path / name, IDS)
    with pytest.raises(SettingsError, match="absent"):
        read_features_file(tmp_path / f"absent-{name}", IDS)


def test_pickled_arrays_are_never_loaded(tmp_path):
    np.savez(tmp_path / "own.npz", proposal_id=np.array(IDS, object), features=VECTORS)
    with pytest.raises(SettingsError, match=r"own.npz: .*allow_pickle"):
        read_features_file(tmp_path / "own.npz", IDS)


def test_a_features_file_counts_by_content_wherever_it_lies(tmp_path):
    (tmp_path / "moved").mkdir()
    first = npz(tmp_path)
    second = tmp_path / "moved" / "renamed.npz"
    second.write_bytes(first.read_bytes())
    assert encoder_fingerprint(f"file:{first}") == encoder_fingerprint(f"file:{second}")
    second.write_bytes(npz(tmp_path, features=VECTORS + 1).read_bytes())
    assert encoder_fingerprint(f"file:{first}") == encoder_fingerprint(f"file:{second}")
    other = encoder_fingerprint(f"file:{npz(tmp_path, features=VECTORS + 2)}")
    assert other != encoder_fingerprint(f"file:{second}")
