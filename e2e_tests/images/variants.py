"""The images that the tests use: which loader, which version, and what is wrong with them.

Each is the base file system plus a few files, so that a new build of the agent costs seconds. An
image is made again only when something that it consists of has changed.
"""

import configparser
import dataclasses
import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import stat
import tempfile

from images import boot_files
from images.base_tree import Base, base, ssh_key
from lib import paths
from lib.process import ProgramError, run

# Makes the machine leave the new version after its agent has opened the store, before the commit.
LEAVE_UNIT = """[Unit]
Description=Leave this version before it is committed
After=tridentd.socket basic.target
Before=multi-user.target e2e-ready.service

[Service]
Type=oneshot
ExecStart=/bin/systemctl start tridentd.service
ExecStart=/bin/sh -c 'echo E2E-LEAVING >/dev/console; sync; exec systemctl --force reboot'

[Install]
WantedBy=multi-user.target
"""


@dataclasses.dataclass(frozen=True)
class Variant:
    """One pair of images (ESP and root)."""
    loader: str
    version: str
    # Appended to the kernel command line.
    options: str = ""
    format: str = "raw-zstd"
    # Of the ESP's image; empty: as the others.
    esp_format: str = ""
    next_agent: bool = False
    # Of base_kinds.KINDS.
    base: str = "plain"
    files: tuple[tuple[str, str], ...] = ()
    # Which file systems are images of their own.
    parts: tuple[str, ...] = ("esp", "root")

    def format_of(self, part: str) -> str:
        return self.esp_format or self.format if part == "esp" else self.format


VARIANTS = {
    "grub-v1": Variant("grub", "1"),
    "grub-v2": Variant("grub", "2"),
    "grub-v3": Variant("grub", "3"),
    "systemd-boot-v1": Variant("systemd-boot", "1"),
    "systemd-boot-v2": Variant("systemd-boot", "2"),
    "systemd-boot-v3": Variant("systemd-boot", "3"),
    # Its first process ends at once, which Linux answers with a panic.
    "grub-v2-panic": Variant("grub", "2", options="init=/bin/false"),
    # A newer agent with one more migration, on a system that never gets as far as to be committed.
    "grub-v2-next-agent": Variant(
        "grub", "2", next_agent=True,
        files=(("etc/systemd/system/e2e-leave.service", LEAVE_UNIT),)),
    "grub-v2-xz": Variant("grub", "2", format="raw-lzma"),
    "grub-v2-gzip": Variant("grub", "2", format="raw-gzip"),
    "grub-v1-raw": Variant("grub", "1", format="raw"),
    # For an ESP that both volumes share.
    "grub-beside-v1": Variant("grub-beside", "1"),
    "grub-beside-v2": Variant("grub-beside", "2"),
    "grub-beside-v3-panic": Variant("grub-beside", "3", options="init=/bin/false"),
    "systemd-boot-v3-panic": Variant("systemd-boot", "3", options="init=/bin/false"),
    # The specification's configuration of GRUB.
    "grub2-v1": Variant("grub2", "1"),
    "grub2-v2": Variant("grub2", "2"),
    # Not only the root is an image: /boot and /usr are too.
    "parts-v1": Variant("grub-boot", "1", parts=("esp", "root", "boot", "usr")),
    "parts-v2": Variant("grub-boot", "2", parts=("esp", "root", "boot", "usr")),
    # The network comes from netplan alone.
    "netplan-v1": Variant("grub", "1", base="netplan"),
    "netplan-v2": Variant("grub", "2", base="netplan"),
    # SELinux is asked for by the kernel's command line; which mode it has is up to its configuration.
    "selinux-v1": Variant("grub", "1", base="selinux", options="security=selinux selinux=1"),
    "selinux-v2": Variant("grub", "2", base="selinux", options="security=selinux selinux=1"),
    # The host of a container.
    "podman-v1": Variant("grub", "1", base="podman"),
    # What docs/examples/sample.yaml asks of its images.
    "sample-v1": Variant("grub-beside", "1", base="netplan", format="raw-lzma",
                         esp_format="raw-zstd"),
    # Debian 13.
    "trixie-v1": Variant("grub", "1", base="trixie", format="raw-lzma"),
    "trixie-v2": Variant("grub", "2", base="trixie", format="raw-lzma"),
    "trixie-v3": Variant("grub", "3", base="trixie", format="raw-lzma"),
    # dm-verity protects the root; "hash" is the tree of hashes.
    "verity-v1": Variant("systemd-boot", "1", base="verity", parts=("esp", "root", "hash")),
    "verity-v2": Variant("systemd-boot", "2", base="verity", parts=("esp", "root", "hash")),
    "verity-v3": Variant("systemd-boot", "3", base="verity", parts=("esp", "root", "hash")),
    # dm-verity protects /usr. The entry is one for a /usr without it, which must not count.
    **{f"usr-verity-v{version}": Variant(
        "systemd-boot", version, base="verity", parts=("esp", "root", "usr", "hash"),
        options=f"mount.usr=UUID={boot_files.USR_UUID} mount.usrflags=rw mount.usrfstype=ext4")
       for version in ("1", "2", "3")},
}
# What the suite "main" and the demo use.
MAIN = ["grub-v1", "grub-v2", "grub-v3", "systemd-boot-v1", "systemd-boot-v2",
        "systemd-boot-v3", "grub-v2-panic", "grub-v2-next-agent", "grub-v2-xz"]
PROVISIONING_UNIT = "trident-network.service"
SUFFIX = {"raw-zstd": "zst", "raw-lzma": "xz", "raw-gzip": "gz", "raw": "img"}


@dataclasses.dataclass(frozen=True)
class Image:
    """A compressed image file, ready to be served."""
    file: pathlib.Path
    sha256: str
    # Of the file, and of what it unpacks to; bytes.
    size: int
    raw_size: int
    format: str


@dataclasses.dataclass(frozen=True)
class Images:
    """The images of one variant."""
    esp: Image
    root: Image
    boot: Image | None = None
    usr: Image | None = None
    hash: Image | None = None
    # What the tree of hashes ends in.
    root_hash: str = ""


@dataclasses.dataclass(frozen=True)
class RamdiskOs:
    """The provisioning OS: a kernel and an initrd that contains the agent."""
    kernel: pathlib.Path
    initrd: pathlib.Path


def images(name: str) -> Images:
    """The images of a variant, made where needed. Raises KeyError for an unknown name."""
    variant = VARIANTS[name]
    folder = _folder()
    with _lock():
        tree = base(variant.base)
        agent = _agent_files(variant.next_agent)
        made = {}
        root_hash = ""
        hashed = "usr" if "usr" in variant.parts else "root"
        for part in variant.parts:
            packing = variant.format_of(part)
            file = folder / f"{part}-{name}.raw.{SUFFIX[packing]}"
            key = _key(tree.key, repr(variant), part, _source_digest(),
                       agent if part != "esp" else {},
                       made[hashed].sha256 if part == "hash" else "")
            record = folder / f"{file.name}.json"
            known = json.loads(record.read_text()) if record.exists() and file.exists() else {}
            if known.get("key") != key:
                if part == "hash":
                    known = _make_hashes(made[hashed].file, file)
                else:
                    known = {"rawSize": _make_image(tree, variant, part, agent, file)}
                known.update(key=key, sha256=_sha256(file))
                record.write_text(json.dumps(known))
            made[part] = Image(file, known["sha256"], file.stat().st_size, known["rawSize"],
                               packing)
            root_hash = known.get("rootHash", root_hash)
    return Images(**made, root_hash=root_hash)


def ramdisk_os(kind: str = "plain") -> RamdiskOs:
    """The provisioning OS of a kind of base, made where needed."""
    with _lock():
        tree = base(kind)
        agent = _agent_files(False)
        name = "ramdisk-os.cpio" if kind == "plain" else f"ramdisk-os-{kind}.cpio"
        target = _folder() / name
        record = _folder() / f"{name}.json"
        key = _key(tree.key, _source_digest(), agent)
        known = json.loads(record.read_text()) if record.exists() and target.exists() else {}
        if known.get("key") != key:
            _make_ramdisk(tree, agent, target)
            record.write_text(json.dumps({"key": key}))
    return RamdiskOs(tree.kernel, target)


def ramdisk_with(ramdisk: RamdiskOs, files: dict[str, pathlib.Path],
                 folder: pathlib.Path) -> RamdiskOs:
    """The provisioning OS with more files and links in it, as a site would make its own: path in
    the OS -> file here. What is there already is replaced."""
    with tempfile.TemporaryDirectory(prefix="tmp-", dir=folder) as temporary:
        work = pathlib.Path(temporary)
        _archive(files, work / "more.cpio", work)
        _join((ramdisk.initrd, work / "more.cpio"), folder / "ramdisk.cpio")
    return RamdiskOs(ramdisk.kernel, folder / "ramdisk.cpio")


def manifest(names) -> dict:
    """What was made, as plain data."""
    def describe(image: Image) -> dict:
        return {**dataclasses.asdict(image), "file": str(image.file)}

    ramdisk = ramdisk_os()
    return {
        "sshKey": str(ssh_key()),
        "kernel": str(ramdisk.kernel),
        "ramdisk": str(ramdisk.initrd),
        "images": {name: {part: describe(getattr(images(name), part))
                          for part in VARIANTS[name].parts} for name in names},
    }


def _folder() -> pathlib.Path:
    folder = paths.cache() / "images"
    folder.mkdir(exist_ok=True)
    return folder


class _lock:
    """One maker of images at a time for each cache."""

    def __enter__(self):
        self._file = (paths.cache() / "images.lock").open("w")
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_):
        self._file.close()


def _agent_files(next_agent: bool) -> dict[str, pathlib.Path]:
    """Path in the image -> file or link of the installed agent."""
    if not (paths.STAGE / "usr/bin/tridentd").exists():
        raise ProgramError(f"there is no installed agent in {paths.STAGE}: run e2e_tests/run.sh, "
                           "which builds and installs it there")
    files = {str(file.relative_to(paths.STAGE)): file
             for file in sorted(paths.STAGE.rglob("*")) if file.is_symlink() or file.is_file()}
    if next_agent:
        if not paths.NEXT_AGENT.exists():
            raise ProgramError(f"{paths.NEXT_AGENT} was not built (target tridentd_next)")
        # Its debug information would not fit into the image.
        stripped = _folder() / "tridentd_next"
        run(["strip", "-o", stripped, paths.NEXT_AGENT])
        files["usr/bin/tridentd"] = stripped
    return files


def _sha256(file: pathlib.Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _source_digest() -> str:
    folder = pathlib.Path(__file__).parent
    return "".join(_sha256(folder / name) for name in ("variants.py", "boot_files.py"))


def _key(*parts) -> str:
    digest = hashlib.sha256()
    for part in parts:
        if isinstance(part, dict):
            for name, file in part.items():
                content = os.readlink(file) if file.is_symlink() else _sha256(file)
                digest.update(f"{name}\0{content}\0".encode())
        else:
            digest.update(f"{part}\0".encode())
    return digest.hexdigest()


def _additions(agent, variant, tree: Base, work: pathlib.Path) -> dict[str, pathlib.Path]:
    """Everything that comes on top of the base, with the links that enable the agent's units."""
    files = dict(agent)

    def put(name: str, content: str) -> None:
        file = work / name.replace("/", "_")
        file.write_text(content)
        file.chmod(0o644)
        files[name] = file

    if variant is None:
        put("etc/trident/config.yaml", "# Nothing is configured: documents come over gRPC.\n{}\n")
    else:
        put("etc/image-version", f"{variant.version}\n")
        put("etc/fstab", boot_files.fstab())
        for name, content in boot_files.grub_files(variant.loader, tree.kernel_version,
                                                   variant.options).items():
            put(name, content)
        for name, content in variant.files:
            put(name, content)
        # Its place is a provisioning OS.
        files.pop(f"usr/lib/systemd/system/{PROVISIONING_UNIT}", None)

    units = {name: file for name, file in files.items()
             if name.startswith(("usr/lib/systemd/system/", "etc/systemd/system/"))}
    for name, file in units.items():
        for target in _wanted_by(file):
            link = work / f"{pathlib.PurePath(name).name}.link"
            link.unlink(missing_ok=True)
            link.symlink_to(f"/{name}")
            files[f"etc/systemd/system/{target}.wants/{pathlib.PurePath(name).name}"] = link
    return files


def _wanted_by(unit: pathlib.Path) -> list[str]:
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    parser.optionxform = str
    parser.read_string(unit.read_text())
    return parser.get("Install", "WantedBy", fallback="").split()


def _make_image(tree: Base, variant: Variant, part: str, agent, target: pathlib.Path) -> int:
    print(f"Making {target.name} ...", flush=True)
    packing = variant.format_of(part)
    with tempfile.TemporaryDirectory(prefix="tmp-", dir=_folder()) as temporary:
        work = pathlib.Path(temporary)
        raw = work / "image.raw"
        if part == "esp":
            boot_files.make_esp(tree, variant.loader, variant.options, work, raw)
        else:
            run(["cp", "--sparse=always", "--reflink=auto", tree.root, raw])
            _write_files(raw, _additions(agent, variant, tree, work), work)
            if "usr" in variant.parts:
                _split(raw, part, variant.parts, work)
        packed = work / "image.packed"
        if packing == "raw":
            os.rename(raw, target)
            return target.stat().st_size
        if packing == "raw-zstd":
            run(["zstd", "-q", "-T2", "-3", raw, "-o", packed])
        elif packing == "raw-gzip":
            run(["sh", "-c", 'gzip -1 -c "$1" >"$2"', "gzip", raw, packed])
        else:
            # Several blocks, so that more than one thread can decode it.
            run(["sh", "-c", 'xz -T2 -1 --block-size=16MiB -c "$1" >"$2"', "xz", raw, packed])
        raw_size = raw.stat().st_size
        os.rename(packed, target)
    return raw_size


def _make_hashes(data: pathlib.Path, target: pathlib.Path) -> dict:
    """The tree of hashes of an image; what is to be recorded of it."""
    print(f"Making {target.name} ...", flush=True)
    with tempfile.TemporaryDirectory(prefix="tmp-", dir=_folder()) as temporary:
        work = pathlib.Path(temporary)
        run(["zstd", "-q", "-d", data, "-o", work / "data.raw"])
        said = run(["veritysetup", "format", work / "data.raw", work / "hash.raw"])
        run(["zstd", "-q", "-3", work / "hash.raw", "-o", work / "hash.packed"])
        raw_size = (work / "hash.raw").stat().st_size
        os.rename(work / "hash.packed", target)
    return {"rawSize": raw_size,
            "rootHash": re.search(r"Root hash:\s*([0-9a-f]{64})", said)[1]}


def _split(raw: pathlib.Path, part: str, parts, work: pathlib.Path) -> None:
    """Makes of a whole root the file system of one part: what belongs to others is left out."""
    tree = work / "tree"
    tree.mkdir()
    run(["debugfs", "-R", f"rdump / {tree}", raw])
    source = tree if part == "root" else tree / part
    if part == "root":
        for other in parts:
            if (tree / other).is_dir() and other != "root":
                shutil.rmtree(tree / other)
                (tree / other).mkdir()
    uuid = {"root": boot_files.ROOT_UUID, "boot": boot_files.BOOT_UUID, "usr": boot_files.USR_UUID}
    size = {"root": "128M", "boot": "128M", "usr": "448M"}
    raw.unlink()
    # dm-verity hashes blocks of 4096 bytes: a file system on it cannot have smaller ones.
    run(["mke2fs", "-q", "-t", "ext4", "-b", "4096", "-U", uuid[part], "-m", "1",
         "-E", "root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0,nodiscard",
         "-d", source, raw, size[part]])


def _write_files(raw: pathlib.Path, files: dict[str, pathlib.Path], work: pathlib.Path) -> None:
    """Puts files into an ext4 image with debugfs: no mount, no copy of the tree."""
    commands = []
    known = set()
    for name, file in sorted(files.items()):
        path = pathlib.PurePosixPath("/") / name
        for parent in reversed(path.parents[:-1]):
            if parent not in known:
                known.add(parent)
                commands.append(f"mkdir {parent}")
        # The one from the base tree, where there is one.
        commands.append(f"rm {path}")
        if file.is_symlink():
            commands.append(f"symlink {path} {os.readlink(file)}")
        else:
            commands.append(f"write {file} {path}")
            mode = stat.S_IFREG | stat.S_IMODE(file.stat().st_mode)
            commands.append(f"set_inode_field {path} mode 0{mode:o}")
    script = work / "debugfs.script"
    script.write_text("\n".join(commands) + "\n")
    run(["debugfs", "-w", "-f", script, raw])
    # debugfs has no exit status worth the name: look whether everything is there.
    listing = work / "listing.script"
    listing.write_text("".join(f'stat "/{name}"\n' for name in files))
    seen = run(["debugfs", "-f", listing, raw]).count("Inode: ")
    if seen != len(files):
        raise ProgramError(f"debugfs put only {seen} of {len(files)} files into {raw}; "
                           "is the file system too small?")
    run(["e2fsck", "-fn", raw])


def _make_ramdisk(tree: Base, agent, target: pathlib.Path) -> None:
    """The base's archive, then one with the agent: the kernel unpacks one after the other."""
    print(f"Making {target.name} ...", flush=True)
    with tempfile.TemporaryDirectory(prefix="tmp-", dir=_folder()) as temporary:
        work = pathlib.Path(temporary)
        _archive(_additions(agent, None, tree, work), work / "agent.cpio", work)
        packed = work / "ramdisk.cpio"
        _join((tree.ramdisk, work / "agent.cpio"), packed)
        os.rename(packed, target)


def _archive(files, target: pathlib.Path, work: pathlib.Path) -> None:
    """A cpio archive of files and links, all of them root's, with the modes that they have here."""
    root = work / "root"
    for name, file in files.items():
        place = root / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, place, follow_symlinks=False)
    names = sorted(str(path.relative_to(root)) for path in root.rglob("*"))
    run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "+0:+0", "-O", target],
        stdin="\n".join(names) + "\n", cwd=root)


def _join(archives, target: pathlib.Path) -> None:
    with target.open("wb") as out:
        for part in archives:
            out.write(part.read_bytes())
            out.write(b"\0" * (-out.tell() % 4))
