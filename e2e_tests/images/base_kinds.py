"""What there is of base trees (base_tree.py). A new kind, or a change to one, makes no other
anew."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Kind:
    """What one base has that others do not need."""
    packages: tuple[str, ...] = ()
    root_mib: int = 512
    # Of FILES, left out.
    without: tuple[str, ...] = ()
    suite: str = "bookworm"
    # There is a provisioning OS of it too.
    ramdisk: bool = False
    # dracut makes the initrd, instead of initramfs-tools.
    dracut: bool = False
    # Further folders.
    folders: tuple[str, ...] = ()


NETWORKD_FILE = "etc/systemd/network/10-eth0.network"
KINDS = {
    "plain": Kind(ramdisk=True),
    # Debian 13: it has systemd-sysupdate. The agent in it is the same program.
    "trixie": Kind(packages=("systemd-container",), root_mib=640, suite="trixie", ramdisk=True),
    # Its network comes from netplan alone: what is not in the Host Configuration is not there.
    "netplan": Kind(packages=("netplan.io",), root_mib=640, without=(NETWORKD_FILE,), ramdisk=True),
    # Debian 12's initramfs-tools cannot open a root that dm-verity protects. Such a root has the
    # mount points of its documents from the beginning.
    "verity": Kind(packages=("dracut",), dracut=True, folders=("data",)),
    # Runs containers; without a network of their own, whose programs are not there.
    "podman": Kind(packages=("podman", "crun", "conmon"), root_mib=768),
    # Has a policy of SELinux and the tools to label files and to ask for labels.
    "selinux": Kind(packages=("selinux-policy-default", "selinux-utils", "policycoreutils"),
                    root_mib=768),
}
