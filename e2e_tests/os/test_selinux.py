"""SELinux: the mode that the document asks for, and files that have their labels."""

import grpc
import pytest
import yaml

from lib.grpc_client import error_detail, state_name

SITE_FILE = "/etc/site/site.conf"
MODE = "getenforce; grep ^SELINUX= /etc/selinux/config"


def with_mode(document: str, mode: str) -> str:
    content = yaml.safe_load(document)
    content["osconfig"] = {
        "selinux": {"mode": mode},
        "additionalFiles": [{"destination": SITE_FILE, "content": "a: b\n"}]}
    return yaml.safe_dump(content, sort_keys=False)


def check_labels(host) -> None:
    """Of files of the image, and of ones that the agent wrote: what the policy wants them to be."""
    paths = f"/etc/passwd /etc/fstab /etc/selinux/config {SITE_FILE} /usr/bin/tridentd"
    for path in paths.split():
        wanted = host.machine.ssh(f"matchpathcon -n {path}").strip()
        assert host.machine.ssh(f"stat -c %C {path}").strip() == wanted, path
        assert wanted.count(":") == 3, wanted
    assert host.machine.ssh(f"matchpathcon -V {paths} | grep -v verified || true") == ""


def test_selinux_has_the_mode_of_the_document_and_the_files_their_labels(bare_host):
    host = bare_host
    done = host.bring_to(with_mode(host.document("selinux-v1"), "permissive"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert host.machine.ssh(MODE).split() == ["Permissive", "SELINUX=permissive"]
    check_labels(host)

    # The other image brings no labels of its own either.
    done = host.bring_to(with_mode(host.document("selinux-v2"), "permissive"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert done.boot.version == "2", done.boot
    assert host.machine.ssh(MODE).split() == ["Permissive", "SELINUX=permissive"]
    check_labels(host)

    # Another mode counts from the next boot on.
    plan = host.client.plan(with_mode(host.document("selinux-v2"), "disabled"))
    assert plan.servicing_kind == "update-and-reboot" and plan.reboots
    done = host.bring_to(with_mode(host.document("selinux-v2"), "disabled"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert done.boot.version == "2", done.boot
    assert host.machine.ssh(MODE).split() == ["Disabled", "SELINUX=disabled"]


def test_a_mode_of_selinux_is_refused_where_the_system_has_none(installed_host):
    host = installed_host
    watched = "cat /proc/sys/kernel/random/boot_id; ls -R /etc; cat /etc/trident/config.yaml"
    before = host.machine.ssh(watched)
    with pytest.raises(grpc.RpcError) as failed:
        list(host.client.update(with_mode(host.document("grub-v1"), "enforcing")))
    assert error_detail(failed.value).subkind == "no-selinux", failed.value.details()
    assert "the system has no SELinux" in failed.value.details()
    assert state_name(host.client.jobs()[0]) == "ROLLED_BACK"
    assert host.machine.ssh(watched) == before
