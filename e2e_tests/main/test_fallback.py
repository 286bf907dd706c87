"""A version that does not work: the machine is back on the old one, and says so."""

from lib import host_configuration
from lib.grpc_client import UPDATE_SECONDS, state_name


def rolled_back(known: int):
    """The newest job, once it is one more than `known` and was rolled back."""
    def ready(jobs):
        if len(jobs) > known and state_name(jobs[0]) == "ROLLED_BACK":
            return jobs[0]
        return None
    return ready


def unit_ended(host) -> str:
    """Waits until the unit of `trident run` has come to its end and returns its exit status."""
    return host.machine.ssh(
        "systemctl is-system-running --wait >/dev/null; "
        "while [ $(systemctl show -P ActiveState trident.service) = active ] || "
        "[ $(systemctl show -P ActiveState trident.service) = activating ]; do sleep 0.5; done; "
        "systemctl show -P ExecMainStatus trident.service", timeout=180).strip()


def test_a_version_that_panics_is_rolled_back_and_not_tried_again(installed_host):
    host = installed_host
    host.machine.panic_expected = True
    # The unit is what could try again by itself, so the unit is what starts it.
    known = len(host.client.jobs())
    elsewhere = "/var/lib/trident/elsewhere/agent.sqlite"
    host.write_file("/etc/trident/hc.yaml",
                    host_configuration.with_store(host.document("grub-v2-panic"), elsewhere))
    host.write_file("/etc/trident/config.yaml",
                    "datastore: /var/lib/trident/datastore.sqlite\n"
                    "hostConfigurationFile: /etc/trident/hc.yaml\n")
    host.machine.ssh("systemctl restart trident.service")

    host.machine.wait_serial("Kernel panic - not syncing", timeout=UPDATE_SECONDS)
    boot = host.machine.wait_boot(2)
    assert boot.version == "1", boot
    job = host.client.wait_job(rolled_back(known), 120, "a job that was rolled back")
    assert "volume-a" in job.reason, job.reason
    assert job.target_volume == "volume-b"

    # Once by the unit at this boot, once by hand.
    assert unit_ended(host) == "2"
    host.machine.ssh("systemctl reset-failed trident.service; systemctl start trident.service")
    assert unit_ended(host) == "2"
    assert len(host.client.jobs()) == known + 1, "the configuration was tried again"
    assert len(host.machine.boots()) == 2
    assert "activeVolume: volume-a" in host.client.status().status
    # The store was to move with the update, and has not.
    assert host.kind_of_file("/var/lib/trident/datastore.sqlite") == "regular file"
    assert host.kind_of_file(elsewhere) == "symbolic link"


def test_an_old_agent_reports_the_fall_back_of_a_newer_one(installed_host):
    host = installed_host
    old = host.client.version()
    last = list(host.client.update(host.document("grub-v2-next-agent")))[-1]
    assert state_name(last.job) == "REBOOTING", last.job.reason

    # Said by version 2 after its agent has opened, and so migrated, the store.
    host.machine.wait_serial("E2E-LEAVING")
    boot = host.machine.wait_boot(2)
    assert boot.version == "1", boot
    job = host.client.wait_end(last.job.id)
    assert state_name(job) == "ROLLED_BACK", job.reason
    assert "volume-a" in job.reason, job.reason
    assert host.client.version() == old
    assert host.store_version() == old.store_schema_newest + 1, "the store was not migrated"

    # The store still works for it.
    done = host.bring_to(host.document("grub-v3"))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert done.boot.version == "3"
