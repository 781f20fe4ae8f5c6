"""Meters at the wall: addresses, passwords and certificates, and what is shown of them."""

import logging
import time

import pytest
from machine import steady
from machine.plugs import Plug
from test_external import heard, meter_of, run_of
from tries import until

from carbon_magic import config
from carbon_magic.meters import external
from carbon_magic.meters.external.address import address, addresses
from carbon_magic.meters.external.credentials import Credentials, Keys
from carbon_magic.meters.site import Site
from carbon_magic.report import bundle


@pytest.mark.parametrize(
    ("url", "kind", "host", "port", "tls"),
    [
        ("shelly://plug", "shelly", "plug", 80, False),
        ("shelly+https://plug:8443?id=1", "shelly", "plug", 8443, True),
        ("tasmota://192.168.1.7", "tasmota", "192.168.1.7", 80, False),
        ("redfish://bmc/redfish/v1/Chassis/1/Power", "redfish", "bmc", 443, True),
        ("redfish+http://bmc", "redfish", "bmc", 80, False),
        ("prometheus://mon", "prometheus", "mon", 9090, False),
        ("prometheus+https://mon", "prometheus", "mon", 443, True),
        ("shelly://[fe80::1]:81", "shelly", "fe80::1", 81, False),
    ],
)
def test_addresses_as_people_write_them(url, kind, host, port, tls):
    one = address(url)
    assert (one.kind, one.host, one.port, one.tls) == (kind, host, port, tls)


def test_a_query_may_hold_commas():
    text = 'prometheus+http://mon:9090?query=sum(x_watts{a="1",b="2"}), shelly://plug'
    assert [one.kind for one in addresses(text)] == ["prometheus", "shelly"]
    assert addresses(text)[0].options["query"] == 'sum(x_watts{a="1",b="2"})'


@pytest.mark.parametrize(
    "url",
    [
        "http://plug", "shelly://", "plug", "shelly://admin:hunter2@plug", "shelly://hunter2@plug", "shelly://plug?password=hunter2",
        "shelly://plug:hunter2", "redfish+ftp://bmc", "prometheus://mon?query=up", "prometheus://mon?query=x_watts&unit=hp",
        "shelly://plug?id=one", "shelly://[plug", "redfish://bmc?verify=no", ",".join(["shelly://a"] * 9),
    ],
)  # fmt: skip
def test_a_wrong_address_is_one_sentence_that_repeats_no_secret(url):
    settings, problems = config.current({}, {"CARBON_MAGIC_WALL": url})
    assert settings.wall is None
    [problem] = problems
    assert "hunter2" not in problem
    assert len(problem) < 250
    assert problem.startswith("CARBON_MAGIC_WALL: ")
    [missing] = external.find(Site({"CARBON_MAGIC_WALL": url}, time.monotonic)).missing
    assert "hunter2" not in str(missing)


@pytest.mark.parametrize("kind", ["shelly", "tasmota", "redfish", "prometheus"])
def test_a_password_opens_it_and_is_shown_nowhere(kind, caplog):
    caplog.set_level(logging.DEBUG)
    metrics = ("ceems_redfish_power_current_watts",)
    with Plug(kind, steady(90), password="hunter2", metrics=metrics) as plug:  # noqa: SIM117
        with meter_of(plug.url, CARBON_MAGIC_WALL_PASSWORD="admin:hunter2") as meter:
            until(lambda: heard(meter))
            run, *_ = run_of(0.3, meter)
            assert run.others[0].energy_j > 0
            said = [
                str(run.to_dict()),
                repr(run),
                str(bundle(run)),
                repr(meter),
                repr(vars(meter)),
                repr(meter._client),
            ]
            said += [repr(vars(meter._client)), repr(vars(meter._client._keys)), caplog.text]
            said += [line for line in plug.asked if line.startswith("GET")]
            assert not [text for text in said if "hunter2" in text]


@pytest.mark.parametrize("kind", ["shelly", "tasmota", "redfish"])
def test_a_device_that_asks_for_a_password_is_told_and_a_wrong_one_too(kind, monkeypatch):
    monkeypatch.setattr("carbon_magic.meters.external.credentials._from_keyring", lambda host: None)
    with Plug(kind, steady(90), password="hunter2", metrics=("new",)) as plug:
        with meter_of(plug.url) as meter:
            meter.read()
            until(lambda: meter.unheard())
            run, *_ = run_of(0.1, meter)
            assert run.notes == ("At the wall: it asks for a password",)
        with meter_of(plug.url, CARBON_MAGIC_WALL_PASSWORD="admin:wrong") as meter:
            meter.read()
            until(lambda: meter.unheard())
            run, *_ = run_of(0.1, meter)
            assert run.notes == ("At the wall: it does not take the password given",)


def test_the_keyring_is_asked_only_when_the_device_asks(monkeypatch):
    asked = []

    def keyring(host):
        asked.append(host)
        return "admin:hunter2"

    monkeypatch.setattr("carbon_magic.meters.external.credentials._from_keyring", keyring)
    with Plug("shelly", steady(90)) as plug, meter_of(plug.url) as meter:
        until(lambda: heard(meter))
        assert asked == []
        plug.password = "hunter2"
        until(lambda: asked == ["127.0.0.1"])
        count = len(plug.asked)
        until(lambda: len(plug.asked) > count + 2)
        assert heard(meter)


def test_what_opens_a_server_is_not_sent_to_a_plug():
    environ = {"CARBON_MAGIC_WALL_PASSWORD": "root:secret", "CARBON_MAGIC_WALL_PASSWORD_BMC_EXAMPLE_ORG": "admin:own"}
    assert Keys("plug", False, environ).told is None
    assert Keys("bmc.example.org", False, environ).told.password == "own"
    assert Keys("plug", True, environ).told.password == "secret"
    assert "secret" not in repr(Credentials("root", "secret"))


def test_a_password_does_not_travel_in_the_clear(monkeypatch):
    """A server's management by plain http, not on this machine: nothing is sent, and why is told."""
    monkeypatch.setattr("carbon_magic.meters.external.address.Address.loopback", False)
    with (
        Plug("redfish", steady(90), password="hunter2") as plug,
        meter_of(plug.url, CARBON_MAGIC_WALL_PASSWORD="hunter2") as meter,
    ):
        meter.read()
        until(lambda: meter.unheard() == "it asks for a password, which is not sent without TLS")
        assert all("Authorization" not in headers for headers in plug.headers)


@pytest.fixture
def certificate(tmp_path):
    """One that nobody has signed, as management controllers have; for 127.0.0.1."""
    import datetime
    import ipaddress

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "bmc")])
    now = datetime.datetime.now(datetime.UTC)
    host = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now).not_valid_after(now + datetime.timedelta(days=1)).add_extension(host, False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
    plain = serialization.NoEncryption(), serialization.PrivateFormat.PKCS8, serialization.Encoding.PEM
    (tmp_path / "key.pem").write_bytes(key.private_bytes(plain[2], plain[1], plain[0]))
    (tmp_path / "cert.pem").write_bytes(made.sign(key, hashes.SHA256()).public_bytes(plain[2]))
    return str(tmp_path / "cert.pem"), str(tmp_path / "key.pem")


def test_a_certificate_is_verified_and_its_authority_may_be_named(certificate):
    with Plug("redfish", steady(90), password="hunter2", tls=certificate) as plug:
        environ = {"CARBON_MAGIC_WALL_PASSWORD": "admin:hunter2"}
        with meter_of(plug.url, **environ) as meter:
            meter.read()
            until(lambda: "certificate is not trusted" in (meter.unheard() or ""))
            assert plug.asked == []
        with meter_of(f"{plug.url}?ca={certificate[0]}", **environ) as meter:
            until(lambda: heard(meter))
        with meter_of(f"{plug.url}?ca=/no/such/file", **environ) as meter:
            meter.read()
            until(lambda: "?ca= names is not there" in (meter.unheard() or ""))
