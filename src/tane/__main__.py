"""`python -m tane` is the command `tane`."""

from tane.cli.main import main

main()
