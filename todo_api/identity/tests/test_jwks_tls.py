"""Key sets that are fetched over TLS."""

import datetime
import ipaddress
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization

from todo_api.identity.jwks import KeySetUnavailable, KeyStore
from todo_api.identity.tests.issuer import hang, private_key, send_slowly, wait_for_fetches
from todo_api.identity.tests.key_stores import SHORT_BUDGET, A, is_fetching, names, seconds_until_unavailable


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    key, name = private_key("ES256", "tls"), x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "issuer")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now.replace(year=2999))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + made.public_bytes(serialization.Encoding.PEM)
    path = tmp_path_factory.mktemp("tls") / "issuer.pem"
    path.write_bytes(pem)
    return path


@pytest.fixture
def tls_issuer(issuer, certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    issuer.socket = context.wrap_socket(issuer.socket, server_side=True, do_handshake_on_connect=False)
    issuer.url = issuer.url.replace("http:", "https:")
    return issuer


def test_keys_are_fetched_over_tls(tls_issuer, certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    assert names(KeyStore(tls_issuer.url, "EdDSA").keys_for(A)) == ["a"]


def test_an_untrusted_certificate_is_refused(tls_issuer):
    with pytest.raises(KeySetUnavailable, match="CERTIFICATE_VERIFY_FAILED"):
        KeyStore(tls_issuer.url, "EdDSA").keys_for(A)


@pytest.mark.parametrize(
    "slow", [hang, send_slowly(b"HTTP/1.0 200 OK\r\n\r\n"), send_slowly(b"HTTP/1.1 200 OK\r\nX-Long: ", byte=b"x")]
)
def test_a_slow_response_over_tls_is_cut_off(tls_issuer, certificate, monkeypatch, slow):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    tls_issuer.respond = slow
    store = KeyStore(tls_issuer.url, "EdDSA", SHORT_BUDGET)

    assert seconds_until_unavailable(store) < SHORT_BUDGET.budget + 0.5
    wait_for_fetches()
    assert not is_fetching()
