"""`python -m tandem`: the command line, where the `tandem` script is not on the path. Knows
no command."""

from tandem.cli import main

main()
