"""`python -m {{ package }}`: `tane run` for this project, in its folder; installed from a wheel, where the user stands."""

from tane.cli import packaged


def main() -> None:
    """The command of the project's name."""
    packaged.main(__package__ or "{{ package }}")


if __name__ == "__main__":
    main()
