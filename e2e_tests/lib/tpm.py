"""A TPM 2.0 in software (swtpm) that belongs to one machine."""

import pathlib
import shutil
import subprocess
import time


class Tpm:
    """Its secrets live in a folder beside the machine's disks, as those of a chip do."""

    def __init__(self, folder: pathlib.Path):
        self._folder = folder
        self._state = folder / "tpm"
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """Switches it on; QEMU switches it off when it ends, so this is for every start of it."""
        self.stop()
        self._state.mkdir(exist_ok=True)
        socket = self._folder / "tpm.sock"
        socket.unlink(missing_ok=True)
        with (self._folder / "swtpm.log").open("a") as log:
            self._process = subprocess.Popen(
                ["swtpm", "socket", "--tpm2", "--tpmstate", "dir=tpm", "--ctrl",
                 "type=unixio,path=tpm.sock", "--terminate"],
                cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not socket.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self._folder / "swtpm.log").read_text()[-1000:]
                raise RuntimeError(f"swtpm did not start: {said}")
            time.sleep(0.05)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def forget(self) -> None:
        """Another chip takes its place: whatever was sealed to this one stays sealed for ever."""
        self.stop()
        shutil.rmtree(self._state)

    def arguments(self) -> list[str]:
        """What QEMU has to be told."""
        return ["-chardev", "socket,id=tpm,path=tpm.sock", "-tpmdev",
                "emulator,id=tpm0,chardev=tpm", "-device", "tpm-tis,tpmdev=tpm0"]
