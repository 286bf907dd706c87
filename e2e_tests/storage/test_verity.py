"""A root, or a /usr, that dm-verity protects: installed, updated, and tampered with."""

import grpc
import pytest

from images import variants
from lib.grpc_client import BOTH, state_name

STAGE = "update"


def listing(host, path: str) -> list[str]:
    return host.machine.ssh(f"findmnt -rn -o SOURCE,FSTYPE,OPTIONS {path}").split()


def tamper(host, label: str, file: str) -> None:
    """Changes a byte of a file on a partition that nobody has mounted."""
    device = f"/dev/disk/by-partlabel/{label}"
    block = host.machine.ssh(f"debugfs -R 'blocks {file}' {device} 2>/dev/null").split()[0]
    host.machine.ssh(f"printf x | dd of={device} bs=1 seek=$(({block} * 4096 + 100)) conv=notrunc "
                     "status=none && sync")


def test_a_verity_root_is_updated_keeps_changes_of_etc_and_falls_back_when_tampered_with(bare_host):
    host = bare_host
    done = host.bring_to(host.example("verity", "verity-v1"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert done.boot.root == "/dev/mapper/root"
    source, filesystem, options = listing(host, "/")
    assert (source, filesystem) == ("/dev/mapper/root", "ext4")
    assert "ro" in options.split(",")
    # The kernel checks every block, and stops at one that does not match.
    table = host.machine.ssh("dmsetup table root")
    assert " verity " in table and "panic_on_corruption" in table
    assert host.machine.ssh("touch /usr/x 2>&1 || true").strip().endswith("Read-only file system")

    # Changes of /etc last, those of /var do not.
    assert listing(host, "/etc")[1] == "overlay"
    assert listing(host, "/var")[1] == "overlay"
    host.machine.ssh("echo changed >/etc/motd; echo gone >/var/here; sync")
    host.reboot()
    assert host.machine.ssh("cat /etc/motd").strip() == "changed"
    assert host.machine.ssh("cat /var/here 2>/dev/null || echo none").strip() == "none"

    # The other volume has changes of its own: an update begins with none.
    done = host.bring_to(host.example("verity", "verity-v2"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert done.boot.version == "2"
    assert "changed" not in host.machine.ssh("cat /etc/motd")
    assert host.machine.ssh("cat /data/trident-overlays/volume-a/upper/etc/motd").strip() == "changed"

    # Version 3 goes to volume A. Somebody changes it between the check and the boot.
    document = host.example("verity", "verity-v3")
    staged = list(host.client.update(document, STAGE))
    assert state_name(staged[-1].job) == "STAGED", staged[-1].outcome
    tamper(host, "root-a", "/usr/lib/systemd/systemd")
    host.machine.panic_expected = True
    done = host.bring_to(document, BOTH)
    assert state_name(done.job) == "ROLLED_BACK", state_name(done.job)
    assert done.boot.version == "2"
    assert "dm-verity device corrupted" in host.machine.serial.text()
    # What fell back can be updated again.
    done = host.bring_to(host.example("verity", "verity-v1"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert done.boot.version == "1"


def check_usr(host, half: str, root_hash: str) -> None:
    """/usr is what dm-verity makes of this half, mounted once and for reading only."""
    source, filesystem, options = listing(host, "/usr")
    assert (source, filesystem) == ("/dev/mapper/usr", "ext4")
    assert "ro" in options.split(",")
    table = host.machine.ssh("dmsetup table usr")
    assert " verity " in table and "panic_on_corruption" in table
    assert root_hash in table
    below = host.machine.ssh("for d in /sys/class/block/$(basename $(readlink -f /dev/mapper/usr))"
                             "/slaves/*; do lsblk -dno PARTLABEL /dev/${d##*/}; done")
    assert sorted(below.split()) == [f"hash-{half}", f"usr-{half}"]
    assert host.machine.ssh("touch /usr/x 2>&1 || true").strip().endswith("Read-only file system")
    # The root is one like any other.
    assert "rw" in listing(host, "/")[2].split(",")


def test_a_verity_usr_is_updated_and_falls_back_when_tampered_with(bare_host):
    host = bare_host
    for version, half in (("1", "a"), ("2", "b")):
        done = host.bring_to(host.example("usr-verity", f"usr-verity-v{version}"))
        assert state_name(done.job) == "SUCCEEDED", done.job.reason
        assert (done.boot.version, done.job.target_volume) == (version, f"volume-{half}")
        check_usr(host, half, variants.images(f"usr-verity-v{version}").root_hash)

    # Version 3 goes to volume A. Somebody changes it between the check and the boot.
    document = host.example("usr-verity", "usr-verity-v3")
    staged = list(host.client.update(document, STAGE))
    assert state_name(staged[-1].job) == "STAGED", staged[-1].outcome
    tamper(host, "usr-a", "/lib/systemd/systemd")
    host.machine.panic_expected = True
    done = host.bring_to(document, BOTH)
    assert state_name(done.job) == "ROLLED_BACK", state_name(done.job)
    assert "dm-verity device corrupted" in host.machine.serial.text()
    assert done.boot.version == "2"
    check_usr(host, "b", variants.images("usr-verity-v2").root_hash)


def test_images_that_do_not_belong_together_are_found_before_the_host_leaves(bare_host):
    host = bare_host
    document = host.example("verity", "verity-v1").replace("verityRootHash: ", "verityRootHash: 0")
    document = "\n".join(line[:-1] if "verityRootHash" in line else line
                         for line in document.splitlines()) + "\n"
    with pytest.raises(grpc.RpcError) as failed:
        list(host.client.update(document, BOTH))
    assert "'root-a' does not match its root hash 0" in failed.value.details()
    assert state_name(host.client.jobs()[0]) == "FAILED"
    # Nothing holds the disk: the right document installs it.
    done = host.bring_to(host.example("verity", "verity-v1"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
