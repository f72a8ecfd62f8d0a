"""`python -m soupstate` runs the command line."""

from soupstate.app.cli.main import main

main()
