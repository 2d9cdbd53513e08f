"""Settings: four layers, one winner; what is unknown or bad is named."""

from __future__ import annotations

import argparse

import pytest

from dicomweb.settings import (
    Settings,
    SettingsError,
    add_flags,
    given_flags,
    is_loopback,
    load,
    table,
)


@pytest.fixture
def toml(tmp_path):
    path = tmp_path / "dicomweb.toml"
    path.write_text("port = 1003\nsearch_limit = 3\n")
    return str(path)


def test_a_flag_wins_over_the_environment_that_over_the_file_that_over_the_default(toml):
    environment = {"DICOMWEB_CONFIG": toml, "DICOMWEB_PORT": "1002"}
    assert load({}, {}).settings.port == 8080
    assert load({"config": toml}, {}).settings.port == 1003
    assert load({}, environment).settings.port == 1002
    assert load({"port": "1001"}, environment).settings.port == 1001


def test_each_value_knows_where_it_came_from(toml):
    loaded = load({"port": "1"}, {"DICOMWEB_CONFIG": toml, "DICOMWEB_LOG": "json"})
    told = {name: loaded.origins[name] for name in ("port", "log", "search_limit", "host")}
    assert told == {
        "port": "flag --port",
        "log": "environment DICOMWEB_LOG",
        "search_limit": toml,
        "host": "default",
    }


BAD = {
    "unknown variable": ({}, {"DICOMWEB_PROT": "1"}, "DICOMWEB_PORT meant"),
    "a variable that begins like a known one": ({}, {"DICOMWEB_CONFIGS": "1"}, "DICOMWEB_CONFIGS"),
    "an empty variable": ({}, {"DICOMWEB_PORT": ""}, 'port is "" (environment DICOMWEB_PORT)'),
    "no folder": ({}, {"DICOMWEB_DATA": ""}, 'data is "" (environment DICOMWEB_DATA)'),
    "a file URL with a host": ({"objects": "file://host/x"}, {}, "file:///"),
    "a file URL of nothing": ({"objects": "file://"}, {}, "file:///"),
    "a file URL with a fragment": ({"objects": "file:///a#b"}, {}, "file:///"),
    "bad number in a flag": ({"port": "x"}, {}, "port is 'x' (flag --port)"),
    "out of range": ({}, {"DICOMWEB_PORT": "70000"}, "port is '70000' (environment DICOMWEB_PORT)"),
    "no such choice": ({"log": "xml"}, {}, "log is 'xml'"),
    "another database": ({"index": "mysql://x"}, {}, "sqlite:/// or postgresql://"),
    "an object store": ({"objects": "s3://bucket"}, {}, "not supported yet"),
    "a file that is not there": ({"config": "/no/such.toml"}, {}, "/no/such.toml"),
    "another address": ({"host": "0.0.0.0"}, {}, "--open-to-network"),
    "users nobody can check": ({"dimse_user_required": "true"}, {}, "needs credentials"),
    "TLS without a certificate": ({"dimse_tls_port": "2762"}, {}, "needs tls_certificate"),
    "a title too long": ({"ae_title": "A" * 17}, {}, "1 to 16 ASCII characters"),
    "peers that are no table": ({"peers": "x"}, {}, "JSON object"),
    "SEC-02: one port for two": ({"port": "8080", "dimse_port": "8080"}, {}, "have to differ"),
    "a peer without port": ({"peers": '{"A": {"host": "h"}}'}, {}, "peers.A.port"),
    "a name, which might be anywhere": ({"host": "example"}, {}, "--open-to-network"),
}


@pytest.mark.parametrize("flags, environment, said", BAD.values(), ids=BAD)
def test_what_is_wrong_is_named(flags, environment, said):
    with pytest.raises(SettingsError) as error:
        load(flags, environment)
    assert said in str(error.value)
    assert str(error.value).endswith((".", "?"))


@pytest.mark.parametrize(
    "content, said", [("prot = 1", "port"), ("port = 'x'", "port is 'x'"), ("port = ", "read")]
)
def test_what_is_wrong_in_the_file_is_named(tmp_path, content, said):
    path = tmp_path / "bad.toml"
    path.write_text(content)
    with pytest.raises(SettingsError) as error:
        load({"config": str(path)}, {})
    assert said in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(
    "location",
    [
        "://me:s3cret@host/db",
        "://me:a@s3cret@host/db",
        "://me:a/s3cret@host/db",
        "://:s3cret@host/db",
        "://host/db?user=me&password=s3cret",
        "://host/db?sslpassword=s3cret",
    ],
)
def test_a_password_is_never_shown(location):
    shown = table(load({"index": f"postgresql{location}"}, {}))
    assert "s3cret" not in shown
    assert "***" in shown
    with pytest.raises(SettingsError) as error:
        load({"index": f"mysql{location}"}, {})
    assert "s3cret" not in str(error.value)


@pytest.mark.parametrize("index", ["postgresql:/me:s3cret@host/db", "me:s3cret@host/db"])
def test_nor_is_one_in_what_is_no_url(index):
    with pytest.raises(SettingsError) as error:
        load({"index": index}, {})
    assert "s3cret" not in str(error.value)


def test_the_table_has_every_setting_with_its_value_origin_and_help():
    lines = table(load({"strict": "True"}, {})).splitlines()
    assert len(lines) == len(Settings.model_fields)
    (strict,) = (line for line in lines if line.startswith("strict"))
    assert "true" in strict
    assert "flag --strict" in strict
    assert Settings.model_fields["strict"].description in strict


def test_every_setting_has_a_flag():
    parser = argparse.ArgumentParser()
    add_flags(parser)
    given = parser.parse_args(["--port", "1", "--no-strict", "--log-level", "debug"])
    assert given_flags(given) == {"port": "1", "strict": "False", "log_level": "debug"}
    for name in Settings.model_fields:
        assert "--" + name.replace("_", "-") in parser.format_help()


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_loopback_is_told_apart(host):
    assert is_loopback(host)
    assert Settings(host=host).host == host


def test_the_index_and_the_objects_lie_in_the_data_unless_said_otherwise(tmp_path):
    settings = Settings(data=tmp_path)
    assert settings.index_url == f"sqlite:///{tmp_path}/index.sqlite"
    assert settings.objects_folder == tmp_path / "objects"
    assert Settings(objects="file:///o%20o").objects_folder.as_posix() == "/o o"
