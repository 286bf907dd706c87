"""The network on a real machine: installed, changed live and kept, cut and taken back; and reports."""

import pathlib
import shutil
import tempfile

import grpc
import pytest
import yaml

from lib import paths
from lib.grpc_client import BOTH, GONE, state_name
from lib.host import Host
from lib.process import run
from lib.report_server import ReportServer

# One after the other: they share their machines.
pytestmark = pytest.mark.xdist_group("network")

# Longer than ssh takes to notice that its peer is away.
CONFIRM_SECONDS = 75
METRICS_PORT = 9559
NETPLAN = "/etc/netplan/99-trident.yaml"
DHCP = {"version": 2, "ethernets": {"eth0": {
    "dhcp4": True, "accept-ra": False, "link-local": []}}}
# What DHCP gives the only guest of QEMU's user network.
STATIC = {"version": 2, "ethernets": {"eth0": {
    "addresses": ["10.0.2.15/24"], "accept-ra": False, "link-local": [],
    "routes": [{"to": "default", "via": "10.0.2.2"}]}}}
# An address from which nobody here is reached.
CUT = {"version": 2, "ethernets": {"eth0": {
    "addresses": ["198.51.100.9/24"], "accept-ra": False, "link-local": [],
    "routes": [{"to": "default", "via": "198.51.100.1"}]}}}
# It reaches its own network, but there is no such gateway.
NO_GATEWAY = {"version": 2, "ethernets": {"eth0": {
    "addresses": ["10.0.2.15/24"], "accept-ra": False, "link-local": [],
    "routes": [{"to": "default", "via": "10.0.2.99"}]}}}


@pytest.fixture(scope="module")
def reports():
    with ReportServer() as server:
        yield server


def document(host: Host, reports: ReportServer, variant: str, network: dict) -> str:
    content = yaml.safe_load(host.document(variant))
    content["management"]["phonehome"] = reports.url("/phonehome")
    content["network"] = network
    return yaml.safe_dump(content, sort_keys=False)


@pytest.fixture(scope="module")
def installation(image_server, reports):
    """What the installation of a host with a network was like, and how the host was left."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="trident-e2e-network-"))
    with Host(image_server) as host:
        host.start_ramdisk()
        # What the agent of the provisioning OS hands on to the one of the installed host.
        host.write_file("/etc/trident/config.yaml",
                        f"networkConfirmSeconds: {CONFIRM_SECONDS}\n"
                        f"metrics: {{listenPort: {METRICS_PORT}, textfile: /run/trident.prom}}\n")
        host.machine.ssh("systemctl restart tridentd.service")
        done = host.bring_to(document(host, reports, "netplan-v1", DHCP))
        seen = {
            "netplan": host.machine.ssh(f"stat -c %a {NETPLAN}; cat {NETPLAN}"),
            "addresses": host.machine.ssh("ip -o -4 address show dev eth0"),
            "metrics": scrape(host),
            # Rewritten at most every five seconds.
            "textfile": host.machine.ssh(
                "for i in $(seq 100); do grep -q 'succeeded.. 1' /run/trident.prom && break; "
                "sleep .2; done; cat /run/trident.prom"),
            "journal": host.machine.ssh(
                f"journalctl -u tridentd -o cat TRIDENT_JOB={done.job.id}"),
            "unit": host.machine.ssh("systemctl show tridentd -p WatchdogUSec -p StatusText"),
        }
        snapshot = host.snapshot(folder)
    yield done, seen, snapshot
    shutil.rmtree(folder)


@pytest.fixture
def host(image_server, installation):
    with Host(image_server, installation[2]) as started:
        started.start()
        yield started


def scrape(host: Host) -> str:
    """The answer of the metrics' port, asked from within the guest."""
    return host.machine.ssh(
        f"bash -c 'exec 3<>/dev/tcp/127.0.0.1/{METRICS_PORT}; "
        "printf \"GET /metrics HTTP/1.0\\r\\n\\r\\n\" >&3; cat <&3'")


def logs_of(messages) -> list[str]:
    return [message.log.message for message in messages if message.HasField("log")]


def test_an_installation_brings_the_network_and_reports_it(installation, reports):
    done, seen, _ = installation
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    mode, _, text = seen["netplan"].partition("\n")
    assert mode == "600"
    assert yaml.safe_load(text) == {"network": DHCP}
    assert "10.0.2.15/24" in seen["addresses"]

    told = reports.wait("/phonehome", lambda body: body["state"] == "succeeded", 60,
                        "that the installation succeeded")
    assert told["message"] == "provisioning succeeded"
    assert "activeVolume: volume-a" in told["host_status"]
    first = reports.bodies("/phonehome")[0]
    assert first["state"] == "started"
    assert first["message"].startswith("Trident started (connection attempt ")

    assert seen["metrics"].startswith("HTTP/1.1 200 OK")
    for text in (seen["metrics"], seen["textfile"]):
        assert 'trident_jobs_total{state="succeeded"} 1\n' in text
        assert 'trident_volume_active{volume="volume-a"} 1\n' in text
        assert "trident_last_success_timestamp_seconds" in text
    assert "succeeded" in seen["journal"], "no record of the job carries its id"
    assert "WatchdogUSec=2min" in seen["unit"]
    assert "ended: succeeded" in seen["unit"]


def test_a_live_change_that_keeps_the_connection_is_kept(host, reports):
    wanted = document(host, reports, "netplan-v1", STATIC)
    plan = host.client.plan(wanted)
    assert plan.servicing_kind == "normal-update"
    assert not plan.reboots
    messages = list(host.client.update(wanted, BOTH))
    assert state_name(messages[-1].job) == "SUCCEEDED", messages[-1].job.reason
    assert any("still lives" in text for text in logs_of(messages)), logs_of(messages)
    assert host.machine.reboots() == 0
    assert yaml.safe_load(host.machine.ssh(f"cat {NETPLAN}")) == {"network": STATIC}
    addresses = host.machine.ssh("ip -o -4 address show dev eth0")
    assert "10.0.2.15/24" in addresses and "dynamic" not in addresses

    # It is the host's network after a boot, and after an update to the other volume.
    host.reboot()
    assert "dynamic" not in host.machine.ssh("ip -o -4 address show dev eth0")
    done = host.bring_to(document(host, reports, "netplan-v2", STATIC))
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert done.boot.version == "2"
    assert yaml.safe_load(host.machine.ssh(f"cat {NETPLAN}")) == {"network": STATIC}


def test_a_second_client_confirms_what_the_host_cannot_prove(host, reports):
    call = host.client.update(document(host, reports, "netplan-v1", NO_GATEWAY), BOTH)
    messages = []
    for message in call:
        messages.append(message)
        if state_name(message.job) == "VERIFYING":
            break
    job_id = messages[-1].job.id
    said = run([paths.TRIDENTCTL, "--server", host.tunnel.address, "commit"])
    assert said.startswith(f"job {job_id}: "), said
    messages += call
    assert state_name(messages[-1].job) == "SUCCEEDED", messages[-1].job.reason
    assert any("it was confirmed" in text for text in logs_of(messages)), logs_of(messages)
    assert "default via 10.0.2.99 " in host.machine.ssh("ip -4 route")
    assert yaml.safe_load(host.machine.ssh(f"cat {NETPLAN}")) == {"network": NO_GATEWAY}


def begin_cut(host: Host, reports: ReportServer) -> str:
    """Submits the network that cuts the host off; returns the job when it has cut this client off."""
    job_id = ""
    try:
        for message in host.client.update(document(host, reports, "netplan-v1", CUT), BOTH):
            job_id = message.job.id
    except grpc.RpcError as error:
        assert error.code() in GONE, error
        return job_id
    raise AssertionError(f"the stream of job {job_id} ended in order: nothing was cut")


@pytest.mark.landing
def test_a_live_change_that_cuts_the_host_off_is_taken_back(host, reports):
    job_id = begin_cut(host, reports)
    job = host.client.wait_end(job_id, timeout=CONFIRM_SECONDS + 120)
    assert state_name(job) == "ROLLED_BACK", job.reason
    assert "can still be reached" in job.reason
    assert host.machine.reboots() == 0
    assert yaml.safe_load(host.machine.ssh(f"cat {NETPLAN}")) == {"network": DHCP}
    assert "10.0.2.15/24" in host.machine.ssh("ip -o -4 address show dev eth0")
    told = reports.wait("/phonehome", lambda body: body["state"] == "failed", 60,
                        "that the change was taken back")
    assert "rolled-back" in told["message"]
    # The host is as it was, also for the next start of the agent.
    assert "198.51.100.9" not in host.machine.ssh("cat /etc/trident/config.yaml")


def test_a_power_cut_in_the_middle_of_a_live_change_takes_it_back(host, reports):
    job_id = begin_cut(host, reports)
    host.machine.power_cut()
    host.start()
    job = host.client.wait_end(job_id, timeout=240)
    assert state_name(job) == "ROLLED_BACK", job.reason
    assert "the agent was stopped" in job.reason
    assert yaml.safe_load(host.machine.ssh(f"cat {NETPLAN}")) == {"network": DHCP}


def test_start_network_prefers_the_override(host):
    override = {"version": 2, "ethernets": {"eth0": {
        "dhcp4": True, "accept-ra": False, "link-local": [], "addresses": ["192.0.2.77/24"]}}}
    other = {"version": 2, "ethernets": {"eth0": {"addresses": ["192.0.2.78/24"]}}}
    host.write_file("/root/config.yaml", yaml.safe_dump({
        "networkOverride": override,
        "hostConfiguration": {"network": other, "networkProvision": other}}))
    host.machine.ssh("trident start-network --config /root/config.yaml --verbosity INFO")
    assert yaml.safe_load(host.machine.ssh(f"cat {NETPLAN}")) == {"network": override}
    addresses = host.machine.ssh(
        "for i in $(seq 50); do ip -o -4 address show dev eth0 | grep 192.0.2.77 && break; "
        "sleep .2; done")
    assert "192.0.2.77/24" in addresses


def test_a_broken_agent_configuration_still_phones_home(host, reports):
    host.write_file("/root/broken.yaml",
                    f"nonsense: [\nphonehome: {reports.url('/broken')}\n")
    said = host.machine.ssh("trident run --config /root/broken.yaml; echo exit $?")
    assert said.strip().endswith("exit 2")
    started, failed = reports.bodies("/broken")
    assert started["message"] == "Trident started (connection attempt 0)"
    assert failed["state"] == "failed"
    assert "/root/broken.yaml" in failed["message"]
