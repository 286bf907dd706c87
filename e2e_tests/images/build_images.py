#!/usr/bin/python3
"""Makes the ramdisk OS and the images of the variants named (none: those of the suite main) and a
manifest of them. A test makes what else it needs."""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from images import variants  # noqa: E402
from lib import paths  # noqa: E402
from lib.process import ProgramError  # noqa: E402


def main(names: list[str]) -> int:
    unknown = [name for name in names if name not in variants.VARIANTS]
    if unknown:
        print(f"build_images.py: no such variant: {', '.join(unknown)}; there are "
              f"{', '.join(variants.VARIANTS)}", file=sys.stderr)
        return 1
    try:
        made = variants.manifest(names or variants.MAIN)
    except ProgramError as error:
        print(f"build_images.py: {error}", file=sys.stderr)
        return 1
    file = paths.cache() / "images" / "manifest.json"
    file.write_text(json.dumps(made, indent=2) + "\n")
    print(f"Images are ready: {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
