"""A machine together with the way to its agent: what a test works with."""

import contextlib
import dataclasses
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile

from images import variants
from lib import host_configuration
from lib.grpc_client import BOTH, Client, state_name
from lib.http_server import ImageServer
from lib.machine import Boot, Machine
from lib.process import run
from lib.tunnel import Tunnel


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A machine as it was left: its disk and its firmware variables."""
    disk: pathlib.Path
    variables: pathlib.Path


@dataclasses.dataclass(frozen=True)
class Servicing:
    """How an installation or update went that passed through one reboot."""
    # Every message of UpdateHost.
    messages: list
    # The job at its end, as the agent after the reboot reports it.
    job: object
    boot: Boot


class Host:
    """Use as a context manager; everything that it started is gone afterwards."""

    def __init__(self, server: ImageServer, snapshot: Snapshot | None = None, disks: int = 1,
                 tpm: bool = False, base: str = "plain"):
        """`base` is the kind of base of the provisioning OS."""
        self.server = server
        self._base = base
        # Short, because a socket's path must be.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="trident-e2e-"))
        self.machine = Machine(self.folder / "machine",
                               disk=snapshot.disk if snapshot else None,
                               variables=snapshot.variables if snapshot else None,
                               disks=disks, tpm=tpm)
        self.tunnel = Tunnel(self.machine, self.folder / "agent.sock")
        self.client = Client(self.tunnel.address)

    def __enter__(self) -> "Host":
        self.tunnel.__enter__()
        return self

    def __exit__(self, *_) -> None:
        self.client.__exit__()
        self.tunnel.__exit__()
        self.machine.close()
        shutil.rmtree(self.folder)

    def start_ramdisk(self, files: dict[str, pathlib.Path] | None = None) -> Boot:
        """Boots the provisioning OS, whatever is on the disks; `files` (path there -> file here) are
        in it from the beginning."""
        count = len(self.machine.boots())
        ramdisk = variants.ramdisk_os(self._base)
        if files:
            ramdisk = variants.ramdisk_with(ramdisk, files, self.folder)
        self.machine.start_ramdisk(ramdisk)
        return self.machine.wait_boot(count + 1)

    def start(self) -> Boot:
        """Boots what is on the disk."""
        count = len(self.machine.boots())
        self.machine.start()
        return self.machine.wait_boot(count + 1)

    def reboot(self) -> Boot:
        """A reboot that nobody but the operator wants."""
        count = len(self.machine.boots())
        # In the background, or the answer would never come.
        self.machine.ssh("(sleep .2; systemctl reboot) </dev/null >/dev/null 2>&1 &")
        return self.machine.wait_boot(count + 1)

    def document(self, variant: str) -> str:
        """The Host Configuration with the images of a variant."""
        return host_configuration.document(self.server, variants.images(variant))

    def example(self, name: str, variant: str) -> str:
        """docs/examples/storage/<name>.yaml with the images of a variant in the place of its own."""
        return host_configuration.example(self.server, name, variants.images(variant))

    def bring_to(self, document: str, operations: str = BOTH) -> Servicing:
        """UpdateHost, through the reboot, until the job has ended."""
        count = len(self.machine.boots())
        messages = list(self.client.update(document, operations))
        assert messages, "the stream of UpdateHost was empty"
        last = messages[-1]
        assert state_name(last.job) == "REBOOTING", \
            f"the stream ended with {state_name(last.job)}: {last.job.reason} {last.outcome}"
        boot = self.machine.wait_boot(count + 1)
        job = self.client.wait_end(last.job.id)
        return Servicing(messages, job, boot)

    def write_file(self, path: str, text: str) -> None:
        """Writes a file in the guest."""
        run([*self.machine.ssh_command(), f"cat >{path}"], stdin=text, timeout=60)

    def kind_of_file(self, path: str) -> str:
        """What is at a path in the guest, as stat says it: "regular file", "symbolic link"."""
        return self.machine.ssh(f"stat -c %F {path}").strip()

    def store_version(self) -> int:
        """The schema version that the store has by now, read from a copy of it."""
        folder = self.folder / "store"
        folder.mkdir(exist_ok=True)
        archive = self.folder / "store.tar"
        with archive.open("wb") as out:
            subprocess.run(
                [*self.machine.ssh_command(), "cd /var/lib/trident && tar c datastore.sqlite*"],
                stdin=subprocess.DEVNULL, stdout=out, timeout=60, check=True)
        run(["tar", "xf", archive, "-C", folder])
        with contextlib.closing(sqlite3.connect(folder / "datastore.sqlite")) as store:
            return store.execute("PRAGMA user_version").fetchone()[0]

    def snapshot(self, folder: pathlib.Path) -> Snapshot:
        self.machine.snapshot(folder)
        return Snapshot(folder / "disk.img", folder / "vars.fd")
