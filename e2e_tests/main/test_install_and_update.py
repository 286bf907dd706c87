"""The spine: a bare machine becomes version 1, 2 and 3, over volumes A, B and A."""

import re

import pytest

from lib.grpc_client import state_name


def first_in_boot_order(host) -> str:
    """The label of the firmware entry that starts next."""
    said = host.machine.ssh("efibootmgr")
    first = re.search(r"^BootOrder: (\w{4})", said, re.M)[1]
    return re.search(rf"^Boot{first}\*? (\S+)", said, re.M)[1]


def check(done, version: str, volume: str) -> None:
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert done.job.target_volume == volume
    assert done.boot.version == version, done.boot
    assert all(message.status for message in done.messages), "a message without Host Status"
    fractions = [message.progress.fraction for message in done.messages
                 if message.HasField("progress")]
    assert fractions == sorted(fractions), "the progress fell"


@pytest.mark.parametrize("loader", ["grub", "systemd-boot"])
def test_a_bare_machine_is_installed_and_updated_twice(bare_host, installed, loader):
    host = bare_host
    done = host.bring_to(host.document(f"{loader}-v1"))
    check(done, "1", "volume-a")
    assert done.job.servicing_kind == "clean-install"
    assert first_in_boot_order(host) == "trident-a"
    installed.keep(loader, host)

    done = host.bring_to(host.document(f"{loader}-v2"))
    check(done, "2", "volume-b")
    assert done.job.servicing_kind == "ab-update"
    assert first_in_boot_order(host) == "trident-b"
    # Images come with equal file system UUIDs; on the host nothing may be found by both.
    uuids = host.machine.ssh("blkid -o value -s UUID /dev/vda3 /dev/vda4").split()
    assert len(set(uuids)) == 2, uuids

    done = host.bring_to(host.document(f"{loader}-v3"))
    check(done, "3", "volume-a")
    assert first_in_boot_order(host) == "trident-a"

    assert host.machine.reboots() == 3
    assert host.reboot().version == "3", "a plain reboot left the committed version"
    assert "activeVolume: volume-a" in host.client.status().status
