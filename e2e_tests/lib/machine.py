"""A host: QEMU with UEFI firmware, disks, firmware variables that last, and a serial console."""

import json
import pathlib
import re
import shutil
import socket
import subprocess
import threading

from images import base_tree, boot_files
from lib import accelerator
from lib.process import run
from lib.serial_log import SerialLog
from lib.tpm import Tpm

FIRMWARE = pathlib.Path("/usr/share/OVMF/OVMF_CODE_4M.fd")
FIRMWARE_VARIABLES = pathlib.Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
MEMORY_MIB = 1024
DISK_SIZE = "4G"
# Under emulation on a busy machine a boot may take several times as long as usual.
BOOT_SECONDS = 300

_READY = re.compile(r"E2E-READY version=(\S+) boot=(\S+) root=(\S+)\n")
_PANIC = "Kernel panic - not syncing"
# The kernel's last words before the firmware takes over again.
_LEFT = re.compile(r"reboot: Restarting system|Rebooting in \d+ seconds")


class MachineError(RuntimeError):
    """The machine did what it must not do: a panic, or QEMU ended by itself."""


class Boot:
    """One boot that came up."""

    def __init__(self, match: re.Match):
        # /etc/image-version; "ramdisk" in the provisioning OS.
        self.version = match[1]
        self.boot_id = match[2]
        self.root = match[3]

    def __repr__(self) -> str:
        return f"version {self.version} from {self.root} (boot {self.boot_id})"


class Machine:
    """One machine in one folder. Not started by its constructor. Use as a context manager."""

    def __init__(self, folder: pathlib.Path, disk: pathlib.Path | None = None,
                 variables: pathlib.Path | None = None, disks: int = 1,
                 tpm: bool = False):
        """A machine with blank disks, or with copies of the disk and variables given.

        In the guest they are /dev/disk/by-id/virtio-disk0 and so on.
        """
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.disks = [folder / f"disk{index}.img" for index in range(disks)]
        self.variables = folder / "vars.fd"
        self._tpm = Tpm(folder) if tpm else None
        for file in self.disks:
            run(["truncate", "-s", DISK_SIZE, file])
        if disk is not None:
            copy_sparse(disk, self.disks[0])
        shutil.copyfile(variables or FIRMWARE_VARIABLES, self.variables)
        self.serial = SerialLog(folder / "serial.log")
        self.ssh_port = _free_port()
        # A panic is an error in every wait, unless the test is about one.
        self.panic_expected = False
        self._process: subprocess.Popen | None = None
        self._lock = threading.RLock()
        self._watcher: threading.Thread | None = None
        self._failure = ""

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, *_) -> None:
        self.close()

    def start_ramdisk(self, ramdisk) -> None:
        """Boots the provisioning OS; when that reboots, the machine goes on from its disk."""
        # The firmware would load the same kernel again after a reboot: QEMU ends there instead,
        # and is started afresh without it.
        self._start(["-no-reboot", "-kernel", str(ramdisk.kernel), "-initrd", str(ramdisk.initrd),
                     "-append", f"root=/dev/ram0 {boot_files.COMMAND_LINE}"], then_disk=True)

    def start(self) -> None:
        """Switches the machine on; it boots what its firmware finds."""
        self._start([], then_disk=False)

    def power_cut(self) -> None:
        """Takes the power away at once. Returns when the machine is off."""
        with self._lock:
            process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        if self._watcher is not None and self._watcher is not threading.current_thread():
            self._watcher.join()

    def close(self) -> None:
        self.power_cut()
        if self._tpm:
            self._tpm.stop()
        self.serial.close()

    def running(self) -> bool:
        with self._lock:
            return self._process is not None and self._process.poll() is None

    def boots(self) -> list[Boot]:
        """Every boot that has come up so far, the ramdisk's included."""
        return [Boot(match) for match in self.serial.find_all(_READY.pattern)]

    def reboots(self) -> int:
        """How often the machine has left an operating system."""
        return len(self.serial.find_all(_LEFT.pattern))

    def reachable(self) -> int:
        """A number that is new for each boot: 0 while the machine cannot be reached."""
        text = self.serial.text()
        ready = [match.start() for match in _READY.finditer(text)]
        left = [match.start() for match in _LEFT.finditer(text)]
        if not ready or (left and left[-1] > ready[-1]) or not self.running():
            return 0
        return len(ready)

    def wait_boot(self, count: int, timeout: float = BOOT_SECONDS) -> Boot:
        """Waits until the machine has come up `count` times in all and returns that boot."""
        def ready(text: str):
            self._check(text)
            found = list(_READY.finditer(text))
            return Boot(found[count - 1]) if len(found) >= count else None

        return self.serial.wait(ready, timeout, f"boot number {count} of the machine")

    def wait_serial(self, pattern: str, timeout: float = BOOT_SECONDS) -> re.Match:
        """Waits for a pattern anywhere on the serial console."""
        def ready(text: str):
            self._check(text)
            return re.search(pattern, text)

        return self.serial.wait(ready, timeout, f"'{pattern}' on the serial console")

    def replace_disk(self, index: int, used: bool = False) -> None:
        """Puts another disk in the place of one, while the machine is off: a blank one, or one that
        somebody has partitioned."""
        self.disks[index].unlink()
        run(["truncate", "-s", DISK_SIZE, self.disks[index]])
        if used:
            run(["sfdisk", "-q", "-X", "gpt", self.disks[index]], stdin=",,L\n")

    def replace_tpm(self) -> None:
        """Puts another TPM into the machine, while it is off."""
        self._tpm.forget()

    def ssh(self, command: str, timeout: float = 60, user: str = "root") -> str:
        """Runs a command in the guest and returns its output. Raises ProgramError."""
        return run([*self.ssh_command(user=user), command], timeout=timeout)

    def ssh_command(self, *options: str, user: str = "root") -> list[str]:
        """An ssh command line without the remote command."""
        return ["ssh", "-i", str(base_tree.ssh_key()), "-p", str(self.ssh_port), "-F", "none",
                "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null",
                "-o", "LogLevel=ERROR", "-o", "BatchMode=yes", "-o", "IdentitiesOnly=yes",
                "-o", "ConnectTimeout=20", "-o", "ServerAliveInterval=5",
                "-o", "ServerAliveCountMax=4", *options, f"{user}@127.0.0.1"]

    def qmp(self, command: str) -> dict:
        """Sends one command to QEMU's monitor and returns what it answers."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(20)
            connection.connect(str(self.folder / "qmp.sock"))
            stream = connection.makefile("rw")
            stream.readline()
            for request in ("qmp_capabilities", command):
                stream.write(json.dumps({"execute": request}) + "\n")
                stream.flush()
                answer = json.loads(stream.readline())
                while "event" in answer:
                    answer = json.loads(stream.readline())
            return answer

    def snapshot(self, folder: pathlib.Path) -> None:
        """Copies the disk and the firmware variables while the machine stands still."""
        folder.mkdir(parents=True, exist_ok=True)
        self.ssh("sync")
        self.qmp("stop")
        try:
            copy_sparse(self.disks[0], folder / "disk.img")
            shutil.copyfile(self.variables, folder / "vars.fd")
        finally:
            self.qmp("cont")

    def _start(self, extra: list[str], then_disk: bool) -> None:
        self.power_cut()
        self._failure = ""
        self._launch(extra)
        self._watcher = threading.Thread(target=self._watch, args=(then_disk,), name="qemu",
                                         daemon=True)
        self._watcher.start()

    def _launch(self, extra: list[str]) -> None:
        if self._tpm:
            self._tpm.start()
        # The socket's path is relative: absolute ones may be longer than a socket's name can be.
        command = [
            "qemu-system-x86_64", "-machine", "q35", *accelerator.arguments(), "-smp", "2",
            "-m", str(MEMORY_MIB), "-display", "none", "-vga", "none", "-nodefaults",
            "-no-user-config",
            "-chardev", "file,id=console,path=serial.log,append=on", "-serial", "chardev:console",
            "-qmp", "unix:qmp.sock,server=on,wait=off", "-device", "virtio-rng-pci",
            "-drive", f"if=pflash,format=raw,unit=0,readonly=on,file={FIRMWARE}",
            "-drive", "if=pflash,format=raw,unit=1,file=vars.fd",
            *self._disk_arguments(), *(self._tpm.arguments() if self._tpm else []),
            "-netdev", f"user,id=n0,hostfwd=tcp:127.0.0.1:{self.ssh_port}-:22",
            "-device", "virtio-net-pci,netdev=n0,romfile=", *extra]
        with (self.folder / "qemu.log").open("a") as log:
            # It does not outlive the tests, however these end.
            process = subprocess.Popen(["setpriv", "--pdeathsig", "KILL", *command],
                                       cwd=self.folder, stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=log)
        with self._lock:
            self._process = process

    def _disk_arguments(self) -> list[str]:
        arguments = []
        for index, file in enumerate(self.disks):
            arguments += [
                "-drive", f"if=none,id=d{index},format=raw,file={file.name},cache=unsafe,"
                "discard=unmap",
                "-device", f"virtio-blk-pci,drive=d{index},serial=disk{index}"]
        return arguments

    def _watch(self, then_disk: bool) -> None:
        """Starts QEMU again where the reboot must lead to the disk; notes an end by itself."""
        while True:
            with self._lock:
                process = self._process
            if process is None:
                return
            status = process.wait()
            with self._lock:
                if self._process is not process:
                    return
                if status == 0 and then_disk:
                    then_disk = False
                    self._launch([])
                    continue
                self._process = None
                said = (self.folder / "qemu.log").read_text()[-2000:]
                self._failure = f"QEMU ended by itself with status {status}: {said}"
            return

    def _check(self, text: str) -> None:
        if self._failure:
            raise MachineError(f"{self._failure}\nThe end of the serial console:\n"
                               f"{self.serial.tail()}")
        if not self.panic_expected and _PANIC in text:
            raise MachineError(f"the kernel panicked. The end of the serial console:\n"
                               f"{self.serial.tail()}")


def copy_sparse(source: pathlib.Path, target: pathlib.Path) -> None:
    """Copies a disk image without its holes."""
    run(["cp", "--sparse=always", "--reflink=auto", source, target])


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
