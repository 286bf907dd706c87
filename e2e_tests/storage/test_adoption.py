"""Partitions that were there before are kept byte for byte, or grown; nothing is lost in silence."""

import grpc
import pytest

from lib.grpc_client import BOTH, state_name

# Between them room for nothing but what fits: 200 MiB "old-logs" at 600 MiB, 200 MiB "old-music" at
# 1500 MiB with free room behind it.
TABLE = """
for disk in a; do
  printf '%s\\n' 'label: gpt' \
    'start=1228800, size=409600, type=L, name=old-logs' \
    'start=3072000, size=409600, type=L, name=old-music' | sfdisk -q /dev/vd$disk
done
udevadm settle
mkfs.ext4 -q /dev/disk/by-partlabel/old-logs
mkfs.ext4 -q /dev/disk/by-partlabel/old-music
mkdir -p /mnt/x
for name in old-logs old-music; do
  mount /dev/disk/by-partlabel/$name /mnt/x
  dd if=/dev/urandom of=/mnt/x/data bs=1M count=20 status=none
  sha256sum /mnt/x/data | cut -d' ' -f1
  umount /mnt/x
done
"""


def test_adopted_partitions_keep_their_data_and_one_of_them_grows(bare_host_with):
    host = bare_host_with(1)
    sums = host.machine.ssh(TABLE, timeout=120).split()
    whole = host.machine.ssh("sha256sum </dev/disk/by-partlabel/old-logs")

    done = host.bring_to(host.example("adopted", "grub-v1"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert done.boot.version == "1"
    # Mounted read-only, and nobody else wrote: not one byte is another.
    assert host.machine.ssh("sha256sum </dev/disk/by-partlabel/old-logs") == whole
    kept = host.machine.ssh("sha256sum /srv/logs/data /srv/music/data | cut -d' ' -f1").split()
    assert kept == sums
    assert int(host.machine.ssh("lsblk -bndo SIZE /dev/disk/by-partlabel/old-music")) == 384 << 20
    assert int(host.machine.ssh("findmnt -bnro SIZE /srv/music")) > 330 << 20

    done = host.bring_to(host.example("adopted", "grub-v2"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    kept = host.machine.ssh("sha256sum /srv/logs/data /srv/music/data | cut -d' ' -f1").split()
    assert kept == sums


def test_a_partition_that_would_be_lost_is_refused_by_name(bare_host_with):
    host = bare_host_with(1)
    host.machine.ssh(TABLE, timeout=120)
    host.machine.ssh("sfdisk -q --part-label /dev/vda 2 precious; udevadm settle")
    table = host.machine.ssh("sfdisk -d /dev/vda")
    with pytest.raises(grpc.RpcError) as refused:
        list(host.client.update(host.example("adopted", "grub-v1"), BOTH))
    assert "'music'" in refused.value.details()
    assert host.machine.ssh("sfdisk -d /dev/vda") == table
