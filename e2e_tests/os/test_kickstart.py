"""A machine is installed from docs/examples/kickstart/machine.ks by `trident run`, and every line
of it is looked at on that machine; one with errors changes nothing."""

import json
import pathlib

import yaml

from images import base_tree, variants
from lib import host_configuration
from lib.grpc_client import state_name

VARIANT = "netplan-v1"
NETPLAN = "/etc/netplan/99-trident.yaml"
KICKSTART = "/etc/trident/machine.ks"
# QEMU's network card has the address 52:54:00:12:34:56.
NAME = "node-56"
MIB = 1 << 20
# Of the Discoverable Partitions Specification, for x86-64; and sizes as the kickstart has them.
PARTITIONS = [
    ("C12A7328-F81F-11D2-BA4B-00A0C93EC93B", 128),
    ("4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709", 1024),
    ("0657FD6D-A4AB-43C4-84E5-0933C84B4F4F", 128),
    # The rest of 4 GiB, but for the table at both ends.
    ("0FC63DAF-8483-4772-8E79-3D69D8477DE4", 4096 - 128 - 1024 - 128 - 2),
]
BROKEN = """%pre
touch /run/pre-has-run
%end
netwrok --device=eth0
part / --size=1024 --grow --ondisk=vda
part /boot/efi --size=128 --ondisk=vda
firewall --enabled
rootpw not-to-be-repeated
bootloader --location=mbr
"""
# Line, and what is wrong there.
ERRORS = {(4, "UnknownCommand"), (5, "SyntaxError"), (7, "UnsupportedCommand"),
          (8, "DisallowedCommand")}


def configure(host, kickstart: str) -> None:
    """What /etc/trident of the provisioning OS has."""
    host.write_file(KICKSTART, kickstart)
    host.write_file("/etc/trident/config.yaml", f"kickstartFile: {KICKSTART}\n")


def check_refused(host) -> None:
    """A kickstart with errors: exit code 2, all of them, and nothing was done."""
    configure(host, BROKEN)
    said = host.machine.ssh("trident run --status /run/status.yaml 2>&1; echo exit $?")
    assert said.strip().endswith("exit 2"), said
    problems, _ = json.JSONDecoder().raw_decode(said[said.index("[\n"):])
    assert all(problem["line"]["source"] == {"File": KICKSTART} for problem in problems), problems
    found = {(problem["line"]["lineno"], *problem["error"]) for problem in problems}
    assert found - {(0, "SemanticWarning")} == ERRORS, said
    assert "not-to-be-repeated" not in said, said
    assert host.machine.ssh("ls /run/pre-has-run 2>/dev/null || true") == ""
    assert "reconcileState: " in host.machine.ssh("cat /run/status.yaml")
    assert host.client.jobs() == []
    for disk in host.machine.disks:
        check_untouched(disk)


def check_untouched(disk: pathlib.Path) -> None:
    """Not one block was ever written."""
    assert disk.stat().st_blocks == 0, f"{disk} was written to"


def install(host):
    """`trident run` in the provisioning OS, as its unit runs it; returns the boot and the job."""
    # Its last words are on the console: nobody can ask for them after the reboot.
    host.machine.ssh(
        "systemd-run --quiet --unit=install sh -c 'trident run --status /run/status.yaml; "
        "echo \"E2E-RUN exit=$? status=$(grep -c ^reconcileState: /run/status.yaml)\" "
        ">/dev/console'")
    said = host.machine.ssh(
        "for i in $(seq 200); do test -s /var/log/machine-pre.log && break; sleep .1; done; "
        "stat -c %a /var/log/machine-pre.log; cat /var/log/machine-pre.log")
    assert said.splitlines() == ["600", f"{NAME} goes to vdb"], said
    ended = host.machine.wait_serial(r"E2E-RUN exit=(\d+) status=(\d+)\n")
    assert ended.groups() == ("0", "1"), ended[0]
    boot = host.machine.wait_boot(2)
    job = host.client.wait_end(host.client.jobs()[0].id)
    return boot, job


def check_storage(host) -> None:
    """part"""
    ssh = host.machine.ssh
    check_untouched(host.machine.disks[0])
    table = json.loads(ssh("sfdisk --json /dev/vdb"))["partitiontable"]
    assert table["label"] == "gpt"
    found = [(item["type"], item["size"] * 512 // MIB) for item in table["partitions"]]
    assert found == PARTITIONS, table
    for path, number, kind, options in (("/boot/efi", 1, "vfat", []), ("/", 2, "ext4", ["noatime"]),
                                        ("/srv", 4, "xfs", ["nodev", "nosuid"])):
        source, filesystem, now = ssh(
            f"findmnt -rno SOURCE,FSTYPE,OPTIONS --mountpoint {path}").split()
        assert (source, filesystem) == (f"/dev/vdb{number}", kind), path
        assert set(options) <= set(now.split(",")), f"{path}: {now}"
    assert ssh("cat /proc/swaps").splitlines()[1].split()[0] == "/dev/vdb3"


def check_images(host) -> None:
    """part --image"""
    images = variants.images(VARIANT)
    for image in (images.esp, images.root):
        assert host.server.sent(image.file) >= image.size, f"{image.file} was not fetched"
    disks = host.client.host_status()["storage"]["disks"]
    contents = [item["contents"] for disk in disks.values() for item in disk["partitions"]]
    hashes = {item["sha256"] for item in contents if "sha256" in item}
    assert hashes == {images.esp.sha256, images.root.sha256}, contents


def check_network(host) -> None:
    text = host.machine.ssh(f"cat {NETPLAN}")
    wanted = {"network": {"version": 2, "ethernets": {"eth0": {"dhcp4": True, "link-local": []}}}}
    assert yaml.safe_load(text) == wanted, text
    assert "10.0.2.15/24" in host.machine.ssh("ip -o -4 address show dev eth0")
    assert host.machine.ssh("ip -o -6 address show dev eth0") == ""
    assert host.machine.ssh("hostname; cat /etc/hostname").split() == [NAME, NAME]


def check_users(host) -> None:
    """rootpw, user, sshkey"""
    ssh = host.machine.ssh
    assert ssh("grep ^root: /etc/shadow | cut -d: -f2").strip() == "*"
    assert ssh("id -un", user="operator").strip() == "operator"
    assert {"sudo", "adm"} <= set(ssh("id -Gn operator").split())
    for home in ("/root", "/home/operator"):
        assert base_tree.public_key() in ssh(f"cat {home}/.ssh/authorized_keys").splitlines()
    assert ssh("grep ^operator: /etc/shadow | cut -d: -f2").strip() == "*"


def check_system(host) -> None:
    """bootloader, services"""
    ssh = host.machine.ssh
    options = ssh("cat /proc/cmdline").split()
    assert options[-2:] == ["panic=30", "printk.time=1"], options
    assert ssh("cat /proc/sys/kernel/panic").strip() == "30"
    # The image has it the other way round.
    assert ssh("systemctl is-enabled systemd-networkd-wait-online@eth0 remote-fs.target; "
               "true").split() == ["enabled", "disabled"]
    assert ssh("systemctl is-active systemd-networkd-wait-online@eth0").strip() == "active"


def check_post(host) -> None:
    ssh = host.machine.ssh
    assert ssh("cat /etc/motd") == f"This is {NAME}\n"
    log = ssh("cat /var/log/machine-post.log")
    assert "(operator)" in log and "(sudo)" in log, log


def check_agent(host) -> None:
    """What a kickstart always becomes, and that the host is what its agent wants it to be."""
    config = yaml.safe_load(host.machine.ssh("cat /etc/trident/config.yaml"))
    assert config["hostConfiguration"]["management"]["selfUpgrade"] is True
    said = host.machine.ssh("trident run --verbosity INFO 2>&1; echo exit $?")
    assert "nothing to do" in said and said.strip().endswith("exit 0"), said


def test_a_kickstart_installs_a_machine_and_a_broken_one_does_nothing(bare_host_with):
    host = bare_host_with(2)
    check_refused(host)

    configure(host, host_configuration.kickstart(host.server, "machine", variants.images(VARIANT),
                                                 base_tree.public_key()))
    boot, job = install(host)
    assert boot.version == "1", boot
    assert state_name(job) == "SUCCEEDED", job.reason
    assert job.servicing_kind == "clean-install"
    check_storage(host)
    check_images(host)
    check_network(host)
    check_users(host)
    check_system(host)
    check_post(host)
    check_agent(host)
