"""Paths and addresses."""

import os
from pathlib import Path

from reply_desktop.config import Config, Endpoints, default_data_dir


def test_everything_lies_in_the_data_folder(tmp_path: Path) -> None:
    config = Config(tmp_path)
    for path in (config.database, config.lock_file, config.engine_file, config.key_file, config.vault_file,
                 config.logs_dir, config.sandbox_dir):  # fmt: skip
        assert path.is_relative_to(tmp_path)
    assert Path(config.channel_address).parent == tmp_path


def test_a_deep_folder_gets_a_short_socket_of_its_own(tmp_path: Path) -> None:
    one, other = Config(tmp_path / ("x" * 90)), Config(tmp_path / ("y" * 90))
    assert len(os.fsencode(one.channel_address)) <= 96
    assert one.channel_address != other.channel_address


def test_the_sandbox_never_shares_a_folder_with_the_real_app() -> None:
    assert default_data_dir() != default_data_dir(sandbox=True)


def test_real_hosts_are_the_default_and_all_are_https() -> None:
    endpoints = Endpoints()
    urls = [getattr(endpoints, name) for name in Endpoints.__slots__ if name != "ca_file"]
    assert all(url.startswith("https://") for url in urls)
    assert {url.split("/")[2] for url in urls} == {
        "accounts.google.com",
        "oauth2.googleapis.com",
        "openidconnect.googleapis.com",
        "gmail.googleapis.com",
        "login.microsoftonline.com",
        "graph.microsoft.com",
        "autoconfig.thunderbird.net",
    }
