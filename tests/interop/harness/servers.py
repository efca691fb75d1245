# SPDX-License-Identifier: MIT
"""How to start each server under test. Every function returns the port once the server answers there.

All serve `world.www` at `/NAME` with the case's certificate. Those that take uploads put the body of a
PUT to `/NAME` into `world.uploads`.
"""

import json
import pathlib
import re

import origin
from world import free_port, wait_until

HERE = pathlib.Path(__file__).parent
RUN_ENDPOINT = HERE.parent / "run-endpoint"


def listen(host, port):
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def quoin(world, job):
    port = free_port(job.host)
    command = [world.quoin("quoin-server"), "--listen", listen(job.host, port)]
    command += ["--root", world.www]
    if job.what == "page":
        # As a developer would show a page to a browser: by the hash that the server prints.
        command.append("--self-signed")
    else:
        command += ["--cert", world.certs / "cert.pem", "--key", world.certs / "priv.key"]
    if job.what == "mutual":
        command += ["--client-ca", world.certs / "visitors.pem", "--require-client-cert", "--verbose"]
    job.server_process = world.spawn("quoin-server", command)
    world.wait_for_server(job.server_process, port)
    if job.what == "page":
        printed = re.compile(r"spki sha256: (\S+)")
        found = wait_until(
            lambda: printed.search(job.server_process.output()), 5, "the server to print its SPKI hash"
        )
        job.spki = found.group(1)
    return port


def example(world, job, name, before=(), after=()):
    """An example of the library, whose address stands between its other arguments."""
    port = free_port(job.host)
    job.server_process = world.spawn(name, [world.quoin(name), *before, listen(job.host, port), *after])
    world.wait_for_server(job.server_process, port)
    return port


def file_server(world, job):
    """The library's example, which unlike quoin-server takes uploads. It makes its own certificate."""
    authority = world.certs / "ca.pem"
    authority.unlink()
    return example(world, job, "file_server", [world.www, world.uploads], [authority])


def early_hints(world, job):
    """The library's example of 103 (Early Hints), which also sends back what is posted to it."""
    return example(world, job, "early_hints", [world.www], [world.certs / "cert.pem"])


def websocket_chat(world, job):
    """The library's example of WebSockets over HTTP/3 (RFC 9220), a room that repeats what is said."""
    return example(world, job, "websocket_chat", after=[world.certs / "chat.pem"])


def http_datagrams(world, job):
    """The library's example of datagrams that belong to requests (RFC 9297), which sends back what it gets."""
    return example(world, job, "http_datagrams", after=[world.certs / "datagrams.pem"])


def certificates_on_demand(world, job):
    """The library's example of a server that gets each host's certificate when it is asked for it."""
    return example(world, job, "certificates_on_demand", [world.folder("hosts")])


def endpoint(world, job):
    port = free_port(job.host)
    job.server_process = world.spawn(
        "server-endpoint",
        ["sh", "-c", f"exec {RUN_ENDPOINT}"],
        ROLE="server",
        TESTCASE=job.testcase,
        IP=job.host,
        PORT=str(port),
        WWW=str(world.www),
        CERTS=str(world.certs),
        QLOGDIR=str(world.folder("server-qlog")),
        SSLKEYLOGFILE=str(world.root / "server-keys.log"),
        QUOIN_BIN_DIR=str(world.quoin_bin),
    )
    world.wait_for_server(job.server_process, port)
    return port


def gtlsserver(world, job):
    port = free_port(job.host)
    # Its log names the negotiated cipher suite and key updates, but costs a line a packet: only where it is read.
    quiet = ["--no-quic-dump", "--no-http-dump"] if job.testcase in ("chacha20", "keyupdate") else ["-q"]
    if job.testcase == "retry":
        quiet.append("-V")
    if job.testcase == "v2":
        quiet += ["--preferred-versions=v2,v1", "--available-versions=v2,v1"]
    command = [world.peer("gtlsserver"), *quiet, "-d", world.www, job.host, str(port)]
    command += [world.certs / "priv.key", world.certs / "cert.pem"]
    job.server_process = world.spawn("gtlsserver", command)
    world.wait_for_server(job.server_process, port)
    return port


def caddy(world, job):
    port = free_port(job.host)
    forwarded = {"handler": "reverse_proxy", "upstreams": [{"dial": start_origin(world)}]}
    policy = {}
    if job.what == "mutual":
        trusted = [f"{world.certs}/visitors.pem"]
        policy["client_authentication"] = {"mode": "require_and_verify", "trusted_ca_certs_pem_files": trusted}
    server = {
        "listen": [listen(job.host, port)],
        "automatic_https": {"disable": True},
        "tls_connection_policies": [policy],
        "routes": [
            {"match": [{"method": ["PUT", "POST"]}], "handle": [forwarded]},
            {"handle": [{"handler": "file_server", "root": str(world.www), "browse": {}}]},
        ],
    }
    keys = {"certificate": f"{world.certs}/cert.pem", "key": f"{world.certs}/priv.key"}
    config = {
        "admin": {"disabled": True, "config": {"persist": False}},
        "apps": {
            "http": {"servers": {"files": server}},
            "tls": {"certificates": {"load_files": [keys]}},
        },
    }
    path = world.root / "caddy.json"
    path.write_text(json.dumps(config))
    home = str(world.folder("caddy-home"))
    job.server_process = world.spawn(
        job.server,
        [world.peer(job.server), "run", "--config", path],
        HOME=home,
        XDG_DATA_HOME=home,
        XDG_CONFIG_HOME=home,
    )
    world.wait_for_server(job.server_process, port)
    return port


def nginx(world, job):
    port = free_port(job.host)
    folder = world.folder("nginx")
    retry = "quic_retry on;" if job.testcase == "retry" else ""
    demand = f"ssl_client_certificate {world.certs}/visitors.pem; ssl_verify_client on;" if job.what == "mutual" else ""
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    path = world.root / "nginx.conf"
    path.write_text(
        f"""
daemon off; master_process off; pid {folder}/pid; error_log stderr warn;
events {{ worker_connections 256; }}
http {{
  access_log off; {temporary}
  default_type application/octet-stream; client_max_body_size 0;
  server {{
    listen {listen(job.host, port)} quic reuseport; {retry}
    http3 on; http3_max_concurrent_streams 128; keepalive_requests 100000;
    ssl_certificate {world.certs}/cert.pem; ssl_certificate_key {world.certs}/priv.key; {demand}
    location / {{ root {world.www}; autoindex on; }}
    location ~ ^/put/(.*)$ {{ alias {world.uploads}/$1; dav_methods PUT; }}
  }}
}}
"""
    )
    command = [world.peer("nginx"), "-e", "stderr", "-p", folder, "-c", path]
    job.server_process = world.spawn("nginx", command)
    world.wait_for_server(job.server_process, port)
    return port


def haproxy(world, job):
    port = free_port(job.host)
    path = world.root / "haproxy.cfg"
    path.write_text(
        f"""
global
  limited-quic
  ssl-default-bind-curves X25519:P-256
defaults
  mode http
  timeout client 60s
  timeout server 60s
  timeout connect 5s
frontend files
  bind quic4@{job.host}:{port} ssl crt {world.certs}/combined.pem alpn h3
  default_backend origin
backend origin
  server origin {start_origin(world)}
"""
    )
    job.server_process = world.spawn("haproxy", [world.peer("haproxy"), "-f", path])
    world.wait_for_server(job.server_process, port)
    return port


def aioquic(world, job):
    port = free_port(job.host)
    command = [world.peer("aioquic-python"), HERE / "aioquic_peer.py", "server"]
    command += ["--host", job.host, "--port", str(port), "--certs", world.certs]
    command += ["--www", world.www, "--uploads", world.uploads]
    if job.testcase == "retry":
        command.append("--retry")
    job.server_process = world.spawn("aioquic-server", command)
    world.wait_for_server(job.server_process, port)
    return port


def wsproto(world, job):
    """WebSockets over HTTP/3 (RFC 9220) on aioquic and wsproto."""
    port = free_port(job.host)
    command = [world.peer("aioquic-python"), HERE / "websocket_server.py", "--host", job.host, "--port", str(port)]
    job.server_process = world.spawn("wsproto", [*command, "--certs", world.certs])
    world.wait_for_server(job.server_process, port)
    return port


def start_origin(world):
    server = origin.Origin(world.www, world.uploads)
    world.at_close.append(server.close)
    return f"127.0.0.1:{server.port}"


SERVERS = {
    "quoin": quoin,
    "file_server": file_server,
    "early_hints": early_hints,
    "websocket_chat": websocket_chat,
    "http_datagrams": http_datagrams,
    "certificates_on_demand": certificates_on_demand,
    "endpoint": endpoint,
    "gtlsserver": gtlsserver,
    "caddy": caddy,
    "caddy13": caddy,
    "nginx": nginx,
    "haproxy": haproxy,
    "aioquic": aioquic,
    "wsproto": wsproto,
}
