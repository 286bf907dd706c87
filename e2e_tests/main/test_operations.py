"""`update` and `transition` as two calls, and what is refused in between."""

import grpc
import pytest

from lib import paths
from lib.grpc_client import error_detail, state_name
from lib.process import run


def test_update_stages_and_a_later_transition_finishes(installed_host):
    host = installed_host
    document = host.document("grub-v2")
    known = len(host.client.jobs())

    looked = list(host.client.update(document, ""))
    assert looked[-1].outcome.result == "ok"
    assert len(host.client.jobs()) == known, "looking made a job"

    staged = list(host.client.update(document, "update"))[-1]
    assert state_name(staged.job) == "STAGED", staged.job.reason
    assert staged.outcome.result == "staged"
    assert host.machine.reboots() == 0

    with pytest.raises(grpc.RpcError) as refused:
        list(host.client.update(host.document("grub-v3")))
    assert refused.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert staged.job.id in refused.value.details()
    assert error_detail(refused.value).kind == "precondition"

    # The staged job outlives the agent.
    host.machine.ssh("systemctl restart tridentd.service")
    done = host.bring_to(document, "transition")
    assert done.job.id == staged.job.id
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert done.boot.version == "2"


def test_a_second_client_finalizes_what_the_first_one_staged(installed_host):
    host = installed_host
    staged = list(host.client.update(host.document("grub-v2"), "update"))[-1]
    assert state_name(staged.job) == "STAGED", staged.job.reason
    count = len(host.machine.boots())
    # It knows nothing of the document, nor of who staged it.
    said = run([paths.TRIDENTCTL, "--server", host.tunnel.address, "finalize"])
    assert said.startswith(f"job {staged.job.id}\n") and said.endswith("\nsucceeded\n"), said
    assert host.machine.wait_boot(count + 1).version == "2"
    job = host.client.wait_end(staged.job.id)
    assert state_name(job) == "SUCCEEDED", job.reason
