"""What all suites share: the image server, hosts, and what is kept when a test fails."""

import contextlib
import shutil
import tempfile
import pathlib

import pytest

from lib import paths
from lib.host import Host, Snapshot
from lib.http_server import ImageServer

LOGS = paths.BUILD / "e2e_logs"


@pytest.fixture(scope="session")
def image_server():
    """One server for the session, so that an image keeps its URL."""
    with ImageServer() as server:
        yield server


class Installed:
    """Machines on which version 1 was installed, one for each boot loader, to start copies of."""

    def __init__(self, server: ImageServer, folder: pathlib.Path):
        self._server = server
        self._folder = folder
        self._snapshots: dict[str, Snapshot] = {}

    def keep(self, loader: str, host: Host) -> None:
        """Takes a host on which version 1 has just been committed."""
        if loader not in self._snapshots:
            self._snapshots[loader] = host.snapshot(self._folder / loader)

    def get(self, loader: str) -> Snapshot:
        """The machine's disk and variables; it is installed now if no test has done that yet."""
        if loader not in self._snapshots:
            with Host(self._server) as host:
                host.start_ramdisk()
                done = host.bring_to(host.document(f"{loader}-v1"))
                assert done.boot.version == "1", f"installed, but came up as {done.boot}"
                self.keep(loader, host)
        return self._snapshots[loader]


@pytest.fixture(scope="session")
def installed(image_server):
    folder = pathlib.Path(tempfile.mkdtemp(prefix="trident-e2e-installed-"))
    yield Installed(image_server, folder)
    shutil.rmtree(folder)


@pytest.fixture
def bare_host(request, image_server):
    """A machine with a blank disk that runs the provisioning OS."""
    with Host(image_server) as host:
        request.node.stash[HOST] = host
        host.start_ramdisk()
        yield host


@pytest.fixture
def bare_host_with(request, image_server):
    """Makes a machine with that many blank disks that runs the provisioning OS, or, without
    `start`, is to be started by the test."""
    with contextlib.ExitStack() as stack:
        def make(disks: int, tpm: bool = False, base: str = "plain", start: bool = True) -> Host:
            host = stack.enter_context(Host(image_server, disks=disks, tpm=tpm, base=base))
            request.node.stash[HOST] = host
            if start:
                host.start_ramdisk()
            return host

        yield make


@pytest.fixture
def installed_host(installed_host_with):
    """A machine that runs the committed version 1 from volume A, booted with GRUB."""
    return installed_host_with("grub")


@pytest.fixture
def installed_host_with(request, image_server, installed):
    """Makes a machine that runs the committed version 1 from volume A with that boot loader."""
    with contextlib.ExitStack() as stack:
        def make(loader: str) -> Host:
            host = stack.enter_context(Host(image_server, installed.get(loader)))
            request.node.stash[HOST] = host
            host.start()
            return host

        yield make


HOST = pytest.StashKey[Host]()


def pytest_collection_modifyitems(items):
    """Tests that install a machine come first: the others start from copies of what they made.

    The suite main decides what lands, as do those of the other suites that are marked for it.
    """
    for item in items:
        if item.path.parent.name == "main":
            item.add_marker("landing")
    items.sort(key=lambda item: "installed" not in item.fixturenames
               or "bare_host" not in item.fixturenames)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Keeps a failed test's serial console, and shows the end of it."""
    outcome = yield
    report = outcome.get_result()
    host = item.stash.get(HOST, None)
    if report.failed and report.when in ("setup", "call") and host is not None:
        LOGS.mkdir(parents=True, exist_ok=True)
        kept = LOGS / f"{item.name}.serial.log"
        shutil.copyfile(host.machine.serial.file, kept)
        report.sections.append((f"serial console (whole: {kept})", host.machine.serial.tail(80)))
