"""The door: reads the command line, and opens the window, a command, or the engine."""

import argparse
import errno
import logging
import os
import sys
import threading
from collections.abc import MutableMapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from reply_desktop.config import Config, default_data_dir
from reply_desktop.domain.errors import EngineUnavailable, InvalidInput, ReplyDesktopError, VaultUnavailable
from reply_desktop.domain.notification import plain

if TYPE_CHECKING:
    from reply_desktop.sandbox.process import Sandbox

_STAND_INS: Final = "sandbox-process"
"""First word of the command line that makes a frozen app be the sandbox's own process."""
_INTERRUPTED: Final = 130
_NOBODY_READS: Final = 141
"""Exit codes as shells give them for SIGINT and SIGPIPE."""
_LONGEST: Final = 10_000
_UNWRITABLE: Final = (errno.EACCES, errno.EDQUOT, errno.ENOSPC, errno.EPERM, errno.EROFS)


_WITHOUT_VAULT: Final = ("unlock", "doctor")
"""Commands of the sandbox that make sense before its accounts' sign-ins can be sealed."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `reply-desktop` with these arguments; gives the exit code."""
    if getattr(sys, "frozen", False):
        leave_the_bundle(os.environ)
    for name in ("stdout", "stderr"):
        # Closed by the shell, or an app without a console.
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w", encoding="utf-8"))  # noqa: SIM115 - for the whole life
    words = list(sys.argv[1:] if argv is None else argv)
    if words[:1] == [_STAND_INS]:
        from reply_desktop.sandbox.__main__ import main as stand_in

        return stand_in(words[1:])
    from reply_desktop.cli import parser
    from reply_desktop.cli.shapes import UNKNOWN_EXIT

    args = parser.build().parse_args(words)
    try:
        _refuse_unreadable(words)
        code = _enter(args)
        sys.stdout.flush()
        return code
    except ReplyDesktopError as error:
        text = str(error)
    except KeyboardInterrupt:
        sys.stderr.write("Cancelled.\n")
        return _INTERRUPTED
    except BrokenPipeError:
        # Who reads has enough, `head` for instance. What is left must not be tried again at the very end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _NOBODY_READS
    except OSError as error:
        if error.errno not in _UNWRITABLE:
            raise
        text = f"{error.filename or 'The answer'} cannot be written: {error.strerror}."
    sys.stderr.write(f"{plain(text, _LONGEST)}\n")
    return UNKNOWN_EXIT if args.command == "check" else 2


def _enter(args: argparse.Namespace) -> int:
    config = Config(args.data_dir or default_data_dir(sandbox=args.sandbox), sandbox=args.sandbox)
    _make_folder(config)
    if args.command == "worker":
        return _worker(config, args)
    if args.command == "restore":
        return _restore(config, args)
    if args.command == "stop":
        return _stop(config)
    if args.command is not None:
        return _command(config, args)
    from reply_desktop import app

    if args.sandbox:
        # Not before Qt is loaded: its loader changes the list of module finders, and a thread that goes
        # through that list meanwhile misses one and finds no module at all.
        threading.Thread(target=_fill_sandbox, args=(config,), name="sandbox-seed", daemon=True).start()
    return app.run(config, hidden=args.hidden, link=args.open)


def _refuse_unreadable(words: Sequence[str]) -> None:
    for word in words:
        try:
            word.encode()
        except UnicodeEncodeError:
            shown = word.encode(errors="replace").decode()
            raise InvalidInput(f"{shown} is not text in UTF-8.", "Give it in plain characters.") from None


def leave_the_bundle(environment: MutableMapping[str, str]) -> None:
    """Put back what the frozen app's loader set to find the app's own libraries, which is done by now.

    Otherwise what we start, a browser or a file manager, would load our libraries in place of its own. The
    person's value lies beside it (PyInstaller manual, "LD_LIBRARY_PATH / LIBPATH considerations").
    """
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "LIBPATH"):
        environment.pop(name, None)
        if (original := environment.pop(f"{name}_ORIG", None)) is not None:
            environment[name] = original


def _make_folder(config: Config) -> None:
    try:
        config.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise InvalidInput(
            f"The data folder {config.data_dir} cannot be made: {error.strerror}.",
            "Choose another with --data-dir.",
        ) from None


def _sandbox(config: Config) -> "Sandbox":
    from reply_desktop.sandbox import process

    command = [sys.executable, _STAND_INS] if getattr(sys, "frozen", False) else None
    try:
        return process.start(config.sandbox_dir, command=command)
    except process.SandboxFailed as error:
        raise ReplyDesktopError(str(error)) from error


def _command(config: Config, args: argparse.Namespace) -> int:
    from reply_desktop.cli.browser import open_browser
    from reply_desktop.cli.commands import Commands, utc_now
    from reply_desktop.cli.front import Front
    from reply_desktop.sandbox.seed import seed

    def front() -> Front:
        if not config.sandbox:
            return Front(config)
        stand_ins = _sandbox(config)
        made = Front(config)
        try:
            seed(stand_ins, made)
        except VaultUnavailable:
            if args.command not in _WITHOUT_VAULT:
                made.close()
                raise
        return made

    return Commands(front, open_browser, utc_now).run(args)


def _fill_sandbox(config: Config) -> None:
    """Beside the opening window: start the stand-ins and give a new sandbox its accounts."""
    from reply_desktop.cli.front import Front
    from reply_desktop.sandbox.seed import seed

    try:
        stand_ins = _sandbox(config)
        front = Front(config)
        try:
            try:
                seed(stand_ins, front)
            except VaultUnavailable:
                front.vault_opened()
                seed(stand_ins, front)
        finally:
            front.close()
    except ReplyDesktopError as error:
        # The window meets the same trouble by itself and shows it.
        logging.getLogger(__name__).warning("The sandbox has no accounts: %s", error)


def _worker(config: Config, args: argparse.Namespace) -> int:
    from reply_desktop import logs

    logs.set_up(config.logs_dir, "engine", logging.DEBUG if args.verbose else logging.INFO)
    from reply_desktop.engine import life

    # Asked only by the engine that has the folder: one that came too late is to start nothing.
    endpoints = (lambda: _sandbox(config).endpoints()) if config.sandbox else None
    try:
        return life.run(config, once=args.once, endpoints=endpoints)
    except EngineUnavailable as error:
        if args.once:
            raise
        # Two fronts started an engine at once: the other one serves, and this is no failure.
        logging.getLogger(__name__).info("%s", error)
        return 0
    except ReplyDesktopError:
        logging.getLogger(__name__).exception("The engine could not start")
        raise


def _restore(config: Config, args: argparse.Namespace) -> int:
    from reply_desktop.channel.launch import stop_running
    from reply_desktop.engine import life

    stop_running(config)
    kept = life.restore(config, args.file)
    text = f"Restored from {args.file}." + (f" The data before it is kept as {kept}." if kept else "")
    sys.stderr.write(text + "\n")
    return 0


def _stop(config: Config) -> int:
    from reply_desktop.channel.launch import stop_running

    sys.stderr.write("Stopped.\n" if stop_running(config) else "No engine was running.\n")
    if config.sandbox:
        from reply_desktop.sandbox import process

        try:
            process.stop(config.sandbox_dir)
        except process.SandboxFailed as error:
            raise ReplyDesktopError(str(error)) from error
    return 0


if __name__ == "__main__":
    sys.exit(main())
