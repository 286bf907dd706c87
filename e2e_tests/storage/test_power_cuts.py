"""The power goes in the middle of steps, on a host with a mirrored root and encrypted data.

The machine's disks keep what its operating system had flushed, or written back by itself; what was
in the operating system's memory only is lost.
"""

import pytest
import yaml

from images import variants
from lib.grpc_client import BOTH, Follower, state_name

KEY = "correct horse battery staple"
PUT_KEY = f"umask 077; printf %s '{KEY}' >/etc/recovery.key"
MIB = 1 << 20
# The new system stays as it is, booted and not accepted, until the power goes.
HELD_UNIT = """[Unit]
Description=Keep this system from being accepted
Before=multi-user.target

[Service]
Type=oneshot
ExecStart=/bin/sleep infinity

[Install]
WantedBy=multi-user.target
"""


def document(host, variant: str, held: bool = False) -> str:
    """docs/examples/storage/encrypted.yaml on a mirrored root, with its encrypted mirror."""
    content = yaml.safe_load(host.example("encrypted", variant))
    storage = content["storage"]
    for index, disk in enumerate(storage["disks"]):
        disk["partitions"] = [
            part for part in disk["partitions"] if part["id"] not in ("root-a", "root-b", "vault")]
        disk["partitions"] += [
            {"id": f"root-{half}{index}", "type": "root", "size": "576M"} for half in "ab"]
    storage["raid"]["software"] += [
        {"id": f"root-{half}", "name": f"root-{half}", "level": "raid1", "metadataVersion": "1.0",
         "devices": [f"root-{half}0", f"root-{half}1"]} for half in "ab"]
    volumes = storage["encryption"]["volumes"]
    storage["encryption"]["volumes"] = [one for one in volumes if one["id"] != "vault-open"]
    mounts = storage["mountPoints"]
    storage["mountPoints"] = [one for one in mounts if one["targetId"] != "vault-open"]
    if held:
        content["osconfig"] = {
            "additionalFiles": [{"destination": "/etc/systemd/system/e2e-held.service",
                                 "content": HELD_UNIT}],
            "services": {"enable": ["e2e-held.service"]}}
    return yaml.safe_dump(content, sort_keys=False)


def started(host, step: str):
    state = host.client.messages.StepState.STATE_STARTED
    return lambda message: message.step.id == step and message.step.state == state


def cut(host, stream, ready, where: str):
    """Takes the power away at the first message that `ready` is true of, and returns it."""
    for message in stream:
        if ready(message):
            host.machine.power_cut()
            stream.cancel()
            return message
    pytest.fail(f"the stream of the job ended before {where}")


def last_step_before(host, boot):
    """The last step that the store knows to have begun before this boot."""
    with Follower(host.client) as follower:
        events = follower.wait(
            lambda seen: seen if seen and seen[-1].boot_id == boot.boot_id else None, 120,
            "an event of the boot after the power cut")
        return [event.step for event in events
                if event.boot_id != boot.boot_id and event.step.id][-1]


def check_host(host) -> None:
    """The encrypted mirror has been opened and holds what it held; no array has lost a member."""
    # It need not be there for the boot to go on.
    source = host.machine.ssh(
        "for i in $(seq 100); do findmnt -no SOURCE /srv/mirror && exit; sleep .3; done; "
        "journalctl -b --no-pager -o cat -u 'systemd-cryptsetup@*'")
    assert source.strip() == "/dev/mapper/mirror", source
    assert host.machine.ssh("cat /srv/mirror/file").strip() == "secret"
    arrays = host.client.host_status()["storage"]["raidArrays"]
    assert {array["status"] for array in arrays.values()} <= {"created", "ready"}, arrays


def install(host) -> None:
    """Installs version 1, at the second attempt: the first one ends with the power."""
    host.machine.ssh(PUT_KEY)
    cut(host, host.client.update(document(host, "grub-v1"), BOTH),
        started(host, "make-filesystem/mirror-open"), "the encrypted volume was there")
    host.start_ramdisk()
    # What the first attempt has left: arrays that were not in step yet, and LUKS on one of them.
    assert host.machine.ssh("mdadm --examine --scan").count("ARRAY ") == 3
    assert "crypto_LUKS" in host.machine.ssh("for d in /dev/md[0-9]*; do blkid -p $d; done; true")
    host.machine.ssh(PUT_KEY)
    done = host.bring_to(document(host, "grub-v1"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert done.boot.version == "1"
    assert done.boot.root.startswith("/dev/md"), done.boot
    host.machine.ssh("echo secret >/srv/mirror/file; sync")


def test_power_cuts_never_leave_the_host_without_a_system_and_jobs_go_on(bare_host_with):
    host = bare_host_with(2, tpm=True)
    install(host)

    # While the target is written, and while its file system is made to fit.
    held = document(host, "grub-v2", held=True)
    root = variants.images("grub-v2").root.file
    host.server.throttle(root, 8 * MIB)
    first = cut(host, host.client.update(held, BOTH),
                lambda message: message.step.id == "write-image/root-b"
                and message.progress.bytes_done > 64 * MIB, "the root was written")
    boot = host.start()
    assert boot.version == "1", boot
    assert last_step_before(host, boot).id == "write-image/root-b"
    second = cut(host, host.client.update(held, BOTH), started(host, "grow-filesystem/root-b"),
                 "the file system of the root grew")
    assert second.job.id == first.job.id
    host.server.throttle(root, 0)
    boot = host.start()
    assert boot.version == "1", boot
    assert last_step_before(host, boot).id == "grow-filesystem/root-b"
    check_host(host)

    # The job has gone on. Its system comes up on trial, and the power goes before it is accepted.
    boots = len(host.machine.boots())
    assert [state_name(message.job) for message in host.client.update(held, BOTH)][-1] == \
        "REBOOTING"
    boot = host.machine.wait_boot(boots + 1)
    assert boot.version == "2", boot
    host.client.wait_job(
        lambda jobs: True if jobs and state_name(jobs[0]) == "VERIFYING" else None, 120,
        "the job verifies the new system")
    host.machine.power_cut()
    boot = host.start()
    assert boot.version == "1", boot
    job = host.client.wait_end(first.job.id)
    assert state_name(job) == "ROLLED_BACK", (state_name(job), job.reason)
    check_host(host)

    # While the firmware is pointed at the target: whichever volume that lets come up, the job
    # brings the host to the new one.
    update = document(host, "grub-v2")
    last = cut(host, host.client.update(update, BOTH), started(host, "point-firmware"),
               "the firmware was pointed at the target")
    boot = host.start()
    assert last_step_before(host, boot).id == "point-firmware"
    job = host.client.wait_end(last.job.id)
    assert state_name(job) == "SUCCEEDED", (state_name(job), job.reason)
    assert host.machine.boots()[-1].version == "2"
    check_host(host)
    # What was accepted stays.
    assert host.reboot().version == "2"
