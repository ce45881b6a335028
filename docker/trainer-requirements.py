"""Prints what a package of Python needs in order to run, one a line: `dependencies` of its pyproject.toml."""

import sys
import tomllib

with open(sys.argv[1], "rb") as file:
    print("\n".join(tomllib.load(file)["project"]["dependencies"]))
