"""A table on disk: its columns and its rows come back as they were, and a table that is not complete is none."""

import errno
import resource

import pyarrow as pa
import pytest

from ml import column_store
from ml.column_store import Table, Writer
from tests.ml import reading


def test_columns_and_rows_come_back_in_the_order_of_the_index(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(column_store, "BATCH_ROWS", 4)
    place = reading.directory()
    written = Writer(place)
    written.append("word", pa.array(["a", None, "b"] * 3).dictionary_encode())
    written.append("number", pa.chunked_array([[1, None], list(range(7))]))
    written.close(["number", "word"])
    table = Table(place)
    assert (table.names, table.rows) == (["number", "word"], 9)
    assert table.column("number").to_pylist() == [1, None, *range(7)]
    assert table.kind("word") == pa.dictionary(pa.int32(), pa.string())
    batches = [{name: cells.to_pylist() for name, cells in batch.items()} for batch in table.batches(["word"])]
    assert batches == [{"word": ["a", None, "b", "a"]}, {"word": [None, "b", "a", None]}, {"word": ["b"]}]


def test_parts_of_different_types_are_one_column_if_they_have_a_common_type() -> None:
    written = Writer(reading.directory())
    for part in (pa.array([1, None]), pa.nulls(1), pa.array([1.5])):
        written.append("x", part)
    table = written.close(["x"])
    assert table.column("x").to_pylist() == [1.0, None, None, 1.5]
    assert table.kind("x") == pa.float64()


def test_renamed_columns_have_the_cells_of_the_old_name() -> None:
    written = Writer(reading.directory())
    written.append("a", pa.array([1]))
    assert written.close(["a"]).renamed({"a": "b"}).column("b").to_pylist() == [1]


def test_columns_of_different_lengths_are_no_table() -> None:
    place = reading.directory()
    written = Writer(place)
    written.append("a", pa.array([1]))
    written.append("b", pa.array([1, 2]))
    with pytest.raises(ValueError, match="must have the same rows"), written:
        written.close(["a", "b"])
    assert not (place / column_store.INDEX).exists()


def test_a_table_may_have_more_columns_than_a_process_may_open_files_at_first() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        written = Writer(reading.directory())
        for number in range(100):
            written.append(str(number), pa.array([number]))
        table = written.close(map(str, range(100)))
        [row] = table.batches(table.names)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert [cells.to_pylist() for cells in row.values()] == [[number] for number in range(100)]


def test_a_full_disk_is_an_error_of_the_disk() -> None:
    place = reading.directory()
    written = Writer(place)
    (place / "00000-0.arrow").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as caught, written:  # noqa: PT012 - bytes may be kept back
        written.append("a", pa.array(range(100_000)))
        written.close(["a"])
    assert caught.value.errno == errno.ENOSPC
