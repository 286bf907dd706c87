"""A local socket that leads to the agent of a machine, also after the machine's reboots."""

import pathlib
import subprocess
import threading

AGENT_SOCKET = "/run/trident/trident.sock"


class Tunnel:
    """Keeps `ssh -L local.sock:/run/trident/trident.sock` alive in a thread. A context manager.

    While the machine is down, connections to the local socket are refused, as for any host that is
    not there; clients reconnect.
    """

    def __init__(self, machine, socket: pathlib.Path):
        self.socket = socket
        self._machine = machine
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="tunnel", daemon=True)

    @property
    def address(self) -> str:
        """As gRPC and tridentctl name it."""
        return f"unix:{self.socket}"

    def __enter__(self) -> "Tunnel":
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()

    def _keep(self) -> None:
        process = None
        boot = 0
        with (self._machine.folder / "tunnel.log").open("ab") as log:
            # A look at the machine ten times a second costs nothing.
            while not self._stop.wait(0.1):
                now = self._machine.reachable()
                if process is not None and (now != boot or process.poll() is not None):
                    # Do not wait until ssh notices: the machine that it talks to is gone.
                    process.kill()
                    process.wait()
                    process = None
                    self.socket.unlink(missing_ok=True)
                if process is None and now:
                    boot = now
                    process = subprocess.Popen(
                        self._machine.ssh_command(
                            "-N", "-o", "ExitOnForwardFailure=yes",
                            "-o", "StreamLocalBindUnlink=yes",
                            "-L", f"{self.socket}:{AGENT_SOCKET}"),
                        stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        if process is not None:
            process.kill()
            process.wait()
        self.socket.unlink(missing_ok=True)
