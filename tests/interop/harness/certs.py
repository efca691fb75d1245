# SPDX-License-Identifier: MIT
"""Certificates of one case, made with the openssl command: an authority, and a server below it."""

import subprocess

NAMES = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
AUTHORITY = ("basicConstraints=critical,CA:TRUE", "keyUsage=critical,keyCertSign,cRLSign")
SERVER = (NAMES, "extendedKeyUsage=serverAuth", "keyUsage=critical,digitalSignature")


def issue(folder, name, subject, extensions, issuer=None):
    command = ["openssl", "req", "-new", "-x509", "-days", "10", "-sha256", "-nodes"]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", subject]
    command += ["-keyout", f"{folder}/{name}.key", "-out", f"{folder}/{name}.pem"]
    # A config of our own: the system's would add extensions that contradict these.
    command += ["-config", "/dev/stdin", "-extensions", "made"]
    if issuer:
        command += ["-CA", f"{folder}/{issuer}.pem", "-CAkey", f"{folder}/{issuer}.key"]
    config = "[req]\ndistinguished_name=name\n[name]\n[made]\n" + "\n".join(extensions) + "\n"
    subprocess.run(command, input=config.encode(), check=True, stderr=subprocess.PIPE)


def make(folder, chain_length=1):
    """Writes ca.pem, cert.pem (server first, then `chain_length - 1` intermediates) and priv.key.

    Intermediates are padded to about a kilobyte each: a long chain is one that needs many datagrams.
    """
    issue(folder, "ca", "/CN=quoin interop authority", AUTHORITY)
    issuer, chain = "ca", []
    for number in range(1, chain_length):
        padding = f"nsComment={'padding ' * 100}"
        name = f"intermediate{number}"
        issue(folder, name, f"/CN=quoin interop {name}", (*AUTHORITY, padding), issuer)
        issuer = name
        chain.insert(0, name)
    issue(folder, "server", "/CN=localhost", SERVER, issuer)
    (folder / "server.key").rename(folder / "priv.key")
    certificates = [(folder / f"{name}.pem").read_bytes() for name in ("server", *chain)]
    (folder / "cert.pem").write_bytes(b"".join(certificates))
    key = (folder / "priv.key").read_bytes()
    (folder / "combined.pem").write_bytes(b"".join([*certificates, key]))


def make_for(folder, host):
    """Writes HOST.pem and HOST.key, below the authority of make()."""
    issue(folder, host, f"/CN={host}", (f"subjectAltName=DNS:{host}", *SERVER[1:]), "ca")


def spki_hash(certificate):
    """Base64 of the SHA-256 of the public key, the form that browsers take."""
    pipeline = (
        f"openssl x509 -in '{certificate}' -pubkey -noout | openssl pkey -pubin -outform der"
        " | openssl dgst -sha256 -binary | openssl base64 -A"
    )
    return subprocess.run(
        ["sh", "-c", pipeline], check=True, capture_output=True, text=True
    ).stdout.strip()
