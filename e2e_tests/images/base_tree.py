"""The base of every image: a small Debian 12 without the agent, as ext4 and as a ramdisk.

Slow to make and independent of the agent, so it is kept in the cache under a key made of everything
that it depends on: a change to this file makes all kinds anew.
"""

import fcntl
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from images.base_kinds import KINDS, NETWORKD_FILE, Kind
from lib import paths
from lib.process import ProgramError, run

SUITE = "bookworm"
# Both images of a host start out with the same identifiers, as images made by one pipeline do.
ROOT_UUID = "5e0f7a52-3c1d-4b6e-9a7d-0c2f4e6a8b10"
ESP_VOLUME_ID = "7E57-E5B0"

PACKAGES = [
    "systemd", "systemd-sysv", "udev", "dbus", "kmod", "linux-image-cloud-amd64", "initramfs-tools",
    "busybox", "zstd", "efibootmgr", "dosfstools", "e2fsprogs", "fdisk", "util-linux", "mount",
    "openssh-server", "iproute2", "passwd", "procps", "ca-certificates", "mdadm",
    # systemd-cryptenroll and systemd-cryptsetup load these when there is a TPM.
    "cryptsetup-bin", "dmsetup", "libtss2-esys-3.0.2-0", "libtss2-mu0", "libtss2-rc0",
    "libtss2-tcti-device0",
    # Shared libraries of the agent, whether gRPC is linked into it or not.
    "libgrpc++1.51", "libprotobuf32", "libabsl20220623", "libc-ares2", "libyaml-cpp0.7",
    "libsqlite3-0", "libcurl4", "libssl3", "liblzma5", "libzstd1", "libxxhash0", "libfdisk1",
    "libcryptsetup12", "libblkid1", "libmount1", "libefivar1", "libefiboot1", "libsystemd0",
]

# What takes the place of dracut elsewhere.
INITRAMFS_PACKAGES = ("initramfs-tools", "busybox")
# What docs/storage.md asks of the initrd of a verity root.
DRACUT_CONF = """hostonly="no"
compress="zstd"
add_dracutmodules+=" systemd systemd-veritysetup "
add_drivers+=" virtio_pci virtio_blk nvme ext4 xfs overlay dm_mod dm_verity "
omit_dracutmodules+=" network network-manager nfs iscsi plymouth btrfs multipath resume "
"""

# What Debian 13 calls them; what is linked statically into the agent is left out.
NAMES_IN_TRIXIE = {
    "libcurl4": "libcurl4t64", "libssl3": "libssl3t64", "libefivar1": "libefivar1t64",
    "libefiboot1": "libefiboot1t64", "libtss2-esys-3.0.2-0": "libtss2-esys-3.0.2-0t64",
    "libtss2-mu0": "libtss2-mu-4.0.1-0t64", "libtss2-rc0": "libtss2-rc0t64",
    "libtss2-tcti-device0": "libtss2-tcti-device0t64", "libc-ares2": "libcares2",
    "libgrpc++1.51": None, "libprotobuf32": None, "libabsl20220623": None, "libyaml-cpp0.7": None,
}

# Never used by these machines; leaving them out makes every image smaller and faster to write.
EXCLUDED = [
    "/usr/share/man/*", "/usr/share/doc/*", "/usr/share/locale/*", "/usr/share/info/*",
    "/usr/share/zoneinfo/*", "/usr/share/lintian/*", "/usr/share/bash-completion/*",
] + [f"/lib/modules/*/kernel/{folder}/*" for folder in (
    "drivers/infiniband", "drivers/comedi", "drivers/hid", "drivers/target", "drivers/xen",
    "drivers/hv", "drivers/ata", "drivers/net/ethernet", "drivers/net/wireless", "drivers/vfio",
    "fs/nfs", "fs/nfsd", "fs/smb", "fs/ceph", "net/netfilter", "net/sched",
    "net/sunrpc", "net/bridge", "net/ceph", "net/sctp", "net/tipc", "net/openvswitch", "net/rds",
    "net/smc", "sound", "arch/x86/kvm", "drivers/cpufreq", "drivers/thermal", "drivers/platform",
    "drivers/edac", "drivers/powercap", "drivers/i2c", "drivers/gpu")]

# Not needed by an OS that lives in memory: it has its kernel already and installs no packages.
NOT_IN_RAMDISK = re.compile(
    r"\./(boot|var/cache|var/lib/dpkg/info|var/lib/apt|usr/share/perl|usr/share/perl5|usr/lib/apt|"
    r"usr/lib/x86_64-linux-gnu/perl.*|usr/share/initramfs-tools|usr/share/zsh|"
    r"usr/lib/x86_64-linux-gnu/gconv|"
    r"usr/lib/modules/[^/]+/kernel/fs/(f2fs|gfs2|ocfs2|jfs|ntfs3)|"
    r"usr/lib/modules/[^/]+/kernel/(net/ipv4/netfilter|net/ipv6/netfilter|drivers/gpu))(/.*)?$")

# xfsprogs would bring Python and ICU along, which only its repair scheduler needs: 100 MB.
UNPACKED = ["xfsprogs", "libinih1", "liburcu8", "libedit2", "libbsd0", "libmd0", "btrfs-progs",
            "liblzo2-2"]

# Units that only cost time here.
MASKED = [
    "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer",
    "e2scrub_reap.service", "fstrim.timer", "systemd-tmpfiles-clean.timer",
    "systemd-timesyncd.service", "systemd-pstore.service", "systemd-update-utmp.service",
    "systemd-update-utmp-runlevel.service", "systemd-networkd-wait-online.service",
    "getty@tty1.service", "serial-getty@ttyS0.service", "systemd-journal-catalog-update.service",
    "ldconfig.service", "systemd-hwdb-update.service", "systemd-binfmt.service",
    "proc-sys-fs-binfmt_misc.automount", "sys-kernel-debug.mount", "sys-kernel-tracing.mount",
    "dev-hugepages.mount", "dev-mqueue.mount", "modprobe@drm.service", "modprobe@fuse.service",
    "modprobe@loop.service", "modprobe@configfs.service",
    "sys-kernel-config.mount", "sys-fs-fuse-connections.mount", "systemd-modules-load.service",
    "systemd-random-seed.service", "systemd-sysusers.service",
    "systemd-user-sessions.service", "systemd-journal-flush.service", "systemd-sysctl.service",
    "systemd-logind.service",
]

# Printed on the serial console when the machine can be reached; lib/machine.py waits for it.
READY_UNIT = """[Unit]
Description=Say on the serial console that the machine can be reached
After=ssh.service systemd-networkd.service

[Service]
Type=exec
ExecStartPre=/lib/systemd/systemd-networkd-wait-online -i eth0 --timeout=60
ExecStart=/usr/local/sbin/e2e-ready

[Install]
WantedBy=multi-user.target
"""
READY_SCRIPT = """#!/bin/sh
read -r boot </proc/sys/kernel/random/boot_id
version=$(cat /etc/image-version 2>/dev/null || echo ramdisk)
root=$(findmnt -n -o SOURCE /)
printf '\\nE2E-READY version=%s boot=%s root=%s\\n' "$version" "$boot" "$root" >/dev/console
"""
# The agent's log is also seen on the serial console, so that it survives the machine.
CONSOLE_DROP_IN = "[Service]\nStandardOutput=journal+console\nStandardError=journal+console\n"

FILES = {
    "etc/hostname": "trident-host\n",
    "etc/hosts": "127.0.0.1 localhost\n127.0.1.1 trident-host\n",
    # A fixed one: an empty one makes systemd treat every first boot of an image as a first boot.
    "etc/machine-id": "5e0f7a523c1d4b6e9a7d0c2f4e6a8b10\n",
    NETWORKD_FILE:
        "[Match]\nName=eth0\n\n[Network]\nDHCP=ipv4\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n",
    "etc/ssh/sshd_config.d/e2e.conf":
        "UsePAM no\nPasswordAuthentication no\nPermitRootLogin prohibit-password\n"
        "HostKey /etc/ssh/ssh_host_ed25519_key\n",
    "etc/systemd/journald.conf.d/e2e.conf": "[Journal]\nStorage=volatile\n",
    "etc/systemd/system/e2e-ready.service": READY_UNIT,
    "etc/systemd/system/tridentd.service.d/console.conf": CONSOLE_DROP_IN,
    "etc/systemd/system/trident.service.d/console.conf": CONSOLE_DROP_IN,
}
INITRAMFS_CONF = "MODULES=list\nBUSYBOX=y\nCOMPRESS=zstd\nRESUME=none\n"
INITRAMFS_MODULES = "virtio_pci\nvirtio_blk\nnvme\next4\nvirtio_net\n"


class Base:
    """The finished base in the cache. All paths are read-only for everybody else."""

    def __init__(self, folder: pathlib.Path):
        self.folder = folder
        self.key = folder.name
        self.root = folder / "root.ext4"
        # Of some kinds only.
        self.ramdisk = folder / "ramdisk.cpio.zst"
        self.kernel = folder / "vmlinuz"
        self.initrd = folder / "initrd.img"
        self.kernel_version = json.loads((folder / "info.json").read_text())["kernelVersion"]


def ssh_key() -> pathlib.Path:
    """The private key that opens every machine of these tests; made once for each cache."""
    key = paths.cache() / "ssh_key"
    if not key.exists():
        with tempfile.TemporaryDirectory(dir=paths.cache()) as folder:
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "trident-e2e",
                 "-f", f"{folder}/key"])
            os.rename(f"{folder}/key.pub", key.with_suffix(".pub"))
            os.rename(f"{folder}/key", key)
    return key


def public_key() -> str:
    """The line of authorized_keys that fits ssh_key()."""
    return pathlib.Path(f"{ssh_key()}.pub").read_text().strip()


def base(kind: str = "plain") -> Base:
    """The base tree from the cache, made when it is not there yet."""
    key = hashlib.sha256(pathlib.Path(__file__).read_bytes() + repr(KINDS[kind]).encode()
                         + public_key().encode()).hexdigest()[:16]
    prefix = "base-" if kind == "plain" else f"base-{kind}-"
    folder = paths.cache() / f"{prefix}{key}"
    with (paths.cache() / "base.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            print(f"Making the {kind} base tree (once; it is kept in the cache) ...", flush=True)
            # Beside the result, so that the rename is atomic.
            with tempfile.TemporaryDirectory(prefix="base-tmp-", dir=paths.cache()) as temporary:
                _make(pathlib.Path(temporary), KINDS[kind])
                os.rename(f"{temporary}/result", folder)
            for old in paths.cache().glob(f"{prefix}????????????????"):
                if old != folder:
                    shutil.rmtree(old)
    return Base(folder)


def _sources(folder: pathlib.Path, suite: str) -> list[str]:
    """The machine's own apt sources; for another suite, its archive with that suite."""
    etc = pathlib.Path("/etc/apt")
    candidates = [etc / "sources.list", *sorted(etc.glob("sources.list.d/*.sources")),
                  *sorted(etc.glob("sources.list.d/*.list"))]
    found = []
    for file in candidates:
        words = file.read_text().split() if file.exists() else []
        if SUITE in words and "main" in words:
            found.append(str(file))
    if suite == SUITE:
        return found
    archives = [uri for file in found for uri in re.findall(r"https?://\S*/debian/?(?=\s)",
                                                            pathlib.Path(file).read_text())]
    if not archives:
        raise ProgramError("the machine's apt sources name no Debian archive that could have "
                           f"{suite} too")
    other = folder / "other.list"
    other.write_text(f"deb {archives[0]} {suite} main\n")
    return [str(other)]


def _packages(kind: Kind) -> list[str]:
    names = [name for name in [*PACKAGES, *kind.packages]
             if not (kind.dracut and name in INITRAMFS_PACKAGES)]
    if kind.suite == "trixie":
        names = [NAMES_IN_TRIXIE.get(name, name) for name in names]
    return [name for name in names if name]


def _apt_options(folder: pathlib.Path) -> list[str]:
    """How the machine's apt reaches its mirrors (proxies, relaxed date checks) counts here too."""
    options = 'APT::Install-Recommends "false";\nAcquire::Languages "none";\n'
    for line in run(["apt-config", "dump", "Acquire"]).splitlines():
        if re.match(r"Acquire::(https?::|Check-|Retries)", line):
            options += line + "\n"
    file = folder / "apt.conf"
    file.write_text(options)
    return [f"--aptopt={file}"]


def _make(folder: pathlib.Path, kind: Kind) -> None:
    tree = folder / "tree"
    (folder / "initramfs.conf").write_text(INITRAMFS_CONF)
    (folder / "initramfs.modules").write_text(INITRAMFS_MODULES)
    (folder / "dracut.conf").write_text(DRACUT_CONF)
    # In place before the kernel's package makes its initrd.
    initrd_hooks = [
        '--essential-hook=mkdir -p "$1/etc/dracut.conf.d"',
        f"--essential-hook=upload {folder}/dracut.conf /etc/dracut.conf.d/e2e.conf",
    ] if kind.dracut else [
        '--essential-hook=mkdir -p "$1/etc/initramfs-tools/conf.d" '
        '"$1/usr/share/initramfs-tools/modules.d"',
        f"--essential-hook=upload {folder}/initramfs.conf /etc/initramfs-tools/conf.d/e2e",
        f"--essential-hook=upload {folder}/initramfs.modules "
        "/usr/share/initramfs-tools/modules.d/e2e",
    ]
    run(["mmdebstrap", "--variant=minbase", "--mode=root", "--format=directory",
         *_apt_options(folder),
         *[f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED],
         f"--include={','.join(_packages(kind))}",
         *initrd_hooks,
         *([f'--customize-hook=chroot "$1" sh -ec "cd /tmp; apt-get -q download '
            f'{" ".join(UNPACKED)}"',
            # /sbin and /lib are links.
            '--customize-hook=for package in "$1"/tmp/*.deb; do dpkg-deb --fsys-tarfile "$package" '
            '| tar -x --keep-directory-symlink -C "$1" && rm "$package"; done']
           if kind.suite == SUITE else []),
         kind.suite, tree, *_sources(folder, kind.suite)], timeout=1200)
    _customize(tree, kind)

    result = folder / "result"
    result.mkdir()
    [kernel] = (tree / "boot").glob("vmlinuz-*")
    version = kernel.name.removeprefix("vmlinuz-")
    shutil.copyfile(kernel, result / "vmlinuz")
    shutil.copyfile(tree / "boot" / f"initrd.img-{version}", result / "initrd.img")
    run(["mke2fs", "-q", "-t", "ext4", "-U", ROOT_UUID, "-N", "49152", "-m", "1",
         "-E", "root_owner=0:0,lazy_itable_init=0,lazy_journal_init=0,nodiscard",
         "-d", tree, result / "root.ext4", f"{kind.root_mib}M"])
    if kind.ramdisk:
        _ramdisk(tree, result / "ramdisk.cpio.zst")
    (result / "info.json").write_text(json.dumps({"kernelVersion": version}))


def _customize(tree: pathlib.Path, kind: Kind) -> None:
    for name, text in FILES.items():
        if name in kind.without:
            continue
        file = tree / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    ready = tree / "usr/local/sbin/e2e-ready"
    ready.write_text(READY_SCRIPT)
    ready.chmod(0o755)

    ssh = tree / "root/.ssh"
    ssh.mkdir(mode=0o700, exist_ok=True)
    (ssh / "authorized_keys").write_text(public_key() + "\n")
    (ssh / "authorized_keys").chmod(0o600)
    for key in (tree / "etc/ssh").glob("ssh_host_*"):
        if "ed25519" not in key.name:
            key.unlink()

    units = tree / "etc/systemd/system"
    for unit in MASKED:
        link = units / unit
        link.unlink(missing_ok=True)
        link.symlink_to("/dev/null")
    wants = units / "multi-user.target.wants"
    wants.mkdir(exist_ok=True)
    for unit, target in (("e2e-ready.service", "/etc/systemd/system"),
                         ("systemd-networkd.service", "/lib/systemd/system")):
        link = wants / unit
        link.unlink(missing_ok=True)
        link.symlink_to(f"{target}/{unit}")

    for folder in ("var/cache/apt", "var/lib/apt/lists", "var/log"):
        shutil.rmtree(tree / folder)
        (tree / folder).mkdir()
    for folder in ("boot/efi", "var/lib/trident", "etc/trident", "home", *kind.folders):
        (tree / folder).mkdir(parents=True, exist_ok=True)
    (tree / "etc/apt/apt.conf.d/99mmdebstrap").unlink(missing_ok=True)
    (tree / "init").symlink_to("sbin/init")


def _ramdisk(tree: pathlib.Path, target: pathlib.Path) -> None:
    names = []
    for folder, folders, files in os.walk(tree):
        here = os.path.relpath(folder, tree)
        for name in [*folders, *files]:
            path = f"./{name}" if here == "." else f"./{here}/{name}"
            if not NOT_IN_RAMDISK.match(path):
                names.append(path)
    names.sort()
    with target.open("wb") as out:
        cpio = subprocess.Popen(["cpio", "--quiet", "--null", "-o", "-H", "newc", "-R", "+0:+0"],
                                cwd=tree, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        zstd = subprocess.Popen(["zstd", "-q", "-T2", "-9", "-c"], stdin=cpio.stdout, stdout=out)
        cpio.stdout.close()
        cpio.stdin.write(b"\0".join(os.fsencode(name) for name in names) + b"\0")
        cpio.stdin.close()
        if cpio.wait() != 0 or zstd.wait() != 0:
            raise ProgramError(f"making {target} with cpio and zstd failed")
