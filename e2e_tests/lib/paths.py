"""Where things are: the repository, its build, the cache outside of it."""

import os
import pathlib

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
BUILD = REPOSITORY / "build" / "release"
# What `cmake --install` put down: the files that go into the images.
STAGE = BUILD / "e2e_stage"
PROTO = REPOSITORY / "proto"
# An agent like the one under test with one more migration of its store.
NEXT_AGENT = BUILD / "tests" / "next_agent" / "tridentd_next"
TRIDENTCTL = STAGE / "usr" / "bin" / "tridentctl"


def cache() -> pathlib.Path:
    """The folder for what is slow to make and independent of the sources; made when absent."""
    named = os.environ.get("TRIDENT_CACHE")
    folder = pathlib.Path(named) if named else pathlib.Path.home() / ".cache" / "trident"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
