"""A TPM 2.0 in software (swtpm) that belongs to one machine."""

import pathlib
import shutil
import socket
import struct
import subprocess
import time

# How often somebody may guess before the TPM locks itself: as many as in a PC. Every power cut
# after the TPM has opened something counts, and swtpm's own limit is 3.
ATTEMPTS = 32
ATTEMPT_FORGOTTEN_SECONDS = 600
LOCK_SECONDS = 86400


class Tpm:
    """Its secrets live in a folder beside the machine's disks, as those of a chip do."""

    def __init__(self, folder: pathlib.Path):
        self._folder = folder
        self._state = folder / "tpm"
        self._process: subprocess.Popen | None = None

    def start(self) -> None:
        """Switches it on; QEMU switches it off when it ends, so this is for every start of it."""
        self.stop()
        if not self._state.exists():
            self._state.mkdir()
            self._allow_attempts()
        self._launch("tpm.sock", "--ctrl", "type=unixio,path=tpm.sock")

    def _launch(self, name: str, *options: str) -> None:
        """Starts swtpm; it has made the socket when this returns."""
        path = self._folder / name
        path.unlink(missing_ok=True)
        with (self._folder / "swtpm.log").open("a") as log:
            self._process = subprocess.Popen(
                ["swtpm", "socket", "--tpm2", "--tpmstate", "dir=tpm", *options, "--terminate"],
                cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 20
        while not path.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                said = (self._folder / "swtpm.log").read_text()[-1000:]
                raise RuntimeError(f"swtpm did not start: {said}")
            time.sleep(0.05)

    def _allow_attempts(self) -> None:
        """TPM 2.0 Library, part 3: TPM2_DictionaryAttackParameters, then TPM2_Shutdown."""
        self._launch("make.sock", "--server", "type=unixio,path=make.sock", "--flags",
                     "startup-clear")
        no_password = struct.pack(">IIHBH", 9, 0x40000009, 0, 0, 0)
        content = (struct.pack(">I", 0x4000000A) + no_password
                   + struct.pack(">III", ATTEMPTS, ATTEMPT_FORGOTTEN_SECONDS, LOCK_SECONDS))
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(str(self._folder / "make.sock"))
            for command in (struct.pack(">HII", 0x8002, 10 + len(content), 0x13A) + content,
                            struct.pack(">HIIH", 0x8001, 12, 0x145, 0)):
                connection.sendall(command)
                answer = connection.recv(4096)
                if len(answer) < 10 or answer[6:10] != bytes(4):
                    raise RuntimeError(f"the software TPM answered {answer.hex()}")
        self._process.wait(timeout=20)
        self._process = None

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
