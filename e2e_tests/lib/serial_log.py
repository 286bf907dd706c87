"""What a machine said on its serial console, line by line, with waiting for a line."""

import re
import threading
import time
import pathlib


class SerialLog:
    """Follows the file that QEMU writes the serial console to. Thread-safe."""

    def __init__(self, file: pathlib.Path):
        self.file = file
        self._changed = threading.Condition()
        self._text = ""
        self._stop = threading.Event()
        file.touch()
        self._thread = threading.Thread(target=self._follow, name="serial", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def text(self) -> str:
        with self._changed:
            return self._text

    def find_all(self, pattern: str) -> list[re.Match]:
        return list(re.finditer(pattern, self.text()))

    def wait(self, ready, timeout: float, what: str):
        """Waits until ready(text) gives something and returns that. Raises TimeoutError."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while True:
                found = ready(self._text)
                if found:
                    return found
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{what}: not within {timeout:.0f} s. The end of the serial "
                                       f"console:\n{self.tail()}")
                self._changed.wait(left)

    def tail(self, lines: int = 40) -> str:
        with self._changed:
            return "\n".join(self._text.splitlines()[-lines:])

    def _follow(self) -> None:
        with self.file.open("rb") as opened:
            while not self._stop.is_set():
                data = opened.read()
                if not data:
                    # Files cannot be waited for; this is a poll, not a pause that a test relies on.
                    self._stop.wait(0.05)
                    continue
                text = data.decode("utf-8", "replace").replace("\r", "")
                # Colours and cursor moves of the firmware.
                text = re.sub(r"\x1b\[[0-9;=]*[A-Za-z]", "", text)
                with self._changed:
                    self._text += text
                    self._changed.notify_all()
