#!/usr/bin/env bash
# Makes the packages trident, trident-service and trident-provisioning, .deb and .rpm, in
# build/packages. Installs what it needs on a bare Debian 12, as root.
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/install_packages.sh build packages
cmake --preset release >/dev/null
cmake --build --preset release --target tridentd tridentctl
rm -rf build/packages
mkdir -p build/packages
for generator in DEB RPM; do
  (cd build/release && cpack -G "$generator" -B "$OLDPWD/build/packages" >/dev/null)
done
rm -rf build/packages/_CPack_Packages
ls -1 build/packages
