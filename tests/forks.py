"""Processes of orchestra at the price of a fork, where what they import is not what is tested.

Starting Python with langchain and textual takes some two seconds of a core, hundreds of times a
suite. Here one process imports them, and each process that a test asks for is a fork of it: a real
one, a child of the test, with its own streams, signals, folder, environment and end. ``Popen`` and
``run`` are those of ``subprocess``, and start as ever what no fork can be: another program, other
options of Python, another encoding of the streams, an interpreter that has to prove what it loads.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import gc
import inspect
import io
import json
import os
import pkgutil
import runpy
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

FILTERS = [*warnings.filters]  # before anything is imported that has its own
ENCODING, ERRORS = sys.__stdout__.encoding, sys.__stdout__.errors
STREAMS = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))
# What is known only as the interpreter starts.
STARTUP = {"PYTHONUTF8", "PYTHONHASHSEED", "PYTHONDEVMODE", "PYTHONTRACEMALLOC", "LC_ALL"}
SUBREAPER = 36  # prctl: whose parent ends becomes a child of this process
FORGOTTEN: list[str] = []
FIELDS = [*inspect.signature(subprocess.Popen._execute_child).parameters][1:]


class Popen(subprocess.Popen):  # type: ignore[type-arg]
    """A process like any other; ``closed`` names streams that it begins without."""

    def __init__(self, command: list[str], *, closed: tuple[int, ...] = (), **options: Any) -> None:
        self._closed = closed
        super().__init__(command, **options)

    def _execute_child(self, *given: Any) -> None:
        told = dict(zip(FIELDS, given, strict=True))
        if not forkable(told):
            assert not self._closed
            return super()._execute_child(*given)
        ends = [told[name] for name in ("p2cread", "c2pwrite", "errwrite")]
        fds = [number if end == -1 else end for number, end in enumerate(ends)]
        try:
            self.pid = Server.one().fork(
                {
                    "args": [str(it) for it in told["args"][1:]],
                    "cwd": os.fspath(told["cwd"] or Path.cwd()),
                    "env": dict(os.environ if told["env"] is None else told["env"]),
                    "session": told["start_new_session"],
                    "closed": self._closed,
                },
                fds,
            )
        finally:
            pipes = ("p2cread", "p2cwrite", "c2pread", "c2pwrite", "errread", "errwrite")
            self._close_pipe_fds(*(told[name] for name in pipes))
        self._child_created = True
        return None


def forkable(told: dict[str, Any]) -> bool:
    args = told["args"]
    if sys.platform != "linux" or not isinstance(args, list) or args[0] != sys.executable:
        return False
    if args[1] != "-c" and args[1:3] != ["-m", "orchestra"] and not args[1].endswith(".py"):
        return False
    if told["shell"] or told["preexec_fn"] or told["pass_fds"]:
        return False
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL:  # it is inherited
        return False
    env = os.environ if told["env"] is None else told["env"]
    if env.get("PYTHONUTF8") == "1" and ENCODING == "utf-8":  # as it is anyway
        env = {**env, "PYTHONUTF8": os.environ.get("PYTHONUTF8")}
    return all(env.get(name) == os.environ.get(name) for name in STARTUP)


def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[Any]:
    """``subprocess.run``, by a fork."""
    timeout, check = options.pop("timeout", None), options.pop("check", False)
    if options.pop("capture_output", False):
        options |= {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with Popen(command, **options) as process:
        try:
            out, err = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
    done = subprocess.CompletedProcess(command, process.returncode, out, err)
    if check:
        done.check_returncode()
    return done


class Server:
    """The process that is forked, as its client sees it; one for each worker of the suite."""

    _one: Server | None = None

    @classmethod
    def one(cls) -> Server:
        if cls._one is None:
            cls._one = cls()
            atexit.register(cls._one.close)
        return cls._one

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        here = Path(__file__).parent
        begin = f"import sys; sys.path.insert(1, {str(here)!r}); import forks; "
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", f"{begin}forks.serve({theirs.fileno()})"],
                pass_fds=[theirs.fileno()],
                cwd=here.parent,  # not the folder of the test that happens to be the first
                stdin=subprocess.DEVNULL,
            )

    def fork(self, what: dict[str, Any], fds: list[int]) -> int:
        """The pid of a new child of this process."""
        with adopting():
            socket.send_fds(self._socket, [json.dumps(what).encode("utf-8", "surrogatepass")], fds)
            return int(self._socket.recv(64))

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


@contextlib.contextmanager
def adopting() -> Iterator[None]:
    """Only while a fork is made: other orphans of a test are nobody's, as they always were."""
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    assert prctl(SUBREAPER, 1, 0, 0, 0) == 0
    try:
        yield
    finally:
        prctl(SUBREAPER, 0, 0, 0, 0)


def serve(fd: int) -> None:
    """Fork for each request; returns at their end, and in the forks when their program has."""
    prepare()
    with socket.socket(fileno=fd) as asked:
        while True:
            data, fds, _, _ = socket.recv_fds(asked, 1 << 20, 3)
            if not data:
                return
            reader, writer = os.pipe()
            between = os.fork()
            if between == 0:  # its child becomes the tester's, as soon as it has ended
                pid = os.fork()
                if pid:
                    os.write(writer, b"%d" % pid)
                    os._exit(0)
                break
            os.waitpid(between, 0)
            asked.send(os.read(reader, 64))
            for it in (*fds, reader, writer):
                os.close(it)
    os.close(reader)
    os.close(writer)
    become(json.loads(data.decode("utf-8", "surrogatepass")), fds)


def prepare() -> None:
    """Import what a process of orchestra may import."""
    atexit.register(forget)  # the first to be registered is the last to be called
    for name in ("langchain.agents.middleware", "langchain_openai"):
        import_module(name)
    package = import_module("orchestra").__path__
    for found in pkgutil.walk_packages(package, "orchestra."):
        if "__main__" not in found.name and "pytest_plugin" not in found.name:
            import_module(found.name)
    gc.collect()
    gc.freeze()  # what is shared is not written to, and not looked at
    outlive()


def outlive() -> None:
    """At the end of a fork others' modules are not taken apart: that takes a tenth of a second.

    It is the end of the interpreter all the same, with what belongs to it: threads, handlers,
    streams, and the modules of Python and of orchestra.
    """
    own = {*sys.stdlib_module_names, "__main__", "orchestra", "forks"}
    others = [it for it in sys.modules.items() if it[0].partition(".")[0] not in own]
    held = others, [[*it.__dict__.values()] for it in [*sys.modules.values()]]
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(held))  # nobody gives this one back
    FORGOTTEN[:] = [name for name, _ in others]


def forget() -> None:
    """What is in no list of modules, the interpreter does not look for at its end."""
    for name in FORGOTTEN:
        sys.modules.pop(name, None)


def become(what: dict[str, Any], fds: list[int]) -> None:
    """Be the process that was asked for, from here to the end of the interpreter."""
    if what["session"]:
        os.setsid()
    os.chdir(what["cwd"])
    os.environ.clear()
    os.environ.update(what["env"])
    begin_streams(fds, what["closed"])
    begin_warnings()
    sys.path.remove(str(Path(__file__).parent))
    main = sys.modules["__main__"].__dict__
    del main["forks"]
    flag, *rest = what["args"]
    if flag == "-m":
        sys.path[0] = str(Path.cwd())
        sys.argv[:] = rest
        runpy._run_module_as_main(rest[0])
    elif flag == "-c":
        sys.path[0] = ""
        sys.argv[:] = ["-c", *rest[1:]]
        exec(compile(rest[0], "<string>", "exec"), main)
    else:
        sys.path[0] = str(Path(flag).parent)
        sys.argv[:] = what["args"]
        main["__file__"] = flag
        exec(compile(Path(flag).read_bytes(), flag, "exec"), main)


def begin_streams(fds: list[int], closed: list[int]) -> None:
    """Those that were asked for; of one that is closed Python makes None."""
    for number, (name, mode) in enumerate(STREAMS):
        getattr(sys, name).flush()
        os.dup2(fds[number], number)
        if number in closed:
            os.close(number)
        stream = None if number in closed else opened(number, mode)
        setattr(sys, name, stream)
        setattr(sys, f"__{name}__", stream)
    for fd in {*fds} - {0, 1, 2}:
        os.close(fd)


def begin_warnings() -> None:
    """PYTHONWARNINGS comes before what is there from the start, and after what was imported."""
    sys.warnoptions[:] = filter(None, os.environ.get("PYTHONWARNINGS", "").split(","))
    imported = warnings.filters[: len(warnings.filters) - len(FILTERS)]
    warnings.filters[:] = FILTERS
    for option in sys.warnoptions:
        warnings.simplefilter(option)  # type: ignore[arg-type]
    warnings.filters[:0] = imported


def opened(number: int, mode: str) -> io.TextIOWrapper:
    """A standard stream as the interpreter opens it."""
    raw = io.FileIO(number, mode, closefd=False)
    buffered = io.BufferedReader(raw) if mode == "r" else io.BufferedWriter(raw)
    encoding, _, errors = os.environ.get("PYTHONIOENCODING", "").partition(":")
    through = mode == "w" and bool(os.environ.get("PYTHONUNBUFFERED"))
    return io.TextIOWrapper(
        buffered,
        encoding=encoding or ENCODING,
        errors="backslashreplace" if number == 2 else errors or ("strict" if encoding else ERRORS),
        newline=None if mode == "r" else "\n",
        line_buffering=number == 2 or raw.isatty() or through,
        write_through=through,
    )
