"""Python objects: pickle, joblib and cloudpickle files, and NumPy's own .npy and .npz."""

from __future__ import annotations

import pickle
from typing import Any, ClassVar

from tane.catalog.formats import contract, streams

BACKENDS = ("pickle", "joblib", "cloudpickle")


class Pickle(contract.Whole):
    """A pickle by `backend` pickle, joblib or cloudpickle; `compression` as said, else by the suffix."""

    __slots__ = ()
    faithful: ClassVar[bool] = True
    holds_objects: ClassVar[bool] = True

    @property
    def backend(self) -> str:
        """The package that pickles."""
        return str(self.options.more.get("backend", "pickle"))

    @property
    def distributions(self) -> tuple[str, ...]:
        """The package, unless it is Python's own."""
        return () if self.backend == "pickle" else (self.backend,)

    @property
    def _compression(self) -> str:
        return str(self.options.more.get("compression", self.options.compression) or "")

    def read(self, path: str) -> Any:
        """The object."""
        args = self.options.load_args
        try:
            if self.backend == "joblib" and "mmap_mode" in args:
                import joblib

                return contract.call(joblib.load, path, **args)
            with streams.reading(path, self._compression) as file:
                return contract.call(self._module().load, file, **args)
        except (pickle.UnpicklingError, EOFError, UnicodeDecodeError) as error:
            raise contract.Problem(
                f"it is not a {self.backend} file, or it is damaged: {error}",
                "make it again, or correct the dataset's type or backend",
            ) from error
        except ModuleNotFoundError as error:
            raise contract.Problem(
                f"its object needs the module {error.name!r}, which is not there",
                "install the package the object was made with",
            ) from error
        except AttributeError as error:
            raise contract.Problem(
                f"its object's class is not there any more: {error}",
                "make the file again with the present code",
            ) from error

    def write(self, value: Any, path: str) -> None:
        """Write any object that the backend can pickle."""
        args = dict(self.options.save_args)
        if self.backend != "joblib":
            args.setdefault("protocol", 5)
        try:
            with streams.writing(path, self._compression) as file:
                contract.call(self._module().dump, value, file, **args)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            if "pickle" not in str(error).lower():
                raise
            raise contract.Problem(
                f"the value cannot be pickled: {error}",
                "return plain data or an object of a class in a module"
                + ("" if self.backend == "cloudpickle" else "; backend: cloudpickle also takes lambdas"),
            ) from error

    def _module(self) -> Any:
        if self.backend == "joblib":
            import joblib

            return joblib
        if self.backend == "cloudpickle":
            import cloudpickle

            return cloudpickle
        return pickle


class Joblib(Pickle):
    """A pickle by joblib."""

    __slots__ = ()

    @property
    def backend(self) -> str:
        """The package that pickles."""
        return "joblib"


class NumPy(contract.Whole):
    """An array as .npy, or a dict of arrays as .npz (`save_args: {compressed: true}` packs it)."""

    __slots__ = ()
    distributions: ClassVar[tuple[str, ...]] = ("numpy",)
    faithful: ClassVar[bool] = True

    def read(self, path: str) -> Any:
        """The array, or the dict of arrays."""
        import numpy

        content = contract.call(numpy.load, path, **self.options.load_args)
        if isinstance(content, numpy.lib.npyio.NpzFile):
            with content:
                return dict(content)
        return content

    def write(self, value: Any, path: str) -> None:
        """Write an array, or a dict of arrays."""
        import numpy

        args = dict(self.options.save_args)
        if self.options.suffix == ".npz":
            if not isinstance(value, dict) or not all(type(v) is numpy.ndarray for v in value.values()):
                raise contract.wrong_type(value, "a dict of arrays", "return {name: array, ...}, or save to .npy")
            save = numpy.savez_compressed if args.pop("compressed", False) else numpy.savez
            with open(path, "wb") as file:
                contract.call(save, file, **args, **value)
            return
        if type(value) is not numpy.ndarray:
            raise contract.wrong_type(value, "a NumPy array", "return numpy.asarray(...) of it")
        with open(path, "wb") as file:
            contract.call(numpy.save, file, value, **args)
