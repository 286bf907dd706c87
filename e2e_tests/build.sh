#!/usr/bin/env bash
# Installs the packages, builds the agent and installs it where images/ takes it from.
#
#   e2e_tests/build.sh [target...]     further targets to build
set -euo pipefail
cd "$(dirname "$0")/.."

# The base tree is made with its owners and device nodes.
[ "$(id -u)" = 0 ] || { echo "$0: must be run as root" >&2; exit 1; }
scripts/install_packages.sh build machines
cmake --preset release -DTRIDENT_TESTS=ON >/dev/null || exit 1
cmake --build --preset release --target tridentd tridentctl "$@"
stage=$PWD/build/release/e2e_stage
rm -rf "$stage"
DESTDIR=$stage cmake --install build/release --prefix /usr --strip >/dev/null
# A broken or incomplete build is found here, not by a machine that does not come up.
"$stage/usr/bin/tridentd" --version >/dev/null
"$stage/usr/bin/tridentctl" --version >/dev/null
