"""An independent client of the agent: stubs made from proto/, and Debian's python3-grpcio."""

import functools
import hashlib
import importlib
import os
import pathlib
import sys
import tempfile
import threading
import time

import grpc
import yaml

from lib import paths
from lib.process import run

# How a call ends whose host goes away; the host comes back, so the caller goes on.
GONE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INTERNAL)
FINAL_STATES = ("SUCCEEDED", "FAILED", "CANCELLED", "ROLLED_BACK")
UPDATE_SECONDS = 600
BOTH = "update | transition"


def make_stubs(folder: pathlib.Path, source: pathlib.Path, files: list[str]) -> None:
    """Generates Python stubs of the .proto files of one folder."""
    plugin = "/usr/bin/grpc_python_plugin"
    run(["protoc", f"--plugin=protoc-gen-grpc_python={plugin}", f"--proto_path={source}",
         f"--python_out={folder}", f"--grpc_python_out={folder}", *files])


@functools.cache
def api():
    """The generated modules: trident.proto's messages and services, rpc_status.proto's messages."""
    files = ["trident.proto", "rpc_status.proto"]
    digest = hashlib.sha256(b"".join((paths.PROTO / file).read_bytes() for file in files))
    folder = paths.cache() / f"stubs-{digest.hexdigest()[:16]}"
    if not folder.exists():
        temporary = tempfile.mkdtemp(prefix="stubs-tmp-", dir=paths.cache())
        make_stubs(pathlib.Path(temporary), paths.PROTO, files)
        os.rename(temporary, folder)
    sys.path.insert(0, str(folder))
    try:
        return tuple(importlib.import_module(name)
                     for name in ("trident_pb2", "trident_pb2_grpc", "rpc_status_pb2"))
    finally:
        sys.path.remove(str(folder))


def error_detail(error: grpc.RpcError):
    """The ErrorDetail that came with a failed call. None when there is none."""
    messages, _, rpc_status = api()
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = rpc_status.Status()
            status.ParseFromString(value)
            for packed in status.details:
                if packed.type_url.endswith("/trident.ErrorDetail"):
                    detail = messages.ErrorDetail()
                    detail.ParseFromString(packed.value)
                    return detail
    return None


def state_name(job) -> str:
    """SUCCEEDED for JOB_STATE_SUCCEEDED."""
    messages, _, _ = api()
    return messages.JobState.Name(job.state).removeprefix("JOB_STATE_")


class _UntaggedLoader(yaml.SafeLoader):
    """Reads a tagged value as if it had no tag."""


def _untagged(loader, _, node):
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, deep=True)
    return loader.construct_scalar(node)


_UntaggedLoader.add_multi_constructor("!", _untagged)


def parse_status(text: str) -> dict:
    """A Host Status as plain data; tags such as !image are left out."""
    return yaml.load(text, _UntaggedLoader)


class Client:
    """Calls of one agent. The channel reconnects by itself. Use as a context manager."""

    def __init__(self, address: str):
        self.messages, services, _ = api()
        self._channel = grpc.insecure_channel(address, options=[
            ("grpc.initial_reconnect_backoff_ms", 200),
            ("grpc.min_reconnect_backoff_ms", 1000),
            ("grpc.max_reconnect_backoff_ms", 1000),
            ("grpc.keepalive_time_ms", 20000),
            ("grpc.keepalive_timeout_ms", 20000),
            ("grpc.max_receive_message_length", 16 << 20),
            # Nobody shares a connection with somebody whose connection is to be lost.
            ("grpc.use_local_subchannel_pool", 1),
        ])
        self.stub = services.HostManagementStub(self._channel)

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_) -> None:
        self._channel.close()

    def update(self, document: str, operations: str = BOTH, timeout: float = UPDATE_SECONDS,
               **more):
        """The stream of UpdateHost."""
        request = self.messages.HostUpdateRequest(
            host_configuration=document, allowed_operations=operations, **more)
        return self.stub.UpdateHost(request, timeout=timeout, wait_for_ready=True)

    def status(self, timeout: float = 60):
        """The first message of GetStatus."""
        [message] = self.stub.GetStatus(self.messages.GetStatusRequest(), timeout=timeout,
                                        wait_for_ready=True)
        return message

    def host_status(self) -> dict:
        return parse_status(self.status().status)

    def plan(self, document: str, timeout: float = 60):
        return self.stub.PlanHost(
            self.messages.PlanHostRequest(host_configuration=document), timeout=timeout,
            wait_for_ready=True)

    def version(self, timeout: float = 60):
        return self.stub.GetVersion(self.messages.GetVersionRequest(), timeout=timeout,
                                    wait_for_ready=True)

    def jobs(self, timeout: float = 60) -> list:
        """The recorded jobs, newest first."""
        return list(self.stub.ListJobs(self.messages.ListJobsRequest(), timeout=timeout,
                                       wait_for_ready=True).jobs)

    def wait_job(self, ready, timeout: float, what: str):
        """Asks until ready(jobs) gives a job, over reboots too. Raises TimeoutError."""
        deadline = time.monotonic() + timeout
        jobs = []
        while time.monotonic() < deadline:
            try:
                jobs = self.jobs(timeout=5)
            except grpc.RpcError as error:
                if error.code() not in (*GONE, grpc.StatusCode.DEADLINE_EXCEEDED):
                    raise
            found = ready(jobs)
            if found is not None:
                return found
            # The interval of a poll with a deadline.
            threading.Event().wait(0.5)
        known = "; ".join(f"{job.id} {state_name(job)} {job.reason}" for job in jobs) or "none"
        raise TimeoutError(f"{what}: not within {timeout:.0f} s; jobs: {known}")

    def wait_end(self, job_id: str, timeout: float = UPDATE_SECONDS):
        """Waits until a job has come to its end and returns it."""
        def ready(jobs):
            for job in jobs:
                if job.id == job_id and state_name(job) in FINAL_STATES:
                    return job
            return None

        return self.wait_job(ready, timeout, f"the end of job {job_id}")


class Follower:
    """A watcher that wants to miss nothing: follows from the journal's beginning and reconnects."""

    def __init__(self, client: Client):
        self._client = client
        self._changed = threading.Condition()
        self._stop = threading.Event()
        self._call = None
        # Every durable event, in the order of arrival.
        self.events = []
        self.journals = set()
        self.gaps = 0
        self.connections = 0
        self.failure: grpc.RpcError | None = None
        self._thread = threading.Thread(target=self._follow, name="follower", daemon=True)

    def __enter__(self) -> "Follower":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        with self._changed:
            if self._call is not None:
                self._call.cancel()
        self._thread.join()

    def wait(self, ready, timeout: float, what: str):
        """Waits until ready(events) gives something and returns that. Raises TimeoutError."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                found = ready(self.events)
                if found:
                    return found
                if self.failure is not None:
                    raise self.failure
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{what}: the follower did not see it in {timeout:.0f} s")
                self._changed.wait(left)

    def _follow(self) -> None:
        while not self._stop.is_set():
            last = self.events[-1].sequence if self.events else 0
            journal = self.events[-1].journal_id if self.events else ""
            request = self._client.messages.GetStatusRequest(
                follow=True, after_sequence=last, journal_id=journal)
            try:
                with self._changed:
                    self._call = self._client.stub.GetStatus(request, wait_for_ready=True)
                self.connections += 1
                for message in self._call:
                    self._take(message)
            except grpc.RpcError as error:
                if error.code() not in GONE:
                    with self._changed:
                        self.failure = error
                        self._changed.notify_all()
                    return
            # Between two attempts to connect.
            self._stop.wait(0.2)

    def _take(self, message) -> None:
        with self._changed:
            self.journals.add(message.journal_id)
            self.gaps += message.gap
            if message.sequence:
                self.events.append(message)
            self._changed.notify_all()
