"""systemd-sysupdate of a Debian 13 writes the images, from a web server and from files."""

import pathlib
import subprocess

import yaml

from images import variants
from lib.grpc_client import state_name
from lib.process import run


def labels(host) -> dict[str, str]:
    """Mount point -> label of its partition, and the labels of all partitions under ""."""
    lines = host.machine.ssh(
        "for m in / /boot/efi; do echo $m $(lsblk -no PARTLABEL $(findmnt -no SOURCE $m)); done; "
        "echo all $(lsblk -rno PARTLABEL /dev/vda)").splitlines()
    return dict(line.split(" ", 1) for line in lines)


def test_sysupdate_installs_and_updates_from_a_web_server_and_from_files(bare_host_with, tmp_path):
    host = bare_host_with(1, base="trixie")

    def bring(document: str, version: str, volume: str):
        done = host.bring_to(document)
        assert state_name(done.job) == "SUCCEEDED", done.job.reason
        assert (done.boot.version, done.job.target_volume) == (version, volume)
        written = [message.log.message for message in done.messages
                   if "systemd-sysupdate writes" in message.log.message]
        assert len(written) == 2, written

    def served(variant: str) -> str:
        made = variants.images(variant)
        content = yaml.safe_load(host.example("sysupdate", variant))
        for image in content["storage"]["images"]:
            image["sha256"] = "manifest"
        host.server.add(hash_list(tmp_path / "SHA256SUMS", made.esp.file, made.root.file))
        return yaml.safe_dump(content, sort_keys=False)

    bring(served("trixie-v1"), "1", "volume-a")
    found = labels(host)
    assert found["/"] == "root-trixie-v1.raw.xz", found
    assert found["/boot/efi"] == "esp-trixie-v1.raw.xz", found
    assert found["all"].split().count("_empty") == 2, found

    bring(served("trixie-v2"), "2", "volume-b")
    found = labels(host)
    assert found["/"] == "root-trixie-v2.raw.xz", found
    assert "root-trixie-v1.raw.xz" in found["all"], found

    # The hash of a file of the host is that of the file.
    made = variants.images("trixie-v3")
    host.machine.ssh("mkdir -p /root/images")
    for image in (made.esp, made.root):
        with image.file.open("rb") as content:
            subprocess.run([*host.machine.ssh_command(), f"cat >/root/images/{image.file.name}"],
                           stdin=content, timeout=300, check=True)
    content = yaml.safe_load(host.example("sysupdate", "trixie-v3"))
    for image in content["storage"]["images"]:
        image["url"] = "file:///root/images/" + image["url"].rsplit("/", 1)[1]
    bring(yaml.safe_dump(content, sort_keys=False), "3", "volume-a")
    contents = host.client.host_status()["storage"]["disks"]["disk0"]["partitions"]
    root = next(partition for partition in contents if partition["id"] == "root-a")
    assert made.root.sha256 in str(root["contents"]), root


def hash_list(place: pathlib.Path, *files: pathlib.Path) -> pathlib.Path:
    place.write_text("".join(run(["sha256sum", file.name], cwd=file.parent) for file in files))
    return place
