#!/usr/bin/env bash
# Builds Trident and runs all unit and component tests.
#
#   tests/run.sh              release build, then the ASan+UBSan build
#   tests/run.sh dev          one preset only: dev, release, asan or tsan
#
# Works as root on a bare Debian 12, installing what it needs. The component tests use loop devices
# and mounts, hence root; the unit tests alone run as any user: TRIDENT_TESTS=unit tests/run.sh dev
set -euo pipefail
cd "$(dirname "$0")/.."

usage() { sed -n '2,9s/^# \{0,1\}//p' "$0"; }
case "${1:-}" in
  -h|--help) usage; exit 0 ;;
  ""|dev|release|asan|tsan) ;;
  *) echo "tests/run.sh: unknown preset '$1'" >&2; usage >&2; exit 1 ;;
esac
presets=("$@")
[ ${#presets[@]} -gt 0 ] || presets=(release asan)

which=${TRIDENT_TESTS:-all}
case "$which" in
  all)
    if [ "$(id -u)" != 0 ]; then
      echo "tests/run.sh: the component tests need root (loop devices). Unit tests alone: TRIDENT_TESTS=unit $0" >&2
      exit 1
    fi ;;
  unit) ;;
  *) echo "tests/run.sh: TRIDENT_TESTS is all or unit, not '$which'" >&2; exit 1 ;;
esac

scripts/install_packages.sh build

for preset in "${presets[@]}"; do
  echo "== $preset: build"
  cmake --preset "$preset"
  cmake --build --preset "$preset" -j "$(nproc)"
  echo "== $preset: tests"
  selection=()
  [ "$which" = all ] || selection+=(-LE root)
  # ThreadSanitizer is for what is below agent/api: Debian's gRPC and Abseil are not instrumented.
  # These three start servers of it.
  [ "$preset" != tsan ] || selection+=(-E '^(api|client|agent)$')
  ctest --preset "$preset" "${selection[@]}"
done
