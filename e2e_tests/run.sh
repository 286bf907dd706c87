#!/usr/bin/env bash
# The end-to-end tests: real machines with UEFI firmware in QEMU. On a bare Debian 12, as root.
#
#   e2e_tests/run.sh [main|storage|os|landing|all] [pytest option...]
#
# Without a suite: all. landing: main, and those of the other suites that tell most. What is slow to
# make is kept in ${TRIDENT_CACHE:-$HOME/.cache/trident}. TRIDENT_MACHINES: how many tests run at the
# same time, each with a machine of its own (1 GiB of memory).
set -euo pipefail
cd "$(dirname "$0")/.."

suite=all
case "${1:-}" in
  main|storage|os|landing|all) suite=$1; shift ;;
  -*|'') ;;
  *) echo "e2e_tests/run.sh: unknown suite '$1' (main, storage, os, landing, all)" >&2; exit 1 ;;
esac

folders=()
for folder in main storage os; do
  if [ "$suite" = all ] || [ "$suite" = landing ] || [ "$suite" = "$folder" ]; then
    if compgen -G "e2e_tests/$folder/test_*.py" >/dev/null; then
      folders+=("e2e_tests/$folder")
    elif [ "$suite" = "$folder" ]; then
      echo "e2e_tests/run.sh: there are no tests of the suite '$folder' yet" >&2
      exit 1
    fi
  fi
done

# What decides what lands, and what is timed in it, must not depend on how machines share cores.
default_machines=1
case "$suite" in storage|os|all) [ "$(nproc)" -lt 2 ] || default_machines=2 ;; esac
machines=${TRIDENT_MACHINES:-$default_machines}
distribution=()
[ "$machines" = 1 ] || distribution=(-n "$machines" --dist loadgroup)

selection=()
[ "$suite" != landing ] || selection=(-m landing)

e2e_tests/build.sh tridentd_next
/usr/bin/python3 e2e_tests/images/build_images.py
export PYTHONDONTWRITEBYTECODE=1
exec /usr/bin/python3 -m pytest -c e2e_tests/pytest.ini --rootdir e2e_tests "${folders[@]}" "${selection[@]}" "${distribution[@]}" "$@"
