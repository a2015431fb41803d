"""Digests of bytes, files and lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tane.digest import hashing


def test_bytes_are_hashed_with_plain_blake3():
    assert hashing.of_bytes(b"abc") == "6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"


def test_chunks_are_one_stream():
    assert hashing.of_bytes(b"a", bytearray(b"b"), memoryview(b"c")) == hashing.of_bytes(b"abc")


@pytest.mark.parametrize("size", [0, 1, 1024 * 1024, 17 * 1024 * 1024 + 3])
def test_a_file_has_the_digest_of_its_bytes(tmp_path, size):
    data = bytes(range(256)) * (size // 256 + 1)
    file = tmp_path / "data"
    file.write_bytes(data[:size])
    assert hashing.of_file(file) == hashing.of_bytes(data[:size])


def test_large_chunks_are_hashed_like_small_ones():
    data = bytes(3 * 1024 * 1024)
    assert hashing.of_bytes(data[:10], data[10:]) == hashing.of_bytes(data)


@given(st.lists(st.text()), st.lists(st.text()))
def test_different_lists_never_run_together(one, other):
    assert (hashing.combine("t", *one) == hashing.combine("t", *other)) == (one == other)


def test_the_tag_keeps_meanings_apart():
    assert hashing.combine("step", "a") != hashing.combine("value", "a")


def test_golden_combination():
    assert hashing.combine("step", "a", "b") == "f4d1ff210194ab5e354cb111f2eceef8658a8ee119f1edd00135339f76d74966"
