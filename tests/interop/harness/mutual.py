# SPDX-License-Identifier: MIT
"""Clients that must show a certificate: who is served, who is turned away, and for which reason.

The authority that the server goes by and a false one bear the same name. Clients choose by the name that the server
says, so only this way one shows a certificate that the server has to refuse by its signature.
"""

import certs
from clients import quoin_command
from world import Failure, compare_folders, make_file, wait_until

VISITOR = ("subjectAltName=DNS:visitor.example", "extendedKeyUsage=clientAuth", "keyUsage=critical,digitalSignature")


def make_visitors(folder):
    """Writes visitor.pem and .key, below visitors.pem, and stranger.pem and .key, below another of the same name."""
    for authority, client in (("visitors", "visitor"), ("strangers", "stranger")):
        certs.issue(folder, authority, "/CN=authority of visitors", certs.AUTHORITY)
        certs.issue(folder, client, f"/CN={client}", VISITOR, authority)


def identity(world, who):
    return ["--cert", world.certs / f"{who}.pem", "--key", world.certs / f"{who}.key"] if who else []


def curl(world, job, port, who):
    command = [world.peer("curl"), "-q", "--http3-only", "--silent", "--show-error", "--fail", "--verbose"]
    command += ["--cacert", world.certs / "ca.pem", "--resolve", f"localhost:{port}:{job.host}", "--max-time", "20"]
    command += ["--output", world.downloads / "page", *identity(world, who)]
    return [*command, f"https://localhost:{port}/page"]


def gtlsclient(world, job, port, who):
    command = [world.peer("gtlsclient"), "--exit-on-all-streams-close", "--timeout=20s", "--no-http-dump"]
    command += ["--sni=localhost", f"--download={world.downloads}"]
    command += [f"{option}={value}" for option, value in zip(*[iter(identity(world, who))] * 2)]
    return [*command, job.host, str(port), f"https://localhost:{port}/page"]


def quoin(world, job, port, who):
    command = quoin_command(world, job, port) + ["--output-dir", world.downloads, *identity(world, who)]
    return [*command, f"https://localhost:{port}/page"]


CLIENTS = {"curl": curl, "gtlsclient": gtlsclient, "quoin": quoin}

# How each refusal is told, by whoever tells it best: the server if it is ours, else our client. nginx lets everybody
# finish the handshake and answers with a page.
REASONS = {
    "quoin": {None: "certificate_required", "stranger": "CERTIFICATE_UNTRUSTED"},
    "caddy13": {None: "certificate_required", "stranger": "unknown_ca"},
    "nginx": {None: "status 400", "stranger": "status 400"},
}


def check(world, job, port):
    page = world.downloads / "page"
    make_file(world.www / "page", 1000)

    def ask(who):
        page.unlink(missing_ok=True)
        process = world.spawn(f"{job.client}-{who}", CLIENTS[job.client](world, job, port, who))
        return process.finish(job.seconds), process

    def is_served():
        status, _ = ask("visitor")
        if status != 0:
            raise Failure(f"{job.client} ended with status {status} though it showed the right certificate")
        compare_folders(world.www, world.downloads, ["page"])

    is_served()
    for who, reason in REASONS[job.server].items():
        status, client = ask(who)
        # gtlsclient makes the file before it asks, and ends with 0 whatever came of it.
        if (page.is_file() and page.stat().st_size) or (job.client != "gtlsclient" and status == 0):
            raise Failure(f"a client that showed the certificate of {who or 'nobody'} was served")
        teller = job.server_process if job.server == "quoin" else client
        wait_until(lambda: reason in teller.output(), 5, f"{teller.name} to say {reason!r}")
    is_served()  # and nobody else is the worse for it
