"""LUKS2 on real disks with a TPM: unattended at every boot, the recovery key when it is not there."""

import grpc
import pytest

from lib.grpc_client import BOTH, state_name

KEY = "correct horse battery staple"
PUT_KEY = f"umask 077; printf %s '{KEY}' >/etc/recovery.key"


def mounted(host) -> list[str]:
    return host.machine.ssh("findmnt -rn -o SOURCE,TARGET | grep /dev/mapper || true").splitlines()


def opens_with_recovery_key(host, device: str) -> bool:
    said = host.machine.ssh(f"printf %s '{KEY}' | cryptsetup open --test-passphrase --key-file - "
                            f"{device} && echo opens || echo no")
    return said.strip().endswith("opens")


@pytest.mark.landing
def test_encrypted_volumes_open_by_the_tpm_and_by_the_recovery_key(bare_host_with):
    host = bare_host_with(2, tpm=True)
    with pytest.raises(grpc.RpcError) as refused:
        list(host.client.update(host.example("encrypted", "grub-v1"), BOTH))
    assert "/etc/recovery.key" in refused.value.details()

    host.machine.ssh(PUT_KEY)
    done = host.bring_to(host.example("encrypted", "grub-v1"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    both = ["/dev/mapper/vault /srv/vault", "/dev/mapper/mirror /srv/mirror"]
    assert sorted(mounted(host)) == sorted(both)
    # Swap has no header: its key is a new one at every boot.
    assert "crypto_LUKS" not in host.machine.ssh("blkid -p /dev/disk/by-partlabel/page || true")
    assert "/dev/dm-" in host.machine.ssh("cat /proc/swaps")
    host.machine.ssh("echo secret >/srv/vault/file; echo secret >/srv/mirror/file; sync")

    done = host.bring_to(host.example("encrypted", "grub-v2"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert done.boot.version == "2"
    assert host.machine.ssh("cat /srv/*/file").split() == ["secret"] * 2
    assert opens_with_recovery_key(host, "/dev/disk/by-partlabel/vault")
    # Nothing tells the key: not the status, not the journal, not the store.
    assert KEY not in host.client.status().status
    assert KEY not in host.machine.ssh("journalctl -b --no-pager -o cat")
    assert host.machine.ssh(f"grep -c '{KEY}' /var/lib/trident/datastore.sqlite* | grep -v ':0' "
                            "|| echo nowhere").strip() == "nowhere"

    host.machine.ssh("sync")
    host.machine.power_cut()
    host.machine.replace_tpm()
    boot = host.start()
    assert boot.version == "2"
    assert mounted(host) == [], "another TPM opened the volumes"
    host.machine.ssh(f"printf %s '{KEY}' >/run/key; "
                     "cryptsetup open --key-file /run/key /dev/disk/by-partlabel/vault vault; "
                     "mount /dev/mapper/vault /srv/vault")
    assert host.machine.ssh("cat /srv/vault/file").strip() == "secret"
