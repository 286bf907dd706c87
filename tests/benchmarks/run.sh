#!/usr/bin/env bash
# Compares the image pipeline with the command-line tools, side by side.
#
#   tests/benchmarks/run.sh            needs root (loop device) and about 3 GiB of disk
#
# Prints one line "name ratio" for each comparison: the median of the ratios (ours / theirs) of
# interleaved pairs; below 1.0 we are faster. Lines "name-peak-rss-mib" give our peak resident memory.
# TRIDENT_BENCHMARK_PAIRS (5), TRIDENT_BENCHMARK_MIB (700), TRIDENT_CACHE (~/.cache/trident).
# STREAM_BENCHMARK names a program that is built already.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
cache=${TRIDENT_CACHE:-$HOME/.cache/trident}/benchmarks
pairs=${TRIDENT_BENCHMARK_PAIRS:-5}
mib=${TRIDENT_BENCHMARK_MIB:-700}
[ "$(id -u)" = 0 ] || { echo "run.sh: needs root for the loop device" >&2; exit 1; }

program=${STREAM_BENCHMARK:-}
if [ -z "$program" ]; then
  "$root/scripts/install_packages.sh" build bench >&2
  (cd "$root" && cmake --preset release && cmake --build --preset release --target stream_benchmark) >&2
  program=$root/build/release/tests/benchmarks/stream_benchmark
fi

mkdir -p "$cache"
raw=$cache/content-$mib.raw
if [ ! -e "$raw" ]; then
  # Like a filesystem image: some noise, some text-like data, some zeros.
  python3 - "$raw.part" "$mib" <<'PYTHON'
import random, sys
random.seed(1)
words = [random.randbytes(random.randint(3, 12)) for _ in range(4000)]
with open(sys.argv[1], "wb") as out:
    for block in range(int(sys.argv[2])):
        kind = block % 8
        if kind == 0:
            out.write(random.randbytes(1 << 20))
        elif kind == 1:
            out.write(bytes(1 << 20))
        else:
            out.write(b"".join(random.choices(words, k=160000))[:1 << 20].ljust(1 << 20, b"\0"))
PYTHON
  mv "$raw.part" "$raw"
fi
[ -e "$raw.zst" ] || { zstd -q -3 -T2 "$raw" -o "$raw.zst.part" && mv "$raw.zst.part" "$raw.zst"; }
[ -e "$raw.xz" ] || { xz -1 -T2 --block-size=4MiB -c "$raw" > "$raw.xz.part" && mv "$raw.xz.part" "$raw.xz"; }

disk=$cache/disk-$mib.img
rm -f "$disk"
# Written, not only reserved: whoever comes first would pay for making its extents real.
dd if=/dev/zero of="$disk" bs=1M count="$mib" conv=fsync status=none
loop=$(losetup --find --show "$disk")
trap 'losetup -d "$loop"; rm -f "$disk"' EXIT
trap 'exit 1' INT TERM

now() { date +%s.%N; }

# Both sides start with the image in the page cache and a device that is not dirty.
prepare() {
  cat "$1" > /dev/null
  sync "$disk"
  blockdev --flushbufs "$loop"
}

compare() {
  local name=$1 format=$2 image=$3 ratios=() memory=0 begin end ours kib i
  shift 3
  for ((i = 0; i < pairs; i++)); do
    prepare "$image"
    read -r ours kib < <("$program" "$format" "$image" "$loop")
    [ -n "$ours" ] || exit 1
    [ "$kib" -le "$memory" ] || memory=$kib
    prepare "$image"
    begin=$(now)
    "$@" "$image" | dd of="$loop" bs=4M conv=fsync iflag=fullblock status=none
    end=$(now)
    ratios+=("$(awk -v o="$ours" -v b="$begin" -v e="$end" 'BEGIN { printf "%.3f", o / (e - b) }')")
    echo "  $name: ours ${ours} s, theirs $(awk -v b="$begin" -v e="$end" 'BEGIN { printf "%.3f", e - b }') s" >&2
  done
  cmp -n "$((mib << 20))" "$raw" "$loop" >&2
  echo "$name $(printf '%s\n' "${ratios[@]}" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }')"
  echo "$name-peak-rss-mib $((memory / 1024))"
}

compare stream-zstd zstd "$raw.zst" zstd -dcq
compare stream-xz xz "$raw.xz" xz -dcq
