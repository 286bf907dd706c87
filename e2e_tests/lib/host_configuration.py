"""The document that the machines are brought to: two ESPs, two roots, a volume for the store."""

import re

import yaml

from lib import paths
from lib.http_server import ImageServer


EXAMPLES = paths.REPOSITORY / "docs/examples"


def example(server: ImageServer, name: str, images) -> str:
    """A document of docs/examples/storage; only where its images come from is changed."""
    content = yaml.safe_load((EXAMPLES / "storage" / f"{name}.yaml").read_text())
    for image in content["storage"]["images"]:
        file = getattr(images, image["targetId"])
        _serve(server, image, file)
        image["format"] = file.format
        if "verityRootHash" in image:
            image["verityRootHash"] = images.root_hash
    return yaml.safe_dump(content, sort_keys=False)


def sample(server: ImageServer, images, phonehome: str, ssh_key: str) -> str:
    """docs/examples/sample.yaml with the tests' addresses, hash of the root image and keys."""
    content = yaml.safe_load((EXAMPLES / "sample.yaml").read_text())
    content["management"]["phonehome"] = phonehome
    for image in content["storage"]["images"]:
        file = getattr(images, image["targetId"])
        assert image["format"] == file.format, f"{file.file} is not what {image} asks for"
        if not image["url"].startswith("file:"):
            _serve(server, image, file)
    for user in content["osconfig"]["users"]:
        if "sshKeys" in user:
            user["sshKeys"] = [ssh_key]
    return yaml.safe_dump(content, sort_keys=False)


def kickstart(server: ImageServer, name: str, images, ssh_key: str) -> str:
    """A kickstart of docs/examples/kickstart; the addresses of the images and the keys are
    changed."""
    text = (EXAMPLES / "kickstart" / f"{name}.ks").read_text()
    for part in ("esp", "root"):
        text = text.replace(f"http://192.0.2.10:8000/{part}.raw.zst",
                            server.add(getattr(images, part).file))
    return re.sub(r"ssh-ed25519 [^\"]+", ssh_key, text)


def with_store(document: str, path: str) -> str:
    """The document with another management.datastorePath."""
    content = yaml.safe_load(document)
    content["management"]["datastorePath"] = path
    return yaml.safe_dump(content, sort_keys=False)


def _serve(server: ImageServer, image: dict, file) -> None:
    image.update(url=server.add(file.file), sha256=file.sha256)


def document(server: ImageServer, images, device: str = "/dev/vda") -> str:
    """A Host Configuration with these images (images.variants.Images), served by this server."""
    def image(target: str, file) -> dict:
        return {"url": server.add(file.file), "sha256": file.sha256, "format": file.format,
                "targetId": target}

    def partition(name: str, kind: str, size: str) -> dict:
        return {"id": name, "type": kind, "size": size}

    def mount(path: str, filesystem: str, options: list[str], target: str) -> dict:
        return {"path": path, "filesystem": filesystem, "options": options, "targetId": target}

    return yaml.safe_dump({
        "management": {"datastorePath": "/var/lib/trident/datastore.sqlite"},
        "storage": {
            "disks": [{
                "id": "os", "device": device, "partitionTableType": "gpt",
                "partitions": [
                    partition("esp-a", "esp", "256M"), partition("esp-b", "esp", "256M"),
                    partition("root-a", "root", "1G"), partition("root-b", "root", "1G"),
                    partition("trident", "linux-generic", "128M"),
                    partition("rest", "home", "grow"),
                ],
            }],
            "mountPoints": [
                mount("/", "ext4", ["defaults"], "root"),
                mount("/boot/efi", "vfat", ["umask=0077"], "esp"),
                mount("/var/lib/trident", "ext4", ["defaults"], "trident"),
            ],
            "abUpdate": {"volumePairs": [
                {"id": "esp", "volumeAId": "esp-a", "volumeBId": "esp-b"},
                {"id": "root", "volumeAId": "root-a", "volumeBId": "root-b"},
            ]},
            "images": [image("esp", images.esp), image("root", images.root)],
        },
    }, sort_keys=False)
