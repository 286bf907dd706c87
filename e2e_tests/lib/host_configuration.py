"""The document that the machines are brought to: two ESPs, two roots, a volume for the store."""

import yaml

from lib import paths
from lib.http_server import ImageServer


def example(server: ImageServer, name: str, images) -> str:
    """A document of docs/examples/storage; only where its images come from is changed."""
    text = (paths.REPOSITORY / "docs/examples/storage" / f"{name}.yaml").read_text()
    content = yaml.safe_load(text)
    for image in content["storage"]["images"]:
        file = getattr(images, image["targetId"])
        image.update(url=server.add(file.file), sha256=file.sha256, format=file.format)
        if "verityRootHash" in image:
            image["verityRootHash"] = images.root_hash
    return yaml.safe_dump(content, sort_keys=False)


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
