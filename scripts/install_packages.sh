#!/usr/bin/env bash
# Installs what Trident needs on Debian 12, from Debian's own packages.
#
#   scripts/install_packages.sh [build] [checks] [machines] [packages] [bench]
#
# build     compiler and libraries: enough to configure, build and run the unit and component tests
# checks    clang-format and clang-tidy
# machines  QEMU, firmware and image tools for e2e_tests/
# packages  what cpack needs to make .deb and .rpm files
# bench     command-line tools that tests/benchmarks compares with
#
# Without arguments: build. Does nothing (and needs no root) when everything is there already.
set -euo pipefail

build=(
  g++ cmake ninja-build pkg-config git ccache
  libgrpc++-dev libprotobuf-dev protobuf-compiler protobuf-compiler-grpc libabsl-dev
  libyaml-cpp-dev libspdlog-dev libfmt-dev libsqlite3-dev libcurl4-openssl-dev libssl-dev
  zlib1g-dev liblzma-dev libzstd-dev libxxhash-dev libfdisk-dev libblkid-dev libmount-dev
  libefivar-dev libefiboot-dev libsystemd-dev libcryptsetup-dev libcli11-dev nlohmann-json3-dev
  catch2
  # used by the component tests
  iproute2 netplan.io
  e2fsprogs util-linux fdisk dosfstools mtools xz-utils zstd nginx-light openssl
  docker-registry gpgv gnupg
  grub-common grub-efi-amd64-bin
  cryptsetup-bin systemd swtpm libtss2-esys-3.0.2-0 libtss2-mu0 libtss2-rc0 libtss2-tcti-swtpm0
)
checks=(clang-format-14 clang-tidy-14)
machines=(
  qemu-system-x86 ovmf cryptsetup-bin mmdebstrap mtools dosfstools e2fsprogs fdisk cpio zstd xz-utils
  openssh-client python3 python3-pytest python3-pytest-timeout python3-pytest-xdist
  python3-grpcio python3-protobuf
  python3-yaml protobuf-compiler protobuf-compiler-grpc grub-efi-amd64-bin grub-common
  systemd-boot-efi debian-archive-keyring docker-registry
)
packages=(dpkg-dev rpm)
bench=(zstd xz-utils coreutils)

groups=("$@")
[ ${#groups[@]} -gt 0 ] || groups=(build)
wanted=()
for group in "${groups[@]}"; do
  case "$group" in
    build) wanted+=("${build[@]}") ;;
    checks) wanted+=("${checks[@]}") ;;
    packages) wanted+=("${packages[@]}") ;;
    machines) wanted+=("${machines[@]}") ;;
    bench) wanted+=("${bench[@]}") ;;
    *) echo "install_packages.sh: unknown group '$group' (build, checks, machines, packages, bench)" >&2; exit 1 ;;
  esac
done

missing=()
for package in "${wanted[@]}"; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
  echo "install_packages.sh: these packages are missing and only root can install them: ${missing[*]}" >&2
  exit 1
fi
echo "Installing ${#missing[@]} packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
# nginx is used as a real HTTP server by the tests, on a port and with a configuration of their own:
# the package's service must not start here.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod 755 "$policy"
  trap 'rm -f "$policy"' EXIT
fi
apt-get -q update || true
apt-get -q -y --no-install-recommends install "${missing[@]}"
