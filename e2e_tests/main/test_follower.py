"""A follower that reconnects over reboots misses nothing and sees nothing twice."""

from lib.grpc_client import Follower, state_name


def ended(job):
    """Whether the follower has seen this job's end."""
    def seen(events):
        return any(event.job.id == job.id and event.HasField("outcome")
                   and state_name(event.job) == "SUCCEEDED" for event in events)
    return seen


def test_a_follower_sees_every_sequence_once_over_both_reboots(bare_host):
    host = bare_host
    with Follower(host.client) as follower:
        first = host.bring_to(host.document("grub-v1"))
        follower.wait(ended(first.job), 60, "the commit of the installation")
        second = host.bring_to(host.document("grub-v2"))
        follower.wait(ended(second.job), 60, "the commit of the update")
        newest = host.client.status().newest_sequence
        follower.wait(lambda events: events[-1].sequence >= newest, 60, "the newest event")

    assert second.boot.version == "2"
    assert follower.failure is None
    assert follower.gaps == 0
    assert follower.connections >= 3, "two reboots, and never reconnected?"
    assert len(follower.journals) == 1, "the journal changed on the way"
    sequences = [event.sequence for event in follower.events]
    assert sequences == list(range(1, len(sequences) + 1))
    states = [state_name(event.job) for event in follower.events if event.job.id == second.job.id]
    order = list(dict.fromkeys(states))
    assert order == ["QUEUED", "PLANNING", "STAGING", "STAGED", "FINALIZING", "REBOOTING",
                     "VERIFYING", "SUCCEEDED"]
