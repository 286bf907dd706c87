#!/usr/bin/python3
"""The demonstration behind demo.sh: tridentctl installs a bare machine and updates it."""

import contextlib
import re
import signal
import subprocess
import sys
import threading
import time

import grpc

from images import variants
from lib import paths
from lib.grpc_client import state_name
from lib.host import Host
from lib.http_server import ImageServer
from lib.machine import MachineError
from lib.process import ProgramError

LOADER = "grub"
# Every second the memory of the agent, as the kernel counts it.
WATCH_MEMORY = ("while sleep 1; do pid=$(pgrep -o -x tridentd) && "
                "grep -E '^Vm(HWM|RSS)' /proc/$pid/status; done")


class DemoError(RuntimeError):
    """Something did not go as it should; the text is for the person who watches."""


class Memory:
    """Watches the agent's resident memory over ssh until the machine leaves. A context manager."""

    def __init__(self, host: Host):
        self.peak_kib = 0
        self.last_kib = 0
        self._process = subprocess.Popen([*host.machine.ssh_command(), WATCH_MEMORY],
                                         stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL, text=True)
        self._thread = threading.Thread(target=self._read, name="memory", daemon=True)

    def __enter__(self) -> "Memory":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join()

    def _read(self) -> None:
        for line in self._process.stdout:
            found = re.match(r"Vm(HWM|RSS):\s+(\d+) kB", line)
            if found and found[1] == "HWM":
                self.peak_kib = max(self.peak_kib, int(found[2]))
            elif found:
                self.last_kib = int(found[2])


class Demo:
    """The steps, and the table of what they took."""

    def __init__(self, server: ImageServer):
        self._server = server
        self._rows: list[tuple[str, float, int]] = []
        self._fetched = 0
        self._started = time.monotonic()
        self._notes: list[str] = []

    @contextlib.contextmanager
    def _step(self, title: str):
        print(f"\n==> {title}", flush=True)
        started = time.monotonic()
        yield
        fetched = self._server.total_sent() - self._fetched
        self._fetched += fetched
        self._rows.append((title, time.monotonic() - started, fetched))

    def run(self) -> None:
        with self._step("make the images and the ramdisk OS"):
            for version in ("v1", "v2"):
                variants.images(f"{LOADER}-{version}")
            variants.ramdisk_os()
        with Host(self._server) as host:
            with self._step("boot the ramdisk OS on a machine with a blank disk"):
                print(f"    up: {host.start_ramdisk()}")
                # tridentctl does not wait for an agent that it has never seen, so the demo does.
                host.client.status()
            self._service(host, "v1", "install version 1", "volume-a")
            self._service(host, "v2", "update to version 2", "volume-b")
            self._idle(host)
        self._table()

    def _service(self, host: Host, version: str, title: str, volume: str) -> None:
        document = host.folder / "hc.yaml"
        document.write_text(host.document(f"{LOADER}-{version}"))
        count = len(host.machine.boots())
        command = [paths.TRIDENTCTL, "--server", host.tunnel.address, "update", "-f", document]
        with self._step(f"{title}, reboot, commit"):
            print(f"    $ tridentctl --server {host.tunnel.address} update -f {document}",
                  flush=True)
            with Memory(host) as memory:
                done = subprocess.run(command, stdin=subprocess.DEVNULL, timeout=900, check=False)
            if done.returncode != 0:
                raise DemoError(f"tridentctl ended with exit status {done.returncode}")
            boot = host.machine.wait_boot(count + 1)
        if f"v{boot.version}" != version:
            raise DemoError(f"the machine should run {version}, but came up as {boot}")
        job = host.client.jobs()[0]
        if state_name(job) != "SUCCEEDED" or job.target_volume != volume:
            raise DemoError(f"the job should be committed on {volume}, but it is "
                            f"{state_name(job)} on {job.target_volume}: {job.reason}")
        print(f"    committed on {volume}: {boot}")
        self._notes.append(f"peak resident memory of the agent, {title}: "
                           f"{memory.peak_kib / 1024:.1f} MiB")

    def _idle(self, host: Host) -> None:
        """After a fresh start the agent has only what it needs to wait."""
        host.machine.ssh("systemctl restart tridentd.service")
        host.client.status()
        said = host.machine.ssh(
            "grep VmRSS /proc/$(systemctl show -P MainPID tridentd.service)/status")
        self._notes.append("resident memory of the agent, idle: "
                           f"{int(said.split()[1]) / 1024:.1f} MiB")

    def _table(self) -> None:
        width = max(len(title) for title, _, _ in self._rows)
        print(f"\n{'step':<{width}}  seconds  MiB fetched")
        for title, seconds, fetched in self._rows:
            print(f"{title:<{width}}  {seconds:7.1f}  {fetched / (1 << 20):11.1f}")
        print(f"{'all':<{width}}  {time.monotonic() - self._started:7.1f}")
        for note in self._notes:
            print(note)


def main() -> int:
    # So that a machine does not outlive a demo that was ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        with ImageServer() as server:
            Demo(server).run()
    except (DemoError, MachineError, ProgramError, TimeoutError,
            subprocess.TimeoutExpired) as error:
        print(f"\ndemo: {error}", file=sys.stderr)
        return 1
    except grpc.RpcError as error:
        print(f"\ndemo: the agent answered {error.code().name}: {error.details()}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    print("\nThe machine was installed, updated and committed.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
