"""Images by Pillow. PNG gives the very image back; JPEG and other lossy kinds do not."""

from __future__ import annotations

from typing import Any, ClassVar

from tane.catalog.formats import contract, streams

_EXACT = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")  # the modes that a PNG gives back as they were


class Pillow(contract.Whole):
    """A `PIL.Image.Image`; the suffix says the kind of file."""

    __slots__ = ()
    distributions: ClassVar[tuple[str, ...]] = ("PIL",)

    @property
    def faithful(self) -> bool:
        """PNG packs without loss."""
        return self.options.suffix == ".png"

    def read(self, path: str) -> Any:
        """The image, its first frame if it has several."""
        from PIL import Image, UnidentifiedImageError

        try:
            with contract.call(Image.open, path, **self.options.load_args) as image:
                image.load()
                return image.copy()  # a plain image, that holds no file
        except UnidentifiedImageError:
            raise contract.Problem(
                "it is no image that Pillow knows", "correct the filepath, or save the image again"
            ) from None
        except Image.DecompressionBombError as error:
            raise contract.Problem(
                str(error), "make it smaller, or read it in a node with a limit of your own"
            ) from None
        except (OSError, SyntaxError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise contract.Problem(f"the image is damaged: {error}", "make it again") from error

    def write(self, value: Any, path: str) -> None:
        """Write an image."""
        from PIL import Image

        if not isinstance(value, Image.Image):
            raise contract.wrong_type(value, "a Pillow image", "return an Image, such as Image.fromarray(array)")
        Image.init()
        kind = str(self.options.save_args.get("format") or Image.EXTENSION.get(self.options.suffix, "")).upper()
        if kind not in Image.SAVE:
            raise contract.EntryProblem(
                f"Pillow cannot write {(kind or self.options.suffix)!r}",
                "end the filepath in .png, .jpg, .tiff or .webp",
            )
        if kind == "PNG" and value.mode not in _EXACT:
            raise _mode(value.mode, kind)
        try:
            with streams.writing(path) as file:
                contract.call(value.save, file, **{**self.options.save_args, "format": kind})
        except OSError as error:
            if "cannot write mode" not in str(error):
                raise
            raise _mode(value.mode, kind) from None


def _mode(mode: str, kind: str) -> contract.Problem:
    hint = "convert it first: .convert('RGB'), or save it as .tiff, which keeps more modes"
    return contract.Problem(f"{kind} has no colours of mode {mode}", hint)
