#!/usr/bin/env bash
# Lays out the root of the container image: the installed programs and the libraries that they load.
#
#   container/make_root.sh STAGE TARGET    STAGE: what `cmake --install` put down
set -euo pipefail
[ $# = 2 ] || { sed -n '2,4s/^# \{0,1\}//p' "$0" >&2; exit 1; }
stage=$1
target=$2
[ ! -e "$target" ] || { echo "$0: $target is there already" >&2; exit 1; }

mkdir -p "$target/usr/bin"
cp -a "$stage"/usr/bin/trident* "$target/usr/bin/"
for program in tridentd tridentctl; do
  libraries=$(ldd "$stage/usr/bin/$program")
  if grep 'not found' <<<"$libraries" >&2; then
    echo "$0: $program cannot be run here" >&2
    exit 1
  fi
  # "name => /path (address)", and the loader: "/path (address)".
  grep -o '/[^ ]*' <<<"$libraries"
done | sort -u | while read -r library; do
  mkdir -p "$target$(dirname "$library")"
  cp -L "$library" "$target$library"
done
