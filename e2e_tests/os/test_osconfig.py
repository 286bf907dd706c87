"""The operating system of a real host: users, services, files and scripts, what updates carry over, live
changes and their undoing."""

import grpc
import pytest
import yaml

from images import base_tree
from lib.grpc_client import BOTH, state_name
from lib.host_configuration import with_store

STORE = "/var/lib/trident/datastore.sqlite"
OTHER_STORE = "/var/lib/trident/moved/agent.sqlite"

UNIT = """[Unit]
Description=Something of the site's own

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/touch /run/{name}-started
ExecStop=/bin/rm -f /run/{name}-started

[Install]
WantedBy=multi-user.target
"""


def unit(name: str) -> dict:
    return {"destination": f"/etc/systemd/system/{name}.service",
            "content": UNIT.format(name=name)}


def users() -> list[dict]:
    """Root, whom the tests come as, and an operator with the same key."""
    key = base_tree.public_key()
    return [{"name": "root", "sshMode": "key-only", "sshKeys": [key]},
            {"name": "operator", "groups": ["sudo", "site"], "sshMode": "key-only",
             "sshKeys": [key]},
            {"name": "nologin", "sshMode": "block", "sshKeys": [key]}]


def osconfig() -> dict:
    return {
        "users": users(),
        "hostname": "node-1",
        "services": {"enable": ["site-a"], "disable": ["ssh.socket"]},
        "modules": ["dummy"],
        "kernelCommandLine": {"extraCommandLine": ["trident_test=1"]},
        "additionalFiles": [
            {"destination": "/etc/site/site.conf", "content": "a: b\n", "permissions": "0640"},
            unit("site-a"), unit("site-b")],
        "preserve": ["/etc/site.key"],
    }


def scripts() -> dict:
    return {
        "preServicing": [
            {"name": "before", "servicingType": ["clean-install"],
             "content": "test -b /dev/vda && echo there is a disk"}],
        "postProvision": [
            {"name": "provision", "servicingType": ["all"],
             "content": 'echo "$SERVICING_TYPE $WHERE" >"$TARGET_ROOT/etc/provisioned"',
             "environmentVariables": {"WHERE": "here"}}],
        "postConfigure": [
            {"name": "configure", "servicingType": ["clean-install", "ab-update"],
             "logFilePath": "/var/log/site/configure.log",
             "content": "id operator; echo target $TARGET_ROOT; cat /etc/hostname"}],
    }


def with_os(document: str, os: dict, **more) -> str:
    content = yaml.safe_load(document)
    content["osconfig"] = os
    content.update(more)
    return yaml.safe_dump(content, sort_keys=False)


def as_user(host, user: str, command: str) -> str:
    return host.machine.ssh(command, user=user)


def spoken(messages) -> str:
    return "\n".join(str(message) for message in messages)


def boot_id(host) -> str:
    return host.machine.ssh("cat /proc/sys/kernel/random/boot_id").strip()


def apply_live(host, document: str):
    """UpdateHost of a change that needs no reboot; gives the messages."""
    before = boot_id(host)
    messages = list(host.client.update(document, BOTH))
    assert state_name(messages[-1].job) == "SUCCEEDED", messages[-1].outcome
    assert boot_id(host) == before
    return messages


def check_store(host, path: str, former: str, jobs: int) -> None:
    """The store lies at `path`, with all its jobs, and where it was a link leads to it."""
    assert host.kind_of_file(path) == "regular file"
    assert host.machine.ssh(f"readlink {former}").strip() == path
    assert len(host.client.jobs()) == jobs
    assert f"datastore: {path}\n" in host.machine.ssh("cat /etc/trident/config.yaml")
    assert host.client.host_status()["management"]["datastorePath"] == path


def check_installed(host) -> None:
    ssh = host.machine.ssh
    assert ssh("hostname").strip() == "node-1"
    assert as_user(host, "operator", "id -un; id -Gn").split()[0] == "operator"
    groups = ssh("id -Gn operator").split()
    assert {"sudo", "site"} <= set(groups), groups
    assert ssh("stat -c '%a %U' /home/operator/.ssh/authorized_keys").split() == ["600", "operator"]
    with pytest.raises(Exception):
        as_user(host, "nologin", "true")
    assert ssh("grep ^nologin: /etc/shadow | cut -d: -f2").strip() == "*"
    effective = ssh("sshd -T -C user=operator,host=x,addr=127.0.0.1")
    assert "passwordauthentication no" in effective
    assert "allowusers operator" in effective and "allowusers nologin" not in effective
    assert ssh("cat /etc/site/site.conf; stat -c %a /etc/site/site.conf").split() == \
        ["a:", "b", "640"]
    assert ssh("systemctl is-enabled site-a; test -e /run/site-a-started && echo runs").split() == \
        ["enabled", "runs"]
    assert "dummy" in ssh("cat /etc/modules-load.d/trident.conf")
    assert " trident_test=1" in ssh("cat /proc/cmdline")
    # The document has passwords and keys in it, if any: not for everybody.
    assert ssh("stat -c %a /etc/trident/config.yaml").strip() == "600"


@pytest.mark.landing
def test_an_install_configures_the_host_and_an_update_keeps_its_identity(bare_host):
    host = bare_host
    ssh = host.machine.ssh
    done = host.bring_to(with_os(host.document("grub-v1"), osconfig(), scripts=scripts()))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    check_installed(host)
    assert "before: there is a disk" in spoken(done.messages)
    assert "configure: target /" in spoken(done.messages)
    assert ssh("cat /etc/provisioned").strip() == "clean-install here"
    log = ssh("cat /var/log/site/configure.log")
    assert "(operator)" in log and "target /\nnode-1" in log, log

    # What only this host has.
    ssh("systemd-id128 new >/etc/machine-id; rm /etc/ssh/ssh_host_ed25519_key*; "
        "ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key; "
        "umask 077; echo ours >/etc/site.key; sync")
    kept = "cat /etc/machine-id /etc/ssh/ssh_host_ed25519_key.pub /etc/site.key; " \
           "stat -c '%a %U' /etc/ssh/ssh_host_ed25519_key /etc/site.key; id -u operator; " \
           "id -g operator; getent group site"
    before = ssh(kept)

    jobs = len(host.client.jobs())
    done = host.bring_to(with_os(with_store(host.document("grub-v2"), OTHER_STORE), osconfig(),
                                 scripts=scripts()))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert done.boot.version == "2"
    check_installed(host)
    check_store(host, OTHER_STORE, STORE, jobs + 1)
    assert ssh(kept) == before
    assert ssh("cat /etc/provisioned").strip() == "ab-update here"
    # The image has an id and a key of its own, and the status says that they were not taken.
    conflicts = host.client.host_status()["osconfig"]["preserveConflicts"]
    assert "/etc/machine-id" in conflicts
    assert "/etc/ssh/ssh_host_ed25519_key" in conflicts
    assert "/etc/site.key" not in conflicts


def test_changes_of_the_running_host_need_no_reboot_and_are_undone_when_they_fail(installed_host):
    host = installed_host
    ssh = host.machine.ssh
    original = host.document("grub-v1")
    config = {"users": users(), "hostname": "live-1",
              "services": {"enable": ["site-a"]},
              "additionalFiles": [unit("site-a"), unit("site-b")]}
    apply_live(host, with_os(original, config))
    assert ssh("hostname; cat /etc/hostname").split() == ["live-1", "live-1"]
    assert as_user(host, "operator", "id -un").strip() == "operator"
    assert ssh("ls /run/site-a-started").strip()

    # Another name, another service, no second user, no key for the first.
    config["hostname"] = "live-2"
    config["services"] = {"enable": ["site-b"], "disable": ["site-a"]}
    config["users"] = [config["users"][0], {"name": "operator", "sshMode": "key-only"}]
    apply_live(host, with_os(original, config))
    assert ssh("hostname").strip() == "live-2"
    assert ssh("ls /run/ | grep started").split() == ["site-b-started"]
    with pytest.raises(Exception):
        as_user(host, "operator", "true")
    assert host.client.host_status()["osconfig"]["unlistedUsers"] == ["nologin"]
    assert ssh("id -un nologin").strip() == "nologin"

    # The agent that is running moves its store, and one that is started anew finds it.
    jobs = len(host.client.jobs())
    original = with_store(original, OTHER_STORE)
    apply_live(host, with_os(original, config))
    check_store(host, OTHER_STORE, STORE, jobs + 1)
    ssh("systemctl restart tridentd.service")
    check_store(host, OTHER_STORE, STORE, jobs + 1)

    # A script at the end says no: everything is as before.
    watched = "hostname; cat /etc/hostname; systemctl is-enabled site-a site-b; " \
              "ls /run | grep started; cat /etc/passwd /etc/shadow /etc/ssh/sshd_config.d/*; " \
              "ls /home /etc/systemd/system; cat /etc/trident/config.yaml; true"
    before = ssh(watched)
    job = len(host.client.jobs())
    failing = dict(config, hostname="live-3", services={"enable": ["site-a"], "disable": ["site-b"]},
                   users=[config["users"][0], {"name": "newcomer", "sshMode": "key-only"}])
    failing["additionalFiles"] = [*config["additionalFiles"], unit("site-c")]
    refusal = {"postConfigure": [{"name": "check", "servicingType": ["all"],
                                  "content": "hostname; echo not today; exit 3"}]}
    with pytest.raises(grpc.RpcError) as failed:
        list(host.client.update(with_os(original, failing, scripts=refusal), BOTH))
    assert "'check'" in failed.value.details() and "exit status 3" in failed.value.details()
    assert "live-3 | not today" in failed.value.details()
    assert len(host.client.jobs()) == job + 1
    assert state_name(host.client.jobs()[0]) == "ROLLED_BACK"
    assert ssh(watched) == before
    assert not ssh("find /var/lib/trident -name undo").strip()


def boot_configuration(host) -> str:
    """Names and contents of what the boot loader reads, programs and kernels left out."""
    return host.machine.ssh("cd /boot; find . -type f -size -64k -exec sha256sum {} + | sort -k 2; "
                            "efibootmgr | grep -v ^BootCurrent; "
                            "ls /sys/firmware/efi/efivars | grep LoaderEntryOneShot || true")


@pytest.mark.parametrize("loader", ["grub", "systemd-boot"])
def test_new_kernel_options_are_tried_by_one_start_of_the_same_volume(loader, installed_host_with):
    host = installed_host_with(loader)
    ssh = host.machine.ssh
    before = boot_configuration(host)
    volume = ssh("findmnt -n -o SOURCE /")
    original = host.document(f"{loader}-v1")

    def with_option(option: str) -> str:
        return with_os(original, {"kernelCommandLine": {"extraCommandLine": [option]}})

    # The first process ends at once, which Linux answers with a panic: the next start has the old
    # options, and one start is all that it costs.
    host.machine.panic_expected = True
    boots = len(host.machine.boots())
    done = host.bring_to(with_option("init=/bin/false"))
    assert state_name(done.job) == "ROLLED_BACK", done.job.reason
    assert "without the new options of the kernel" in done.job.reason
    assert host.machine.serial.text().count("Kernel panic - not syncing") == 1
    assert len(host.machine.boots()) == boots + 1
    assert ssh("findmnt -n -o SOURCE /") == volume
    assert "trident.extra" not in ssh("cat /proc/cmdline")
    assert boot_configuration(host) == before

    # It is known to be bad; another one is welcome.
    plan = host.client.plan(with_option("trident_test=2"))
    assert plan.servicing_kind == "update-and-reboot" and plan.reboots
    done = host.bring_to(with_option("trident_test=2"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert done.boot.version == "1"
    assert done.job.target_volume == "volume-a"
    assert ssh("findmnt -n -o SOURCE /") == volume
    assert " trident_test=2 panic=10" in ssh("cat /proc/cmdline")
    kept = ssh("cd /boot; cat grub/grub.cfg efi/loader/entries/* 2>/dev/null; find . -name '*trial*'")
    assert " trident.extra=1 trident_test=2\n" in kept and "trial" not in kept, kept

    done = host.bring_to(with_os(original, {}))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert "trident_test" not in ssh("cat /proc/cmdline")
    assert boot_configuration(host) == before
