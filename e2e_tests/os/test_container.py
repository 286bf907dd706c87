"""The agent in a container, on a host that has none of its own."""

import re
import subprocess

import pytest
import yaml

from lib import paths
from lib.grpc_client import parse_status, state_name
from lib.process import run

# The specification's command line.
RUN = ("podman run --rm --network none --privileged --pid host -v /:/host "
       "-v /etc/trident:/etc/trident -v /var/lib/trident:/var/lib/trident trident/trident")
UNITS = "tridentd.socket tridentd.service trident.service"


@pytest.fixture(scope="module")
def container_image(tmp_path_factory):
    """The image as a tar file, and podman's options for what the Dockerfile says of it."""
    folder = tmp_path_factory.mktemp("container")
    run([paths.REPOSITORY / "container/make_root.sh", paths.STAGE, folder / "root"])
    run(["tar", "-C", folder / "root", "-cf", folder / "image.tar", "."])
    dockerfile = (paths.REPOSITORY / "container/Dockerfile").read_text()
    last_stage = dockerfile.rsplit("\nFROM ", 1)[1]
    says = re.findall(r"^(?:ENV|ENTRYPOINT) .*$", last_stage, re.MULTILINE)
    assert len(says) == 2, last_stage
    return folder / "image.tar", [f"--change='{line}'" for line in says]


def refused(host, command: str) -> str:
    return host.machine.ssh(f"{command} 2>&1; echo exit status $?", timeout=120).strip()


def test_a_container_updates_its_host(bare_host, container_image):
    host = bare_host
    ssh = host.machine.ssh
    done = host.bring_to(host.document("podman-v1"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    # From here on the host has no agent: what happens is the container's doing.
    ssh(f"systemctl mask -q --now {UNITS}; rm /usr/bin/trident*; ! command -v tridentd")
    tar, options = container_image
    with tar.open("rb") as content:
        subprocess.run([*host.machine.ssh_command(), f"podman import {' '.join(options)} - "
                        "trident/trident"], stdin=content, timeout=300, check=True)

    status = parse_status(ssh(f"{RUN} get", timeout=120))
    assert status["storage"]["abUpdate"]["activeVolume"] == "volume-a", status
    # Where it cannot work it says how it has to be started.
    for missing, says in (("--pid host", "processes of its own"),
                          ("-v /:/host", "is not mounted at /host")):
        said = refused(host, f"{RUN.replace(missing, '')} get")
        assert says in said and "--privileged --pid host" in said, said
        assert said.endswith("exit status 2"), said
    said = refused(host, f"{RUN.replace('/etc/trident:', '/etc/ssh:')} get")
    assert "/etc/trident of the container is not /etc/trident of the host" in said, said

    config = yaml.safe_load(ssh("cat /etc/trident/config.yaml"))
    config["hostConfiguration"] = yaml.safe_load(host.document("grub-v2"))
    host.write_file("/etc/trident/config.yaml", yaml.safe_dump(config))
    boots = len(host.machine.boots())
    # In a session of its own: this one ends before it does. Its output goes away with the machine.
    ssh(f"setsid {RUN} -v INFO run </dev/null >/dev/console 2>&1 &")
    boot = host.machine.wait_boot(boots + 1)
    assert boot.version == "2", boot
    [job] = [job for job in host.client.jobs() if job.servicing_kind == "ab-update"]
    job = host.client.wait_end(job.id)
    assert state_name(job) == "SUCCEEDED", job.reason
    assert job.target_volume == "volume-b"
