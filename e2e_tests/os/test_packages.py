"""The packages: installed and removed on a host (.deb), unpacked and looked at (.rpm)."""

import subprocess

import pytest

from lib import paths
from lib.process import run

# They share the packages, which are built once.
pytestmark = pytest.mark.xdist_group("packages")

UNITS = "tridentd.socket tridentd.service trident.service"


@pytest.fixture(scope="module")
def packages():
    """Folder with the packages of this build."""
    run([paths.REPOSITORY / "scripts/make_packages.sh"], timeout=1200)
    return paths.REPOSITORY / "build/packages"


def test_debian_packages_are_installed_and_removed_cleanly(installed_host, packages):
    host = installed_host
    # What the image brought; from now on the files are the package's.
    host.machine.ssh(f"systemctl disable -q --now {UNITS}; "
                     "rm -f /usr/bin/trident* /usr/lib/systemd/system/trident* "
                     "/etc/systemd/system/*.wants/trident*; systemctl daemon-reload")
    names = []
    for name in ("trident", "trident-service"):
        [file] = packages.glob(f"{name}_*.deb")
        names.append(f"/tmp/{file.name}")
        with file.open("rb") as content:
            subprocess.run([*host.machine.ssh_command(), f"cat >/tmp/{file.name}"], stdin=content,
                           timeout=120, check=True)
    host.machine.ssh(f"dpkg -i {' '.join(names)}", timeout=180)
    assert host.machine.ssh(f"systemctl is-enabled {UNITS}").split() == ["enabled"] * 3
    version = run([paths.STAGE / "usr/bin/tridentd", "--version"])
    assert host.machine.ssh("tridentd --version") == version
    host.machine.ssh("systemctl start tridentd.socket && tridentctl --wait 60 version")
    assert host.machine.ssh("dpkg -V trident trident-service") == ""

    host.machine.ssh("dpkg -P trident-service trident", timeout=180)
    left = host.machine.ssh("ls -d /usr/bin/trident* /usr/lib/systemd/system/trident* "
                            "/etc/systemd/system/*.wants/trident* /usr/share/trident "
                            "2>/dev/null; true")
    assert left == "", left
    assert "inactive" in host.machine.ssh("systemctl is-active tridentd.service; true")
    # What the agent knows about the host is not the package's to throw away.
    host.machine.ssh("test -e /var/lib/trident/datastore.sqlite -a -e /etc/trident/config.yaml")


def test_rpm_packages_hold_the_three_parts(packages, tmp_path):
    files = sorted(packages.glob("*.rpm"))
    run(["rpm", "-i", "--root", tmp_path, "--nodeps", "--noscripts", "--ignorearch", *files])
    names = {"/" + str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*")}
    for name in ("/usr/bin/tridentd", "/usr/bin/trident", "/usr/bin/tridentctl", "/etc/trident",
                 "/usr/lib/systemd/system/trident.service",
                 "/usr/lib/systemd/system/tridentd.socket",
                 "/usr/lib/systemd/system/trident-network.service"):
        assert name in names, sorted(names)
    said = run(["rpm", "-q", "--root", tmp_path, "-a", "--queryformat", "%{NAME}\n"]).split()
    assert sorted(said) == ["trident", "trident-provisioning", "trident-service"]
    [agent] = packages.glob("trident-[0-9]*.rpm")
    assert "netplan" in run(["rpm", "-qp", "--requires", agent])
    [service] = packages.glob("trident-service-*.rpm")
    assert "systemctl enable" in run(["rpm", "-qp", "--scripts", service])
    assert run([tmp_path / "usr/bin/tridentd", "--version"]).startswith("trident ")
