"""The words of the commands on sequences: sequences, suppressions, sending, forecast."""

import argparse

from reply_desktop.cli.words import add, delimiter, given_path, number, some_or_all, with_json
from reply_desktop.domain.log_entry import LogKind


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add them to the commands there are."""
    _sequences(commands)
    _suppressions(commands)
    sending = add(commands, "sending", "stop all sending of all sequences, or let it go on")
    actions = sending.add_subparsers(dest="action", metavar="ACTION", required=True)
    add(actions, "pause", "nothing leaves until it is resumed")
    add(actions, "resume", "sending goes on, paced")
    forecast = add(commands, "forecast", "what the next hours bring, for each hour and account")
    forecast.add_argument("sequence", nargs="?", metavar="SEQ", help="a name or id; default: all")
    forecast.add_argument("--hours", type=number, default=24, metavar="N")
    with_json(forecast)


def _sequences(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    sequences = add(commands, "sequences", "make, import into, start, pause and look at sequences")
    actions = sequences.add_subparsers(dest="action", metavar="ACTION", required=True)
    with_json(add(actions, "list", "all sequences with indicator and counts"))
    with_json(_named(actions, "show", "one sequence: accounts, steps, counts and what is wrong"))
    create = add(actions, "create", "make a sequence from a YAML or TOML file")
    create.add_argument("file", type=given_path, metavar="FILE")
    with_json(create)
    edit = _named(actions, "edit", "change a sequence to what a file says; prospects keep their places")
    edit.add_argument("file", type=given_path, metavar="FILE")
    with_json(edit)
    _named(actions, "export-file", "print a sequence as YAML, which create and edit read")
    _import(actions)
    start = _named(actions, "start", "let a sequence send; by itself in about a quarter of an hour")
    when = start.add_mutually_exclusive_group()
    when.add_argument("--at", metavar="TIME", help="ISO 8601, for instance 2026-03-02T09:00+01:00")
    when.add_argument("--in", dest="after", metavar="SPAN", help="for instance 15m or 2h")
    when.add_argument("--now", action="store_true", help="at once")
    with_json(start)
    with_json(_named(actions, "pause", "stop a sequence; it goes on where it was"))
    stop = _named(actions, "stop-prospects", "send nothing more to these prospects of a sequence")
    stop.add_argument("emails", nargs="+", metavar="EMAIL")
    settle = _named(actions, "settle", "say whether a mail whose outcome is unknown was sent")
    settle.add_argument("email", metavar="EMAIL")
    how = settle.add_mutually_exclusive_group(required=True)
    how.add_argument("--sent", action="store_true", help="it arrived: the sequence goes on")
    how.add_argument("--not-sent", action="store_true", help="it did not: it is sent")
    log = _named(actions, "log", "what happened, newest first")
    log.add_argument("--kind", action="append", choices=[kind.value for kind in LogKind], metavar="KIND")
    log.add_argument("--limit", type=some_or_all, default=100, metavar="N", help="default 100; 0: all")
    log.add_argument(
        "--export", type=given_path, metavar="FILE", help="write all as CSV, safe for spreadsheets"
    )
    with_json(log)
    prospects = _named(actions, "export-prospects", "prospects with state and fields as CSV")
    prospects.add_argument("file", type=given_path, metavar="FILE")
    remove = add(actions, "remove", "forget sequences with their logs; nothing more is sent")
    remove.add_argument("sequences", nargs="+", metavar="SEQ")


def _import(actions: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    load = _named(actions, "import-prospects", "enroll the prospects of a CSV file: all or none of them")
    load.add_argument("file", type=given_path, metavar="CSV")
    load.add_argument("--email-column", metavar="HEADER", help="which column holds the addresses")
    load.add_argument(
        "--map",
        action="append",
        default=[],
        metavar="HEADER=FIELD",
        help="the merge field a column becomes; nothing after the = leaves the column out",
    )
    load.add_argument("--encoding", metavar="NAME", help="for instance windows-1252; default: found out")
    load.add_argument("--delimiter", type=delimiter, metavar="CHARACTER", help="default: found out")
    load.add_argument("--dry-run", action="store_true", help="only say how the file is read")
    with_json(load)


def _suppressions(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    suppressions = add(commands, "suppressions", "addresses that no sequence ever writes to")
    actions = suppressions.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = add(actions, "list", "the suppression list, newest first")
    show.add_argument("--text", type=str, default="", help="only addresses with this in them")
    with_json(show)
    put = add(actions, "add", "never write to these addresses again")
    put.add_argument("emails", nargs="+", metavar="EMAIL")
    put.add_argument("--note", type=str, default="", help="why, for yourself")
    take = add(actions, "remove", "let these addresses be written to again")
    take.add_argument("emails", nargs="+", metavar="EMAIL")


def _named(
    actions: "argparse._SubParsersAction[argparse.ArgumentParser]", name: str, text: str
) -> argparse.ArgumentParser:
    action = add(actions, name, text)
    action.add_argument("sequence", metavar="SEQ", help="its name or id")
    return action
