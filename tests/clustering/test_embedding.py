"""The embedding against a dense float64 eigensolver, on connected, disconnected and degenerate graphs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.manifold import spectral_embedding as scikit_embedding

from comus_core.clustering import block_lanczos, embedding
from comus_core.clustering.embedding import spectral_embedding
from comus_core.clustering.graph import Graph, knn_graph
from comus_core.errors import ComusError, SettingsError
from comus_core.machine import threads


@pytest.fixture(params=["dense", "lanczos"])
def solver(request, monkeypatch):
    """Both ways to the eigenvectors, whatever the size of the graph."""
    monkeypatch.setattr(embedding, "DENSE_POINTS", 10**6 if request.param == "dense" else 1)


def normalised(graph: Graph) -> np.ndarray:
    affinity = graph.affinity.toarray().astype(np.float64)
    root = np.sqrt(affinity.sum(axis=1))
    return affinity / np.outer(root, root)


def unit_eigenvectors(graph: Graph, found: embedding.Embedding) -> np.ndarray:
    return found.vectors * np.sqrt(graph.affinity.toarray().sum(axis=1, dtype=np.float64))[:, None]


def as_graph(affinity: np.ndarray) -> Graph:
    matrix = sparse.csr_array(affinity.astype(np.float32))
    return Graph(matrix, connected_components(matrix, directed=False)[1].astype(np.int32))


def normal_points(n: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, 6)).astype(np.float32)


def islands(sizes: list[int], seed: int = 0) -> np.ndarray:
    """Groups of points far from each other, in shuffled order."""
    rng = np.random.default_rng(seed)
    points = rng.normal(size=(sum(sizes), 3)) + 1e3 * np.repeat(np.arange(len(sizes)), sizes)[:, None]
    return rng.permutation(points).astype(np.float32)


def ring_of_cliques(cliques: int, size: int) -> Graph:
    affinity = np.kron(np.eye(cliques), np.ones((size, size)))
    for here in range(cliques):
        a, b = here * size, (here + 1) % cliques * size + 1
        affinity[a, b] = affinity[b, a] = 0.5
    return as_graph(affinity)


def torus(width: int, height: int) -> Graph:
    circle = [np.roll(np.eye(n), 1, axis=0) + np.roll(np.eye(n), -1, axis=0) for n in (width, height)]
    steps = np.kron(circle[0], np.eye(height)) + np.kron(np.eye(width), circle[1])
    return as_graph(steps + np.eye(width * height))


def check_against_dense(graph: Graph, k: int) -> None:
    """Eigenvalues and the projector on the span agree with LAPACK's to 1e-6, residuals are what they say."""
    found, matrix = spectral_embedding(graph, k, seed=0), normalised(graph)
    values, vectors = np.linalg.eigh(matrix)
    np.testing.assert_allclose(found.eigenvalues, values[::-1][:k], atol=1e-6)
    unit = unit_eigenvectors(graph, found)
    np.testing.assert_allclose(unit.T @ unit, np.eye(k), atol=1e-5)
    np.testing.assert_allclose(matrix @ unit, unit * found.eigenvalues, atol=1e-6)
    assert found.residuals.max() < 1e-7
    if k == len(values) or values[-k] - values[-k - 1] > 1e-4:  # else the span itself is ambiguous
        true = vectors[:, -k:] @ vectors[:, -k:].T
        np.testing.assert_allclose(unit @ unit.T, true, atol=1e-6)


@pytest.mark.parametrize("k", [1, 2, 7, 20])
def test_a_connected_graph_agrees_with_a_dense_solver(solver, k):
    graph = knn_graph(normal_points(400), 10)
    assert graph.component_count == 1
    check_against_dense(graph, k)


@pytest.mark.parametrize("k", [42, 43, 60])
def test_forty_two_components_agree_with_a_dense_solver(solver, k):
    graph = knn_graph(islands([60, *range(5, 46)]), 5)
    assert graph.component_count == 42
    check_against_dense(graph, k)
    assert np.sum(spectral_embedding(graph, k, 0).eigenvalues > 1 - 1e-9) == 42


@given(st.lists(st.integers(1, 9), min_size=1, max_size=12), st.integers(1, 8), st.data())
def test_islands_of_any_sizes_agree_with_a_dense_solver(sizes, neighbours, choice):
    graph = knn_graph(islands(sizes), neighbours)
    check_against_dense(graph, choice.draw(st.integers(1, sum(sizes))))


@pytest.mark.parametrize("graph", [ring_of_cliques(20, 6), ring_of_cliques(30, 20), torus(24, 24)], ids=str)
@pytest.mark.parametrize("k", [5, 15, 30])
def test_every_copy_of_a_multiple_eigenvalue_is_found(solver, graph, k):
    """Where Lanczos from one start vector sees one copy of each and goes on to the next, smaller one."""
    check_against_dense(graph, k)


@pytest.mark.parametrize("sizes", [[150], [80, 50, 20], [9] * 30], ids=["one", "three", "more than k"])
def test_the_first_column_is_constant_whatever_the_components(solver, sizes):
    found = spectral_embedding(knn_graph(islands(sizes), 8), 12, seed=3)
    assert found.vectors.shape == (sum(sizes), 12)
    assert found.vectors.dtype == np.float32
    assert np.ptp(found.vectors[:, 0]) < 1e-6 * found.vectors[0, 0]


def test_each_eigenvector_is_divided_by_the_root_of_the_degree_and_rows_are_not_normalised():
    graph = knn_graph(normal_points(120), 6)
    vectors = np.linalg.eigh(normalised(graph))[1]
    expected = vectors[:, ::-1][:, :5] / np.sqrt(graph.affinity.toarray().sum(axis=1))[:, None]
    np.testing.assert_allclose(np.abs(spectral_embedding(graph, 5, 0).vectors), np.abs(expected), atol=1e-6)


def test_the_span_is_scikit_learn_s_on_a_graph_of_equal_degrees():
    """Scikit-learn leaves the diagonal out; with equal degrees that changes no eigenvector."""
    graph = torus(9, 14)
    theirs = scikit_embedding(graph.affinity, n_components=3, drop_first=False, random_state=0)
    ours = spectral_embedding(graph, 3, 0).vectors
    coefficients = np.linalg.lstsq(ours, theirs, rcond=None)[0]
    np.testing.assert_allclose(ours @ coefficients, theirs, atol=1e-6)


def test_the_same_seed_gives_the_same_bytes_and_any_seed_the_same_vectors(solver):
    graph = knn_graph(normal_points(300), 12)
    one, again, other = (spectral_embedding(graph, 8, seed) for seed in (0, 0, 1))
    assert one.vectors.tobytes() == again.vectors.tobytes()
    np.testing.assert_allclose(one.vectors, other.vectors, atol=1e-6)


def test_the_largest_entry_of_every_eigenvector_is_positive():
    graph = knn_graph(normal_points(300), 12)
    unit = unit_eigenvectors(graph, spectral_embedding(graph, 8, 0))
    assert (unit.max(axis=0) >= np.abs(unit).max(axis=0)).all()


def test_with_more_components_than_k_the_largest_are_told_apart_and_the_rest_taken_as_one():
    sizes = [5, 30, 6, 20, 7, 40]
    points = np.random.default_rng(0).normal(size=(sum(sizes), 2)) + 1e3 * np.repeat(np.arange(6), sizes)[:, None]
    graph = knn_graph(points, 5)
    rows = np.round(spectral_embedding(graph, 4, 0).vectors, 6)
    place = np.unique(rows, axis=0, return_inverse=True)[1].ravel()
    groups = {frozenset(np.repeat(np.arange(6), sizes)[place == p].tolist()) for p in set(place.tolist())}
    assert groups == {frozenset({1}), frozenset({3}), frozenset({5}), frozenset({0, 2, 4})}


@pytest.mark.parametrize("k", [0, 11])
def test_more_eigenvectors_than_points_are_refused(k):
    with pytest.raises(SettingsError, match=f"{k} eigenvectors of a graph of 10 points"):
        spectral_embedding(knn_graph(normal_points(10), 3), k, 0)


def test_a_solver_that_does_not_converge_says_what_to_do(monkeypatch):
    monkeypatch.setattr(embedding, "DENSE_POINTS", 1)
    monkeypatch.setattr(block_lanczos, "ROUNDS", 0)
    with pytest.raises(ComusError, match=r"[0-3] of 4 eigenvectors of 500 points converged: use fewer clusters"):
        spectral_embedding(knn_graph(normal_points(500), 12), 5, 0)


@pytest.fixture()
def single(monkeypatch):
    """Lanczos in float32 for graphs small enough to check."""
    monkeypatch.setattr(embedding, "DENSE_POINTS", 1)
    monkeypatch.setattr(embedding, "DOUBLE_POINTS", 1)


@pytest.mark.parametrize("k", [2, 12, 30])
def test_float32_gives_eigenvalues_to_1e_9_and_states_its_residuals(single, k):
    graph = knn_graph(normal_points(600), 12)
    found, matrix = spectral_embedding(graph, k, 0), normalised(graph)
    assert found.precision == "float32"
    np.testing.assert_allclose(found.eigenvalues, np.linalg.eigvalsh(matrix)[::-1][:k], atol=1e-9)
    unit = unit_eigenvectors(graph, found)
    lengths = np.linalg.norm(matrix @ unit - unit * found.eigenvalues, axis=0)
    np.testing.assert_allclose(found.residuals, lengths, atol=1e-6)
    assert found.residuals.max() < 2e-5


def test_where_float32_does_not_suffice_it_is_done_again_in_float64(single, monkeypatch):
    graph = knn_graph(normal_points(600), 12)
    monkeypatch.setattr(embedding, "SINGLE", 1e-12)
    monkeypatch.setattr(block_lanczos, "ROUNDS", 12)
    found = spectral_embedding(graph, 6, 0)
    assert found.precision == "float64"
    assert found.residuals.max() < 1e-8


def test_more_copies_of_an_eigenvalue_than_a_block_is_wide_are_found(monkeypatch):
    """Forty cliques tied to one hub: an eigenvalue of 39 copies."""
    size = 25
    affinity = np.kron(np.eye(41), np.ones((size, size)))
    for clique in range(1, 41):
        affinity[clique * size, 0] = affinity[0, clique * size] = 1
    graph = as_graph(affinity)
    assert block_lanczos.BLOCK < 39 < 400 < block_lanczos.fewest_points(40, 32) < len(affinity)
    monkeypatch.setattr(embedding, "DENSE_POINTS", 1)
    found = spectral_embedding(graph, 40, 0)
    np.testing.assert_allclose(found.eigenvalues, np.linalg.eigvalsh(normalised(graph))[::-1][:40], atol=1e-6)


def test_the_bytes_do_not_depend_on_the_number_of_threads(single, monkeypatch):
    graph, bytes_of = knn_graph(normal_points(600), 12), set()
    monkeypatch.setattr(threads, "ROWS_AT_ONCE", 64)
    for count in ("1", "2", "5"):
        monkeypatch.setenv("OMP_NUM_THREADS", count)
        bytes_of.add(spectral_embedding(graph, 8, 0).vectors.tobytes())
    assert len(bytes_of) == 1
