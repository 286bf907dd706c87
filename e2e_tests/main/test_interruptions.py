"""The agent is killed, the image server breaks off: the job goes on."""

import grpc
import pytest

from images import variants
from lib.grpc_client import state_name

MIB = 1 << 20


def test_an_agent_that_is_killed_while_staging_goes_on_after_its_restart(installed_host):
    host = installed_host
    document = host.document("grub-v2")
    root = variants.images("grub-v2").root.file
    # Slow enough to be in the middle of the image when the agent dies.
    host.server.throttle(root, 2 * MIB)
    before = host.server.sent(root)

    with pytest.raises(grpc.RpcError) as lost:
        killed = ""
        for message in host.client.update(document):
            if not killed and host.server.sent(root) - before > 8 * MIB:
                assert state_name(message.job) == "STAGING"
                killed = message.job.id
                host.machine.ssh("systemctl kill --signal=SIGKILL tridentd.service")
    assert lost.value.code() == grpc.StatusCode.UNAVAILABLE
    host.server.throttle(root, 0)

    done = host.bring_to(document)
    assert done.job.id == killed
    assert state_name(done.job) == "SUCCEEDED", done.job.reason
    assert done.boot.version == "2"


def test_a_download_that_breaks_off_is_resumed_where_it_broke(installed_host):
    host = installed_host
    image = variants.images("grub-v2-xz").root
    document = host.document("grub-v2-xz")
    host.server.break_after(image.file, 20 * MIB)
    host.server.break_after(image.file, 10 * MIB)
    before = len(host.server.answers(image.file))

    staged = list(host.client.update(document, "update"))[-1]
    assert state_name(staged.job) == "STAGED", staged.job.reason
    # Without those of the planner, which looks at the ends of the file.
    answers = [answer for answer in host.server.answers(image.file)[before:] if answer[1] > MIB]
    assert len(answers) == 3, answers
    assert answers[0] == (0, 20 * MIB)
    # What was on its way when the connection broke may come twice, and no more than that.
    for (first, sent), (next_first, _) in zip(answers, answers[1:]):
        assert first < next_first <= first + sent, answers
        assert first + sent - next_first < 8 * MIB, answers
