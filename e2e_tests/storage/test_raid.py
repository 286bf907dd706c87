"""Software RAID on real disks: every level, a mirrored system, a lost disk, old arrays."""

import grpc
import pytest

from lib.grpc_client import BOTH, state_name


def arrays(host) -> dict[str, str]:
    """Array -> its state in the Host Status."""
    storage = host.client.host_status()["storage"]
    return {name: array["status"] for name, array in storage["raidArrays"].items()}


def test_a_mirrored_system_is_installed_updated_loses_a_disk_and_is_rebuilt(bare_host_with):
    host = bare_host_with(2)
    done = host.bring_to(host.example("raid1-root", "grub-v1"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert done.boot.version == "1"
    assert done.boot.root.startswith("/dev/md"), done.boot
    assert set(arrays(host).values()) == {"ready"}, arrays(host)
    entries = host.machine.ssh("efibootmgr")
    assert "trident-a-2" in entries, entries

    done = host.bring_to(host.example("raid1-root", "grub-v2"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert (done.boot.version, done.job.target_volume) == ("2", "volume-b")
    members = host.machine.ssh("mdadm --detail --scan --verbose")
    assert members.count("num-devices=2") == 5, members

    host.machine.ssh("sync")
    host.machine.power_cut()
    host.machine.replace_disk(0, used=True)
    boot = host.start()
    assert boot.version == "2", boot
    states = arrays(host)
    assert set(states.values()) == {"degraded"}, states

    # The disk in its place is not blank: nothing takes it before somebody has said so.
    said = host.machine.ssh("tridentctl rebuild-raid 2>&1; echo exit status $?", timeout=120)
    assert "it has a partition table" in said and "exit status 2" in said, said
    assert set(arrays(host).values()) == {"degraded"}
    host.machine.ssh("wipefs -q -a /dev/vda")
    said = host.machine.ssh("tridentctl rebuild-raid", timeout=300)
    assert "succeeded" in said, said
    assert set(arrays(host).values()) == {"ready"}, arrays(host)
    members = host.machine.ssh("mdadm --detail --scan --verbose")
    assert members.count("num-devices=2") == 5, members
    host.machine.ssh("sync")
    known = {job.id for job in host.client.jobs()}
    host.machine.power_cut()
    # Now the other one: what was rebuilt carries the host. A blank disk needs nobody: the host is
    # brought to its document when it starts.
    host.machine.replace_disk(1)
    assert host.start().version == "2"
    job = host.client.wait_job(
        lambda jobs: next((job for job in jobs if job.id not in known), None),
        timeout=120, what="a job that the host begins by itself")
    job = host.client.wait_end(job.id)
    assert state_name(job) == "SUCCEEDED", job.reason
    assert set(arrays(host).values()) == {"ready"}, arrays(host)


def test_arrays_of_every_level_and_xfs_hold_data(bare_host_with):
    host = bare_host_with(4)
    done = host.bring_to(host.example("raid-levels", "systemd-boot-v1"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert arrays(host) == {"stripes": "ready", "parity": "ready", "double": "ready",
                            "both": "ready"}
    levels = host.machine.ssh("cat /proc/mdstat")
    for level in ("raid0", "raid5", "raid6", "raid10"):
        assert f"active {level} " in levels, levels
    mounted = host.machine.ssh("findmnt -rn -o TARGET,FSTYPE")
    for line in ("/srv/stripes xfs", "/srv/parity ext4", "/srv/double ext4", "/srv/both ext4",
                 "/srv/rest xfs"):
        assert line in mounted.splitlines(), mounted
    host.machine.ssh("for d in /srv/*; do echo kept >$d/file; done; sync")

    done = host.bring_to(host.example("raid-levels", "systemd-boot-v2"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert done.boot.version == "2"
    assert host.machine.ssh("cat /srv/*/file").split() == ["kept"] * 5


def test_old_arrays_are_taken_apart_but_not_one_that_reaches_to_a_foreign_disk(bare_host_with):
    host = bare_host_with(3)
    host.machine.ssh(
        "for d in a b c; do echo ',,L' | sfdisk -q -X gpt /dev/vd$d; done; udevadm settle; "
        "mdadm --create /dev/md/old --run --level=1 --raid-devices=2 --metadata=1.2 "
        "/dev/vdb1 /dev/vdc1; udevadm settle")
    with pytest.raises(grpc.RpcError) as refused:
        list(host.client.update(host.example("raid1-root", "grub-v1"), BOTH))
    assert "/dev/vdc, which the document does not name" in str(refused.value.details())
    host.machine.ssh("mdadm --stop /dev/md/old; mdadm --zero-superblock /dev/vdb1 /dev/vdc1; "
                     "mdadm --create /dev/md/old --run --level=1 --raid-devices=2 --metadata=1.0 "
                     "/dev/vda1 /dev/vdb1; udevadm settle")
    done = host.bring_to(host.example("raid1-root", "grub-v1"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert "/dev/md/old" not in host.machine.ssh("mdadm --detail --scan")
