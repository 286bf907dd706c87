"""A whole host: docs/examples/sample.yaml installs a machine that nobody touches, and every line of
it is looked at on that machine."""

import hashlib
import json
import pathlib
import re

import pytest
import yaml

from images import base_tree, variants
from lib import host_configuration
from lib.grpc_client import state_name
from lib.process import run
from lib.report_server import ReportServer

VARIANT = "sample-v1"
KEY = "correct horse battery staple"
# Of the site: says by what and where it was run.
SETUP = 'echo "bash ${BASH_VERSION%%.*} in $TARGET_ROOT for $SERVICING_TYPE" >/etc/site-setup\n'
# What the provisioning OS would configure by itself, for an interface that is not there.
OTHER_NETWORK = "[Match]\nName=eth7\n\n[Network]\nDHCP=ipv4\n"
WAIT_ONLINE = "systemd-networkd-wait-online.service"
NETPLAN = "/etc/netplan/99-trident.yaml"
SECTOR = 512
MIB = 1 << 20
# The partition that is there before.
LOGS_AT, LOGS_SIZE = 64 * MIB, 64 * MIB
# As the Discoverable Partitions Specification has them, for x86-64.
TYPES = {
    "esp": "C12A7328-F81F-11D2-BA4B-00A0C93EC93B", "root": "4F68BCE3-E8CD-4DB1-96E7-FBCAF984B709",
    "swap": "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F", "home": "933AC7E1-2EB4-4F13-B844-0E14E2AEF915",
    "linux-generic": "0FC63DAF-8483-4772-8E79-3D69D8477DE4",
    "srv": "3B8F8425-20E0-4F3B-907F-1A25A76F98E8",
}
# What the document's targets are on the installed host.
DEVICES = {"root": "rootA", "oldlogs": "logs"}


@pytest.fixture(scope="module")
def reports():
    with ReportServer() as server:
        yield server


def make_old_logs(disk: pathlib.Path, folder: pathlib.Path) -> dict:
    """A disk that was in use: one partition with logs. Gives what identifies it."""
    run(["sfdisk", "-q", disk], stdin=f"label: gpt\nstart={LOGS_AT // SECTOR}, "
        f"size={LOGS_SIZE // SECTOR}, type=L, name=logs\n")
    tree = folder / "logs"
    tree.mkdir()
    (tree / "old.log").write_text("it was there before\n")
    run(["mke2fs", "-q", "-t", "ext4", "-d", tree, "-E", f"offset={LOGS_AT}", disk,
         f"{LOGS_SIZE // MIB}M"])
    [partition] = json.loads(run(["sfdisk", "--json", disk]))["partitiontable"]["partitions"]
    return {"uuid": partition["uuid"], "sha256": digest_of_logs(disk)}


def digest_of_logs(disk: pathlib.Path) -> str:
    """Of the medium: what a kernel that mounts it reads there may be changed in its memory only."""
    with disk.open("rb") as opened:
        opened.seek(LOGS_AT)
        return hashlib.sha256(opened.read(LOGS_SIZE)).hexdigest()


def site_files(folder: pathlib.Path, document: str, images, reports) -> dict[str, pathlib.Path]:
    """What a site adds to its provisioning OS, so that it installs by itself."""
    texts = {
        "etc/trident/config.yaml": yaml.safe_dump({
            "phonehome": reports.url("/provisioning"), "logstream": reports.url("/log"),
            "waitForProvisioningNetwork": True,
            "hostConfigurationFile": "/etc/trident/host.yaml"}),
        "etc/trident/host.yaml": document,
        "etc/recovery/luks.key": KEY,
        "opt/site/setup.sh": SETUP,
        "etc/systemd/network/05-other.network": OTHER_NETWORK,
    }
    files = {}
    for name, text in texts.items():
        files[name] = folder / name.replace("/", "_")
        files[name].write_text(text)
        files[name].chmod(0o600)
    files["images/esp.raw.zst"] = images.esp.file
    # The base of the tests masks it.
    link = folder / "wait-online"
    link.symlink_to(f"/lib/systemd/system/{WAIT_ONLINE}")
    files[f"etc/systemd/system/{WAIT_ONLINE}"] = link
    return files


def properties(host, unit: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in
                host.machine.ssh(f"systemctl show {unit}").splitlines() if "=" in line)


def tables(host, content: dict) -> dict[str, dict]:
    """Disk of the document -> its partition table as sfdisk reads it."""
    return {disk["id"]: json.loads(host.machine.ssh(f"sfdisk --json {disk['device']}"))
            ["partitiontable"] for disk in content["storage"]["disks"]}


def real_path(host, path: str) -> str:
    return host.machine.ssh(f"realpath -e {path}").strip()


def device_of(host, content: dict, target: str) -> str:
    """Where the target of a mount point is on the installed host."""
    storage = content["storage"]
    for volume in storage["encryption"]["volumes"]:
        if volume["id"] == target:
            return real_path(host, f"/dev/mapper/{volume['deviceName']}")
    for array in storage["raid"]["software"]:
        if array["id"] == target:
            return real_path(host, f"/dev/md/{array['name']}")
    return real_path(host, f"/dev/disk/by-partlabel/{DEVICES.get(target, target)}")


def check_provisioning(host, content: dict, reports) -> None:
    """While it installs: the network came up at the boot and was waited for; reports arrive."""
    network = properties(host, "trident-network.service")
    assert (network["ActiveState"], network["Result"]) == ("active", "success"), network
    text = host.machine.ssh(f"cat {NETPLAN}")
    assert yaml.safe_load(text) == {"network": content["networkProvision"]}
    assert host.machine.ssh("ls /etc/systemd/network") == "", \
        "waitForProvisioningNetwork left what else would be waited for"
    waiting = properties(host, WAIT_ONLINE)
    assert (waiting["ActiveState"], waiting["Result"]) == ("active", "success"), waiting
    host.machine.ssh("for i in $(seq 200); do systemctl is-active -q trident.service && exit 0; "
                     "sleep .2; done; exit 1")
    installing = properties(host, "trident.service")
    ended = [int(unit["ExecMainExitTimestampMonotonic"]) for unit in (network, waiting)]
    assert 0 < ended[0] < ended[1] < int(installing["ExecMainStartTimestampMonotonic"]), \
        "the installation did not wait for the network"

    first = reports.wait("/provisioning", lambda body: True, 60, "that the agent started")
    assert first["state"] == "started", first
    assert first["message"].startswith("Trident started (connection attempt "), first
    record = reports.wait("/log", lambda body: "serves, store" in body["message"], 60,
                          "the agent's first words in the log")
    assert set(record) == {"level", "message", "target", "module", "file", "line"}, record
    assert record["level"] == "info", record


def check_reports(reports, job) -> None:
    """What was heard of the installation and of the host that it made."""
    records = "\n".join(body["message"] for body in reports.bodies("/log"))
    for words in (f"job {job.id}: staging", "New TPM2 token enrolled", "stamp: stamped /etc/stamp",
                  f"job {job.id}: finalizing"):
        assert words in records, f"not streamed: {words}\n{records}"
    assert all(body["state"] == "started" for body in reports.bodies("/provisioning")), \
        reports.bodies("/provisioning")
    told = reports.wait("/phonehome", lambda body: body["state"] == "succeeded", 60,
                        "that the installation succeeded")
    assert told["message"] == "provisioning succeeded"
    assert "activeVolume: volume-a" in told["host_status"]


def check_console(host) -> None:
    """`trident run` tells what the plan warns of, and of every step once."""
    text = host.machine.serial.text()
    assert "storage.images[0]: the hash is ignored" in text, "no warning of an ignored hash"
    steps = [int(number) for number in re.findall(r"trident\[\d+\]: step (\d+)/", text)]
    assert steps == list(range(1, len(steps) + 1)) and len(steps) > 20, steps


def check_management(host, content: dict) -> None:
    management = content["management"]
    config = yaml.safe_load(host.machine.ssh("cat /etc/trident/config.yaml"))
    assert "grpc" in config, config
    said = host.machine.ssh("journalctl -b -u tridentd.service -o cat")
    assert "grpc: served on the unix socket only" in said, said
    assert config["datastore"] == management["datastorePath"]
    assert host.machine.ssh(f"stat -c %a {management['datastorePath']}").strip() == "600"
    assert config["phonehome"] == management["phonehome"]
    assert "logstream" not in config and "waitForProvisioningNetwork" not in config
    # Although the file images and the script of the document are not here.
    run_unit = properties(host, "trident.service")
    assert (run_unit["Result"], run_unit["ExecMainStatus"]) == ("success", "0"), run_unit


def size_in_bytes(size) -> int | None:
    if size == "grow":
        return None
    text = str(size).replace(" ", "")
    unit = {"M": MIB, "G": 1 << 30}.get(text[-1], 0)
    return int(text[:-1]) * unit if unit else int(text)


def check_disks(host, content: dict) -> None:
    for disk in content["storage"]["disks"]:
        table = tables(host, content)[disk["id"]]
        assert table["label"] == disk["partitionTableType"], table
        adopted = [item["name"] for item in disk.get("adoptedPartitions", [])]
        found = [item for item in table["partitions"] if item["name"] not in adopted]
        assert [item["name"] for item in found] == [item["id"] for item in disk["partitions"]]
        starts = [item["start"] for item in found]
        assert starts == sorted(starts), f"{disk['id']}: not in the order of the document"
        for wanted, got in zip(disk["partitions"], found):
            assert got["type"] == TYPES[wanted["type"]], f"{wanted}: {got}"
            size = size_in_bytes(wanted["size"])
            if size is not None:
                assert got["size"] * SECTOR == size, f"{wanted}: {got}"
            else:
                left = (table["lastlba"] + 1 - got["start"] - got["size"]) * SECTOR
                assert left < MIB, f"{wanted} leaves {left} bytes"


def check_adopted(host, content: dict, before: dict) -> None:
    disk = next(disk for disk in content["storage"]["disks"] if "adoptedPartitions" in disk)
    [kept] = [item for item in tables(host, content)[disk["id"]]["partitions"]
              if item["name"] == "logs"]
    assert kept["uuid"] == before["uuid"]
    assert (kept["start"] * SECTOR, kept["size"] * SECTOR) == (LOGS_AT, LOGS_SIZE)
    assert host.machine.ssh("cat /mnt/logs/old.log") == "it was there before\n"
    assert digest_of_logs(host.machine.disks[1]) == before["sha256"], \
        "the adopted partition was written to"
    status = host.client.host_status()["storage"]["disks"][disk["id"]]["partitions"]
    assert {"md0b", "oldlogs"} == {item["id"] for item in status}, status


def check_encryption(host, content: dict) -> None:
    encryption = content["storage"]["encryption"]
    for volume in encryption["volumes"]:
        device = f"/dev/disk/by-partlabel/{volume['targetId']}"
        below = host.machine.ssh(f"cryptsetup status {volume['deviceName']}")
        assert f"device:  {real_path(host, device)}" in below, below
        assert "type:    LUKS2" in below, below
        opened = host.machine.ssh(f"printf %s '{KEY}' | cryptsetup open --test-passphrase "
                                  f"--key-file - {device} && echo opens || echo no")
        assert opened.strip() == "opens", "the recovery key does not open the volume"
        # Nobody typed it at the boot.
        header = json.loads(host.machine.ssh(f"cryptsetup luksDump --dump-json-metadata {device}"))
        kinds = [token["type"] for token in header["tokens"].values()]
        assert kinds == ["systemd-tpm2"], header["tokens"]
    assert KEY not in host.machine.ssh("cat /etc/crypttab; journalctl -b -o cat")


def check_raid(host, content: dict) -> None:
    for array in content["storage"]["raid"]["software"]:
        said = host.machine.ssh(f"mdadm --detail --export /dev/md/{array['name']}")
        found = dict(line.split("=", 1) for line in said.splitlines())
        assert found["MD_LEVEL"] == array["level"], found
        assert found["MD_METADATA"] == array["metadataVersion"], found
        assert found["MD_NAME"].split(":")[-1] == array["name"], found
        members = {value for name, value in found.items()
                   if name.startswith("MD_DEVICE_") and name.endswith("_DEV")}
        assert members == {real_path(host, f"/dev/disk/by-partlabel/{member}")
                           for member in array["devices"]}, found
        state = host.client.host_status()["storage"]["raidArrays"][array["id"]]["status"]
        assert state == "ready", state


def check_mount_points(host, content: dict) -> None:
    lines = [line.split() for line in host.machine.ssh("cat /etc/fstab").splitlines()
             if line.strip() and not line.startswith("#")]
    listed = {line[1]: (line[2], line[3].split(",")) for line in lines}
    swaps = [line.split()[0] for line in
             host.machine.ssh("cat /proc/swaps").splitlines()[1:]]
    for mount in content["storage"]["mountPoints"]:
        options = mount["options"] or ["defaults"]
        assert listed[mount["path"]] == (mount["filesystem"], options), f"{mount}: {listed}"
        device = device_of(host, content, mount["targetId"])
        if mount["filesystem"] == "swap":
            assert [real_path(host, swap) for swap in swaps] == [device], swaps
            continue
        source, kind, now = host.machine.ssh(
            f"findmnt -rno SOURCE,FSTYPE,OPTIONS --mountpoint {mount['path']}").split()
        assert (real_path(host, source), kind) == (device, mount["filesystem"]), mount
        for option in set(options) - {"defaults", "nofail", "umask=0077"}:
            assert option in now.split(","), f"{mount}: {now}"
        if "umask=0077" in options:
            assert "fmask=0077" in now and "dmask=0077" in now, now
    assert len(lines) == len(content["storage"]["mountPoints"]), lines


def check_ab_update(host, content: dict) -> None:
    [pair] = content["storage"]["abUpdate"]["volumePairs"]
    status = host.client.host_status()["storage"]["abUpdate"]
    assert status["activeVolume"] == "volume-a", status
    assert status["volumePairs"] == {pair["id"]: {
        "volumeAId": pair["volumeAId"], "volumeBId": pair["volumeBId"]}}, status
    root = host.machine.ssh("findmnt -no SOURCE /").strip()
    assert real_path(host, root) == real_path(host, f"/dev/disk/by-partlabel/{pair['volumeAId']}")
    # The other one waits for an update.
    assert host.machine.ssh(f"blkid -p -o export /dev/disk/by-partlabel/{pair['volumeBId']} "
                            "| grep ^TYPE= || echo nothing").strip() == "nothing"
    assert "trident-a" in host.machine.ssh("efibootmgr")


def check_images(host, content: dict, images) -> None:
    by_target = {image["targetId"]: image for image in content["storage"]["images"]}
    esp = host.folder / "esp.raw"
    run(["zstd", "-q", "-d", images.esp.file, "-o", esp])
    run(["mcopy", "-i", esp, "::EFI/BOOT/BOOTX64.EFI", host.folder / "loader.efi"])
    loader = hashlib.sha256((host.folder / "loader.efi").read_bytes()).hexdigest()
    found = host.machine.ssh("find /boot/efi/EFI/trident-a -iname '*.efi' -exec sha256sum {} + "
                             "| cut -d' ' -f1").split()
    assert loader in found, "the ESP does not have the boot loader of file:///images/esp.raw.zst"

    assert host.machine.ssh("cat /etc/image-version").strip() == "1"
    partitions = host.client.host_status()["storage"]["disks"]["sysdisk"]["partitions"]
    [root] = [item["contents"] for item in partitions if item["id"] == "rootA"]
    assert root["sha256"] == by_target["root"]["sha256"] == images.root.sha256
    assert root["url"] == by_target["root"]["url"]
    assert root["length"] == images.root.raw_size
    # It was fetched once, and was given the room of its volume.
    assert host.server.sent(images.root.file) >= images.root.size
    size = int(host.machine.ssh("findmnt -bnro SIZE /"))
    assert size > 0.9 * 768 * MIB, f"the root file system has only {size} bytes"


def check_network(host, content: dict) -> None:
    mode, _, text = host.machine.ssh(f"stat -c %a {NETPLAN}; cat {NETPLAN}").partition("\n")
    assert mode == "600"
    assert yaml.safe_load(text) == {"network": content["network"]}
    made = host.machine.ssh("cat /run/systemd/network/*netplan-uplink.network")
    assert "Name=eth*" in made and "DHCP=ipv4\n" in made, made
    addresses = host.machine.ssh("ip -o -4 address show dev eth0")
    assert "10.0.2.15/24" in addresses and "dynamic" in addresses, addresses


def check_scripts(host) -> None:
    ssh = host.machine.ssh
    stamped = int(ssh("date -d \"$(cat /etc/stamp)\" +%s"))
    assert 0 < int(ssh("date +%s")) - stamped < 3600, "/etc/stamp is not from the installation"
    assert ssh("cat /var/log/stamp.log") == "stamped /etc/stamp\n"
    assert ssh("cat /etc/site-setup") == "bash 5 in / for clean-install\n"


def check_users(host, content: dict) -> None:
    ssh = host.machine.ssh
    operator, root = content["osconfig"]["users"]
    assert ssh("id -un", user="operator").strip() == "operator"
    assert set(operator["groups"]) <= set(ssh("id -Gn operator").split())
    assert ssh("cat /home/operator/.ssh/authorized_keys").splitlines() == operator["sshKeys"]
    effective = ssh("sshd -T -C user=operator,host=x,addr=127.0.0.1")
    assert "passwordauthentication no" in effective, effective
    assert "allowusers operator" in effective and "allowusers root" in effective, effective
    assert ssh("grep ^root: /etc/shadow | cut -d: -f2").strip() == "*"
    assert set(root["sshKeys"]) <= set(ssh("cat /root/.ssh/authorized_keys").splitlines())


@pytest.mark.landing
def test_every_line_of_the_sample_is_seen_on_the_host_that_it_installs(
        bare_host_with, reports, tmp_path):
    host = bare_host_with(2, tpm=True, base="netplan", start=False)
    before = make_old_logs(host.machine.disks[1], tmp_path)
    images = variants.images(VARIANT)
    document = host_configuration.sample(host.server, images, reports.url("/phonehome"),
                                         base_tree.public_key())
    content = yaml.safe_load(document)

    host.start_ramdisk(site_files(tmp_path, document, images, reports))
    check_provisioning(host, content, reports)
    boot = host.machine.wait_boot(2)
    assert boot.version == "1", boot
    job = host.client.wait_end(host.client.jobs()[0].id)
    assert state_name(job) == "SUCCEEDED", job.reason
    assert (job.servicing_kind, job.target_volume) == ("clean-install", "volume-a")

    check_reports(reports, job)
    check_console(host)
    check_management(host, content)
    check_disks(host, content)
    check_adopted(host, content, before)
    check_encryption(host, content)
    check_raid(host, content)
    check_mount_points(host, content)
    check_ab_update(host, content)
    check_images(host, content, images)
    check_network(host, content)
    check_scripts(host)
    check_users(host, content)
