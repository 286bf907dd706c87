"""A real OCI registry on loopback, and pushing files to it."""

import hashlib
import json
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.parse
import urllib.request

MANIFEST = "application/vnd.oci.image.manifest.v1+json"


class Registry:
    """Debian's docker-registry. Use as a context manager."""

    def __init__(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._folder = tempfile.TemporaryDirectory(prefix="trident-registry-")

    def __enter__(self) -> "Registry":
        folder = pathlib.Path(self._folder.name)
        configuration = folder / "config.yml"
        configuration.write_text(
            "version: 0.1\nlog: {level: warn}\n"
            f"storage: {{filesystem: {{rootdirectory: {folder}/storage}}}}\n"
            f"http: {{addr: '127.0.0.1:{self.port}'}}\n")
        with (folder / "output.log").open("w") as log:
            self._process = subprocess.Popen(["docker-registry", "serve", str(configuration)],
                                             stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + 30
        while True:
            try:
                self._send("GET", "/v2/", None)
                return self
            except OSError:
                said = (folder / "output.log").read_text()
                assert self._process.poll() is None, f"the registry ended: {said}"
                assert time.monotonic() < deadline, f"the registry does not answer: {said}"
                time.sleep(0.1)

    def __exit__(self, *_) -> None:
        self._process.terminate()
        self._process.wait()
        self._folder.cleanup()

    def push(self, repository: str, tag: str, file: pathlib.Path) -> str:
        """Pushes a file as the only layer of an artifact and returns the digest of the manifest."""
        layer = self._push_blob(repository, file.read_bytes())
        manifest = json.dumps({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json",
                       "digest": self._push_blob(repository, b"{}"), "size": 2},
            "layers": [{"mediaType": "application/vnd.example.image", "digest": layer,
                        "size": file.stat().st_size,
                        "annotations": {"org.opencontainers.image.title": file.name}}]}).encode()
        self._send("PUT", f"/v2/{repository}/manifests/{tag}", manifest, MANIFEST)
        return f"sha256:{hashlib.sha256(manifest).hexdigest()}"

    def _push_blob(self, repository: str, content: bytes) -> str:
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        begun = self._send("POST", f"/v2/{repository}/blobs/uploads/", b"")
        place = urllib.parse.urlsplit(begun.headers["Location"])
        separator = "&" if place.query else ""
        self._send("PUT", f"{place.path}?{place.query}{separator}digest={digest}", content)
        return digest

    def _send(self, method: str, path: str, body: bytes | None,
              media_type: str = "application/octet-stream"):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", data=body,
                                         method=method, headers={"Content-Type": media_type})
        with urllib.request.urlopen(request, timeout=60) as answer:
            answer.read()
            return answer
