"""Finds the engine of a data folder or starts it, in a process that outlives us; restarts and stops it."""

import logging
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from reply_desktop.channel.client import Client, NotRunning, hand_over
from reply_desktop.channel.lock import is_held, owner
from reply_desktop.channel.messages import Shutdown
from reply_desktop.config import Config
from reply_desktop.domain.errors import EngineBroken, EngineDiffers, EngineUnavailable
from reply_desktop.domain.notification import plain

_log = logging.getLogger(__name__)

START_S: Final = 15.0
"""How long an engine may take to answer after it was started, in seconds."""
END_S: Final = 15.0
"""How long an engine may take to end after it was told to, in seconds."""
BACKOFF_S: Final = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
"""Waits before the first, second, … restart in a row, in seconds."""
MOST_EXITS: Final = 5
EXITS_WITHIN_S: Final = 300.0

_LOOK_S: Final = (0.002, 0.005, 0.01, 0.02, 0.025)
_MOST_STARTS: Final = 3
_ERROR_BYTES: Final = 4096
_LOG_BYTES: Final = 1024 * 1024

# A process is reaped when its Popen is polled; engines that end while this front lives wait here for it.
_started: list["_Outliving"] = []


def ensure_engine(
    config: Config,
    *,
    events: bool = False,
    on_event: Callable[[Any], None] | None = None,
    on_lost: Callable[[], None] | None = None,
    timeout_s: float = START_S,
    take_over: bool = True,
    cancelled: threading.Event | None = None,
    command: Sequence[str] | None = None,
) -> Client:
    """A connection to the data folder's engine, which is started when it is not there.

    An engine of another version is asked to hand over, unless `take_over` is False: then EngineDiffers is
    raised. Several callers at once, in any processes, end up with one and the same engine. `cancelled` ends
    the wait for an engine; `command` starts another program than our own, in tests. Raises EngineUnavailable
    with the reason when no engine answers in time.
    """
    deadline = time.monotonic() + timeout_s
    cancelled = cancelled or threading.Event()
    child: _Child | None = None
    looks = starts = 0
    while True:
        left = _left(deadline)
        try:
            client = Client(config, events=events, on_event=on_event, on_lost=on_lost, timeout_s=left)
        except EngineDiffers:
            if not take_over:
                raise
            trouble = _take_over(config, left)
        except EngineUnavailable as error:
            trouble = error
        else:
            if child is not None:
                child.leave()
            return client
        if time.monotonic() >= deadline or cancelled.is_set():
            raise _not_started(config, trouble, child)
        if (child is None or child.ended()) and not is_held(config.lock_file):
            # A child that ended quietly found another engine, which has ended meanwhile.
            if child is not None and (child.failed() or starts >= _MOST_STARTS):
                raise _not_started(config, trouble, child)
            child = _Child(config, command or engine_command(config))
            starts += 1
            looks = 0
        cancelled.wait(_LOOK_S[min(looks, len(_LOOK_S) - 1)])
        looks += 1


def stop_engine(client: Client, config: Config, timeout_s: float = END_S) -> None:
    """Tell the engine to end, and wait until it has given up the data folder. Closes the client.

    Raises EngineUnavailable when it does not end in time.
    """
    deadline = time.monotonic() + timeout_s
    try:
        client.ask(Shutdown(), timeout_s)
    except EngineUnavailable:
        if not client.wait_gone(0):
            raise
        # Our connection is lost; that need not be the engine's end.
        stop_running(config, _left(deadline))
    finally:
        client.wait_gone(_left(deadline))
        client.close()
    _wait_released(config, str(client.welcome.pid), deadline)


def stop_running(config: Config, timeout_s: float = END_S) -> bool:
    """Tell the data folder's engine, of whatever version, to end and wait for it; False when there is none.

    Raises EngineUnavailable when it does not end in time.
    """
    deadline = time.monotonic() + timeout_s
    if not is_held(config.lock_file):
        return False
    pid = owner(config.lock_file)
    while _is_engine(config, pid):
        try:
            hand_over(config, _left(deadline), own_too=True)
            break
        except EngineUnavailable as error:
            # It may be on its way up, or on its way down.
            if time.monotonic() >= deadline:
                raise _out_of_reach(config, error) from None
            threading.Event().wait(_LOOK_S[-1])
    _wait_released(config, pid, deadline)
    return True


def engine_command(config: Config, *, frozen: bool | None = None) -> list[str]:
    """The command that runs the data folder's engine; `frozen`: by the app's own binary."""
    if frozen is None:
        frozen = bool(getattr(sys, "frozen", False))
    # -P: the data folder is the working folder, and nothing there is to be taken for our code.
    program = [sys.executable] if frozen else [sys.executable, "-P", "-m", "reply_desktop"]
    options = ["--data-dir", str(config.data_dir.resolve()), *(["--sandbox"] if config.sandbox else [])]
    return [*program, "worker", *options]


def child_environment(environment: Mapping[str, str], *, frozen: bool) -> dict[str, str]:
    """The environment for a process of our own that is to live without us.

    The variable makes a frozen app's child unpack for itself (PyInstaller manual, "Independent subprocess").
    """
    return {**environment, **({"PYINSTALLER_RESET_ENVIRONMENT": "1"} if frozen else {})}


class Restarts:
    """When to start a crashed engine again. Times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._exits: deque[float] = deque()
        self._row = 0

    def after_exit(self, now: float) -> float | None:
        """The engine ended (or could not start) at `now`: how long to wait; None: it ended too often."""
        if self._exits and now - self._exits[-1] > EXITS_WITHIN_S:
            self._row = 0
        self._exits.append(now)
        while now - self._exits[0] > EXITS_WITHIN_S:
            self._exits.popleft()
        if len(self._exits) >= MOST_EXITS:
            return None
        self._row += 1
        return BACKOFF_S[min(self._row, len(BACKOFF_S)) - 1]


class _Child:
    """An engine process we started, in a session of its own, with nothing of our standard streams."""

    def __init__(self, config: Config, command: Sequence[str]) -> None:
        _reap()
        self._errors = config.logs_dir / "engine.err"
        try:
            config.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            config.logs_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            if self._errors.exists() and self._errors.stat().st_size > _LOG_BYTES:
                self._errors.unlink()
            errors = os.open(self._errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        except OSError as error:
            raise EngineUnavailable(
                f"The data folder {config.data_dir} cannot be written: {error.strerror}.",
                "Check the disk, and who may write there.",
            ) from error
        try:
            self._before = os.fstat(errors).st_size
            self._process = _Outliving(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                cwd=config.data_dir,
                env=child_environment(os.environ, frozen=bool(getattr(sys, "frozen", False))),
                **_detached(),
            )
        except OSError as error:
            raise EngineUnavailable(
                f"The background service cannot be started: {error.strerror}.", "Install Reply Desktop again."
            ) from error
        finally:
            os.close(errors)
        _log.info("Started the engine, process %d", self._process.pid)

    def ended(self) -> bool:
        return self._process.poll() is not None

    def failed(self) -> bool:
        """Whether it ended by a fault; one that found another engine at work ends quietly."""
        return bool(self._process.poll())

    def leave(self) -> None:
        """It serves; it is to outlive us."""
        _started.append(self._process)

    def last_words(self) -> str:
        """The last line it wrote to its standard error."""
        try:
            with self._errors.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(self._before, size - _ERROR_BYTES))
                lines = file.read(_ERROR_BYTES).decode(errors="replace").strip().splitlines()
            full = not lines and not shutil.disk_usage(self._errors.parent).free
        except OSError:
            return ""
        # On a full disk it cannot even say so.
        return "The disk is full." if full else plain(lines[-1]) if lines else ""


class _Outliving(subprocess.Popen[bytes]):
    """A process that is meant to live on after us, so that dropping it is no reason to warn."""

    def __del__(self, *_: Any) -> None:
        return


def _detached() -> dict[str, Any]:
    if sys.platform == "win32":
        return {"creationflags": subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP}
    return {"start_new_session": True}


def _reap() -> None:
    _started[:] = [process for process in _started if process.poll() is None]


def _take_over(config: Config, timeout_s: float) -> EngineUnavailable:
    """Ask the engine of another version to end; gives what to say if it stays all the same."""
    try:
        hand_over(config, timeout_s)
    except EngineUnavailable as error:
        return error
    return EngineUnavailable("An engine of another version keeps running.", "Quit it first.")


def _not_started(config: Config, trouble: EngineUnavailable, child: _Child | None) -> EngineUnavailable:
    if child is None:
        return _out_of_reach(config, trouble)
    if not child.ended():
        child.leave()
        return EngineUnavailable(f"The background service does not start: {trouble.what}", trouble.todo)
    words = child.last_words()
    kind = EngineBroken if words else EngineUnavailable
    return kind(
        f"The background service ended at once{': ' + words if words else '.'}",
        "`reply-desktop doctor` and the log in the data folder tell more.",
    )


def _out_of_reach(config: Config, trouble: EngineUnavailable) -> EngineUnavailable:
    if not (isinstance(trouble, NotRunning) and is_held(config.lock_file)):
        return trouble
    # Its key or its socket was deleted.
    return EngineUnavailable(
        "The background service runs, but cannot be reached.",
        f"End its process, number {owner(config.lock_file)}, and try again.",
    )


def _left(deadline: float) -> float:
    return max(0.05, deadline - time.monotonic())


def _is_engine(config: Config, pid: str) -> bool:
    """Whether that engine, and not one that came after it, has the data folder."""
    return is_held(config.lock_file) and owner(config.lock_file) == pid


def _wait_released(config: Config, pid: str, deadline: float) -> None:
    while _is_engine(config, pid):
        if time.monotonic() >= deadline:
            raise EngineUnavailable("The engine does not end.", "End its process, then try again.")
        threading.Event().wait(_LOOK_S[-1])
