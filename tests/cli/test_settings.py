"""Where settings come from: flag, environment, ./ewallet.toml, the user's file, default."""

from __future__ import annotations

from argparse import Namespace

import pytest

from ewallet.errors import UsageError
from verifier_cli.settings import Settings


@pytest.fixture
def home(tmp_path, monkeypatch) -> dict[str, str]:
    """An environment with a home of its own; the working folder is beside it."""
    (tmp_path / "here").mkdir()
    (tmp_path / "config" / "ewallet").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "here")
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


def _write(path, text):
    path.write_text(f"[verifier]\n{text}\n", "utf-8")


def test_a_flag_goes_before_the_environment_and_that_before_files(home, tmp_path):
    """Each place is asked only where the one before it is silent."""
    _write(tmp_path / "config" / "ewallet" / "config.toml", 'lang = "en"\nmax_bytes = 1\nstate = "sqlite://"')
    _write(tmp_path / "here" / "ewallet.toml", 'lang = "en"\nmax_bytes = 2')
    settings = Settings(Namespace(lang="ko"), home | {"EWALLET_MAX_AGE": "30"})

    assert ("ko", 30, 2, "sqlite://", None) == tuple(
        settings.get(name) for name in ("lang", "max_age", "max_bytes", "state", "trust")
    )


def test_a_zero_is_a_value_and_an_unset_switch_is_none(home):
    """``--max-age 0`` is not the absence of ``--max-age``."""
    settings = Settings(Namespace(max_age=0, offline=False), home | {"EWALLET_OFFLINE": "yes", "EWALLET_MAX_AGE": "9"})

    assert (0, True) == (settings.get("max_age"), settings.get("offline"))


def test_paths_in_a_file_are_beside_that_file(home, tmp_path):
    """A trust list named in the user's file is found from every folder."""
    _write(tmp_path / "config" / "ewallet" / "config.toml", 'trust = "trust.jwt"')

    assert str(tmp_path / "config" / "ewallet" / "trust.jwt") == Settings(Namespace(), home).get("trust")


@pytest.mark.parametrize(
    "text", ['trusk = "a typo"', "max_age = true", 'max_age = "30"', "unsafe_skip_status = true", "= broken", "\udcff"]
)
def test_a_file_that_says_something_else_is_refused(home, tmp_path, text):
    """A typo in a setting is not passed over, and what makes a verdict laxer is no setting."""
    (tmp_path / "here" / "ewallet.toml").write_text(f"[verifier]\n{text}\n", "utf-8", "surrogateescape")

    with pytest.raises(UsageError) as refused:
        Settings(Namespace(), home)
    assert "usage.configuration" == refused.value.code


BELIEFS = {
    "trust": '"trust.jwt"',
    "trust_key": '"operator.pem"',
    "state": '"sqlite:///seen.db"',
    "audience": '"x509_san_dns:bank.example"',
    "max_age": "9999",
    "offline": "false",
}


@pytest.mark.parametrize("name", BELIEFS)
def test_x5t_17_the_working_folder_does_not_say_whom_to_believe(home, tmp_path, name):
    """X5T-17: it may have come from whoever is to be judged; the same line in the user's own file is a setting."""
    line = f"{name} = {BELIEFS[name]}"
    _write(tmp_path / "config" / "ewallet" / "config.toml", line)

    assert Settings(Namespace(), home).get(name) is not None
    _write(tmp_path / "here" / "ewallet.toml", line)
    with pytest.raises(UsageError, match=rf"sets {name}, expected --.*, EWALLET_{name.upper()} or ") as refused:
        Settings(Namespace(), home)
    assert "usage.configuration" == refused.value.code


def test_x5t_17_a_relative_folder_of_settings_is_ignored(tmp_path, monkeypatch):
    """X5T-17: else the working folder would be that of the user's settings."""
    (tmp_path / "ewallet").mkdir()
    _write(tmp_path / "ewallet" / "config.toml", 'trust = "trust.jwt"')
    monkeypatch.chdir(tmp_path)

    assert Settings(Namespace(), {"XDG_CONFIG_HOME": "."}).get("trust") is None


def test_tables_of_others_are_not_ours(home, tmp_path):
    """The file may set up other programs too."""
    (tmp_path / "here" / "ewallet.toml").write_text("[issuer]\nport = 8000\n", "utf-8")

    assert Settings(Namespace(), home).get("lang") is None


@pytest.mark.parametrize(("name", "text"), [("MAX_AGE", "soon"), ("MAX_BYTES", "-1"), ("OFFLINE", "perhaps")])
def test_a_variable_of_another_kind_is_refused(home, name, text):
    """A number is a number, a switch is on or off."""
    with pytest.raises(UsageError) as refused:
        Settings(Namespace(), home | {f"EWALLET_{name}": text}).get(name.lower())
    assert "usage.configuration" == refused.value.code


def test_what_must_be_set_is_named(home):
    """The error names the flag and the variable."""
    with pytest.raises(UsageError, match="--trust-key is missing, and so is EWALLET_TRUST_KEY") as refused:
        Settings(Namespace(), home).required("trust_key")
    assert "usage.configuration" == refused.value.code


def test_settings_reach_the_command(desk):
    """The environment alone is enough to judge."""
    env = {"EWALLET_TRUST": "trust.jwt", "EWALLET_TRUST_KEY": "operator.jwk", "EWALLET_OFFLINE": "1"}
    ended = desk.run(
        "ewallet-verify", "verify", "answer.json", "--request", "answer.request.json", "--status", "status.jwt",
        "--at", desk.at, env=env,
    )  # fmt: skip

    assert (0, "accepted") == (ended.code, ended.document["verdict"])
