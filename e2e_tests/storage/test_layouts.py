"""Layouts of docs/examples/storage: each is installed on a blank machine and updated."""

import contextlib
import pathlib
import subprocess

import pytest
import yaml

from images import variants
from lib.grpc_client import state_name
from lib.registry import Registry


def bring(host, document: str, version: str, volume: str):
    """To the end of the job, which must be committed on that volume."""
    done = host.bring_to(document)
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert (done.boot.version, done.job.target_volume) == (version, volume)
    return done


def test_the_usual_layout_takes_raw_and_gzip_images(bare_host_with):
    host = bare_host_with(1)
    bring(host, host.example("plain", "grub-v1-raw"), "1", "volume-a")
    bring(host, host.example("plain", "grub-v2-gzip"), "2", "volume-b")


@pytest.mark.parametrize("loader", [
    "grub-beside", pytest.param("systemd-boot", marks=pytest.mark.landing)])
def test_both_volumes_start_from_one_esp_and_a_panicking_update_falls_back(bare_host_with, loader):
    host = bare_host_with(1)
    bring(host, host.example("single-esp", f"{loader}-v1"), "1", "volume-a")
    bring(host, host.example("single-esp", f"{loader}-v2"), "2", "volume-b")
    listing = host.machine.ssh("cd /boot/efi && find EFI loader -type f | sort 2>/dev/null; true")
    assert "EFI/trident-a/" in listing and "EFI/trident-b/" in listing, listing
    before = host.machine.ssh("cd /boot/efi && find EFI/trident-b -type f | xargs sha256sum")

    host.machine.panic_expected = True
    done = host.bring_to(host.example("single-esp", f"{loader}-v3-panic"))
    assert state_name(done.job) == "ROLLED_BACK", done.job.reason
    assert done.boot.version == "2"
    after = host.machine.ssh("cd /boot/efi && find EFI/trident-b -type f | xargs sha256sum")
    assert after == before
    # An operator's reboot stays where the host is.
    assert host.reboot().version == "2"


def test_the_configuration_of_grub_that_the_specification_describes(bare_host_with):
    host = bare_host_with(1)
    bring(host, host.example("plain", "grub2-v1"), "1", "volume-a")
    done = bring(host, host.example("plain", "grub2-v2"), "2", "volume-b")
    text = host.machine.ssh("cat /boot/grub2/grub.cfg")
    uuid = host.machine.ssh(f"blkid -o value -s PARTUUID {done.boot.root}").strip()
    assert f"set rootdevice=PARTUUID={uuid}" in text, text
    filesystem = host.machine.ssh(f"blkid -o value -s UUID {done.boot.root}").strip()
    assert f"search -n -u {filesystem} -s" in text, text
    assert f"search -n -u {filesystem} -s" in host.machine.ssh("cat /boot/efi/boot/grub2/grub.cfg")


def test_boot_and_usr_switch_together_with_root(bare_host_with):
    host = bare_host_with(1)
    bring(host, host.example("separate-boot-and-usr", "parts-v1"), "1", "volume-a")
    bring(host, host.example("separate-boot-and-usr", "parts-v2"), "2", "volume-b")
    labels = dict(line.split() for line in host.machine.ssh(
        "for m in / /usr /boot /boot/efi; do "
        "echo $m $(lsblk -no PARTLABEL $(findmnt -no SOURCE $m)); done").splitlines())
    assert labels == {"/": "root-b", "/usr": "usr-b", "/boot": "boot-b", "/boot/efi": "esp-b"}


def test_every_partition_type_and_file_system(bare_host_with):
    host = bare_host_with(1)
    path = host.machine.ssh("udevadm info -q symlink -n /dev/vda").split()
    by_path = next(f"/dev/{link}" for link in path if link.startswith("disk/by-path/pci"))

    def document(variant: str) -> str:
        content = yaml.safe_load(host.example("every-partition-type", variant))
        content["storage"]["disks"][0]["device"] = by_path
        return yaml.safe_dump(content, sort_keys=False)

    bring(host, document("systemd-boot-v1"), "1", "volume-a")
    mounted = host.machine.ssh("findmnt -rn -o TARGET,FSTYPE")
    for line in ("/home ext4", "/var ext4", "/srv xfs", "/var/tmp ext4", "/opt btrfs",
                 "/mnt/exchange vfat"):
        assert line in mounted.splitlines(), mounted
    assert "partition" in host.machine.ssh("swapon --show=TYPE --noheadings")
    host.machine.ssh("for d in /home /var /srv /opt /mnt/exchange; do echo kept >$d/file; done")
    bring(host, document("systemd-boot-v2"), "2", "volume-b")
    kept = host.machine.ssh("cat /home/file /var/file /srv/file /opt/file /mnt/exchange/file")
    assert kept.split() == ["kept"] * 5


def test_kexec_starts_the_new_system_without_the_firmware(bare_host_with):
    host = bare_host_with(1)
    bring(host, host.example("kexec", "grub-v1"), "1", "volume-a")
    bring(host, host.example("kexec", "systemd-boot-v2"), "2", "volume-b")
    # What the firmware was told is what counts from now on.
    assert host.reboot().version == "2"
    host.machine.panic_expected = True
    done = host.bring_to(host.example("kexec", "systemd-boot-v3-panic"))
    assert state_name(done.job) == "ROLLED_BACK", done.job.reason
    assert done.boot.version == "2"


def test_images_from_a_registry_and_from_a_list_of_hashes(bare_host_with, tmp_path):
    host = bare_host_with(1)
    with Registry() as registry, registry_in_guest(host, registry):
        def document(variant: str) -> str:
            content = yaml.safe_load(host.example("oci", variant))
            images = {image["targetId"]: image for image in content["storage"]["images"]}
            made = variants.images(variant)
            images["esp"]["sha256"] = "manifest"
            host.server.add(hash_list(tmp_path / "SHA256SUMS", made.esp.file))
            registry.push("hosts/root", variant, made.root.file)
            images["root"].update(url=f"oci://localhost:5000/hosts/root:{variant}",
                                  sha256="ignored")
            return yaml.safe_dump(content, sort_keys=False)

        bring(host, document("grub-v1"), "1", "volume-a")
    with Registry() as registry, registry_in_guest(host, registry):
        bring(host, document("grub-v2"), "2", "volume-b")


@contextlib.contextmanager
def registry_in_guest(host, registry):
    """The registry is on the guest's own loopback, where no TLS is asked for."""
    command = host.machine.ssh_command("-N", "-o", "ExitOnForwardFailure=yes", "-R",
                                       f"127.0.0.1:5000:127.0.0.1:{registry.port}")
    tunnel = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    try:
        host.machine.ssh("for i in $(seq 100); do "
                         "ss -Hltn 'sport = :5000' | grep -q . && exit 0; sleep .2; done; exit 1")
        yield
    finally:
        tunnel.terminate()
        tunnel.wait()


def hash_list(place: pathlib.Path, file: pathlib.Path) -> pathlib.Path:
    digest = subprocess.run(["sha256sum", file.name], cwd=file.parent, check=True,
                            capture_output=True, text=True).stdout
    place.write_text(digest)
    return place
