"""The grouping's tree against scipy's, and what a slider needs of it."""

from __future__ import annotations

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from sss_model.segmentation.clustering import kmeans, split_clusters
from sss_model.segmentation.layers import component_means, ward_tree


def same_partition(first, second):
    return len(set(zip(first, second, strict=True))) == len(set(first)) == len(set(second))


def test_equal_shares_give_scipy_s_tree():
    features = np.random.default_rng(0).standard_normal((15, 4))
    tree = ward_tree(features, np.ones(15))
    theirs = linkage(features, "ward")
    for count in range(1, 10):
        groups = tree.groups(count)
        assert same_partition(groups, fcluster(theirs, count, "maxclust"))
    assert np.allclose(tree.heights, theirs[:, 2] ** 2 / 2 / 15)


def test_a_component_counts_as_many_times_as_its_share():
    rng = np.random.default_rng(1)
    features, times = rng.standard_normal((6, 2)), np.array([1, 4, 2, 3, 1, 5])
    weighted = ward_tree(features, times)
    repeated = fcluster(linkage(np.repeat(features, times, axis=0), "ward"), 3, "maxclust")
    assert same_partition(weighted.groups(3), repeated[np.cumsum(times) - 1])


def test_one_layer_more_keeps_the_others_numbers():
    rng = np.random.default_rng(2)
    tree = ward_tree(rng.standard_normal((20, 3)), rng.random(20) + 0.5)
    before = tree.groups(1)
    for count in range(2, 15):
        after = tree.groups(count)
        moved = after != before
        assert set(after[moved]) == {count - 1}
        assert len(set(before[moved])) == 1
        before = after


def test_a_sliver_is_no_layer():
    features = np.array([[0.0], [1.0], [50.0], [0.1]])
    tree = ward_tree(features, np.array([0.5, 0.3, 0.005, 0.195]))
    assert tree.groups(2).max() == 1
    assert np.bincount(tree.groups(4), weights=[0.5, 0.3, 0.005, 0.195]).min() >= 0.01
    assert set(tree.groups(2, smallest=0.0)[[0, 1, 3]]) != set(tree.groups(2, smallest=0.0)[[2]])


def test_the_suggested_count_is_that_of_the_clumps():
    rng = np.random.default_rng(3)
    for clumps in (2, 3, 4, 6):
        centres = np.eye(6)[:clumps] * 10
        features = np.repeat(centres, 4, axis=0) + 0.1 * rng.standard_normal((4 * clumps, 6))
        assert ward_tree(features, np.ones(4 * clumps)).suggested_count() == clumps
    assert ward_tree(np.zeros((1, 3)), np.ones(1)).suggested_count() == 1


def test_means_are_weighted_by_the_components():
    components = np.array([[[1.0, 0.0], [0.25, 0.75]]], np.float32)
    means, shares = component_means(components, np.array([[[1.0], [3.0]]], np.float32))
    assert np.allclose(means[:, 0], [(1 + 0.75) / 1.25, 3])
    assert np.allclose(shares, [0.625, 0.375])


def test_clusters_are_found_and_no_more_than_there_are():
    rng = np.random.default_rng(4)
    points = np.repeat(np.arange(4.0)[:, None], 30, axis=0)
    assert kmeans(points, 4, rng)[1].max() == 3
    assert split_clusters(points, 40, rng).max() == 3
    spread = rng.standard_normal((500, 3))
    labels = split_clusters(spread, 40, rng)
    assert np.array_equal(np.unique(labels), np.arange(40))
