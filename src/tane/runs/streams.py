"""Steps that yield: each chunk goes to where the outputs are kept before the next one is made, flat in memory.

A dataset whose format takes chunks gets them one by one; anything else - a value that is not catalogued, a pickle -
becomes the list of them. A step with several outputs yields a part of each at a time: they wait on disk, for formats
read their chunks at their own pace.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tane import errors
from tane.catalog import codecs
from tane.pipeline import nodes
from tane.runs import arguments, calling, keeping


def keep(
    outputs: Sequence[keeping.Output],
    generator: Iterator[Any],
    returns: nodes.Returns,
    keys: Sequence[str],
    node: str,
    place: arguments.Place,
) -> tuple[keeping.Made, ...]:
    """Keep the chunks that `generator` yields as the outputs of `node`."""
    names = [output.name for output in outputs]
    parts = (calling.unpack(chunk, node, names, returns, keys) for chunk in yielded(generator, node))
    if not outputs:
        for _ in parts:
            pass
        return ()
    if len(outputs) == 1:
        return (_keep_one(outputs[0], (part[0] for part in parts), place, node),)
    with place.store.scratch() as folder:
        counts = _spill(parts, folder, node, names)
        return tuple(_keep_one(output, _spilled(folder, at, counts), place, node) for at, output in enumerate(outputs))


def yielded(generator: Iterator[Any], node: str) -> Iterator[Any]:
    """The chunks that `generator` yields; what the user's code raises in between becomes an error that shows it."""
    while True:
        try:
            chunk = next(generator)
        except StopIteration:
            return
        except (errors.TaneError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise calling.failed(error, node) from error
        yield chunk


def _keep_one(output: keeping.Output, chunks: Iterator[Any], place: arguments.Place, node: str) -> keeping.Made:
    dataset = output.dataset
    if dataset is None or dataset.kind != "file" or not dataset.streams:
        return keeping.keep(output, list(chunks), place, node)
    first = next(chunks, None)
    if first is None:
        raise errors.UserCodeError(
            f"node {node!r} yielded nothing for output {output.name!r}", hint="yield at least one chunk, an empty one"
        )
    return keeping.keep_chunks(output, dataset, first, chunks, place, node)


def _spill(parts: Iterator[Sequence[Any]], folder: Path, node: str, names: Sequence[str]) -> int:
    """Write every part of every chunk to a file of its own; how many chunks there were."""
    count = 0
    for part in parts:
        for at, value in enumerate(part):
            try:
                encoded = codecs.encode(value)
            except codecs.CannotKeep as fault:
                raise errors.UserCodeError(
                    f"a chunk of output {names[at]!r} of node {node!r} cannot be kept: it is {fault.what}",
                    hint="yield plain data",
                ) from None
            with open(folder / f"{at}-{count}.{encoded.codec}", "wb") as file:
                for chunk in encoded.chunks:
                    file.write(chunk)
        count += 1
    return count


def _spilled(folder: Path, at: int, count: int) -> Iterator[Any]:
    found = {int(path.stem.partition("-")[2]): path for path in folder.glob(f"{at}-*")}
    for number in range(count):
        path = found[number]
        yield codecs.decode(path.suffix[1:], path.read_bytes())
        path.unlink()
