#!/usr/bin/env bash
# Watch a machine being installed from nothing and updated from version 1 to version 2.
# On a bare Debian 12, as root; everything needed is installed, built and cleaned up.
set -euo pipefail
cd "$(dirname "$0")/.."

[ $# = 0 ] || { echo "usage: e2e_tests/demo.sh" >&2; exit 1; }
e2e_tests/build.sh
PYTHONDONTWRITEBYTECODE=1 exec /usr/bin/python3 e2e_tests/demo.py
