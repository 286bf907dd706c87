"""Anybody who has read the specification can drive the agent."""

import json
import subprocess
import sys

from lib import paths
from lib.grpc_client import state_name


def test_a_client_of_the_specifications_two_messages_drives_an_update(installed_host):
    host = installed_host
    command = host.folder / "command.json"
    command.write_text(json.dumps({"hostConfiguration": host.document("grub-v2"),
                                   "allowedOperations": "update | transition"}))
    client = paths.REPOSITORY / "e2e_tests/lib/spec_client.py"
    done = subprocess.run([sys.executable, client, host.tunnel.address, command],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=600,
                          check=False)
    assert done.returncode == 0, done.stderr
    statuses = [json.loads(line)["status"] for line in done.stdout.splitlines()]
    assert statuses and all(statuses), "a blank status"

    assert host.machine.wait_boot(2).version == "2"
    job = host.client.wait_end(host.client.jobs()[0].id)
    assert state_name(job) == "SUCCEEDED", job.reason
    assert "activeVolume: volume-b" in host.client.status().status
