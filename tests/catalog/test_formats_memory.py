"""A table that is much larger than what may be held is copied chunk by chunk."""

import subprocess
import sys
from pathlib import Path

EXCERPT = Path(__file__).parent / "data" / "air_quality.csv"

COPY = """
import resource, sys
from tane.catalog import kinds
from tane.catalog.formats import contract

kind, load_args, source, target = sys.argv[1], eval(sys.argv[2]), sys.argv[3], sys.argv[4]
made = kinds.KINDS[kind].make(contract.Options(".csv", load_args=load_args))

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024

chunks = made.read(source)
next(chunks)  # what the libraries and one chunk take
before = peak()
made.write_chunks(chunks, target)
print(peak() - before)
"""


def grown(kind, load_args, source, target):
    """By how many MiB the process grew while it copied."""
    command = [sys.executable, "-c", COPY, kind, repr(load_args), str(source), str(target)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


def made_of_real_rows(path, size):
    head, *rows = EXCERPT.read_text().replace(",", ".").splitlines()[:191]
    block = "".join(f"{row[:-2]}\n" for row in rows).encode()
    with path.open("wb") as file:
        file.write(f"{head[:-2]}\n".encode())
        for _ in range(size // len(block)):
            file.write(block)


def test_copying_a_large_csv_with_pandas_stays_flat(tmp_path):
    made_of_real_rows(tmp_path / "large.csv", 200 * 2**20)
    args = {"chunksize": 20_000, "sep": ";", "usecols": ["C6H6(GT)"]}
    assert grown("pandas.CSVDataset", args, tmp_path / "large.csv", tmp_path / "copy.csv") < 30


def test_copying_a_large_csv_with_arrow_stays_flat(tmp_path):
    made_of_real_rows(tmp_path / "large.csv", 60 * 2**20)
    args = {"batch_size": 50_000, "delimiter": ";"}
    assert grown("arrow.CSVDataset", args, tmp_path / "large.csv", tmp_path / "copy.csv") < 50
    assert (tmp_path / "copy.csv").stat().st_size > 50 * 2**20
