# SPDX-License-Identifier: MIT
"""The servers beside ngtcp2's, as a user would set them up for the same work, and the clients for them.

nginx is what most people would use instead, over TCP: HTTP/1.1 is asked by curl, HTTP/2 by curl or h2load. Caddy speaks
HTTP/3, so the same clients ask it as ask quoin. All use TLS 1.3 with AES-128-GCM and the same certificate.
"""

import re
import shutil

from arithmetic import percentile
from programs import Failure, PORT

NGINX = """daemon off;
master_process off;
error_log stderr warn;
pid {folder}/nginx.pid;
worker_rlimit_nofile 65536;
events {{ worker_connections 32768; }}
http {{
  access_log off;
  default_type application/octet-stream;
  sendfile on;
  tcp_nopush on;
  open_file_cache max=100;
  keepalive_requests 1000000000;
  client_body_temp_path {folder}/nginx.body;
  proxy_temp_path {folder}/nginx.proxy;
  fastcgi_temp_path {folder}/nginx.fastcgi;
  uwsgi_temp_path {folder}/nginx.uwsgi;
  scgi_temp_path {folder}/nginx.scgi;
  server {{
    listen {address}:{port} ssl http2 backlog=4096;
    root {root};
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    ssl_protocols TLSv1.3;
    ssl_conf_command Ciphersuites TLS_AES_128_GCM_SHA256;
  }}
}}
"""

CADDY = """{{
  admin off
  auto_https off
  default_sni bench.example
}}
:{port} {{
  bind {address}
  tls {certificate} {key}
  root * {root}
  file_server
}}
"""


class Peers:
    """Command lines. `folder` has the programs nginx and caddy; files are written to `scratch`."""

    def __init__(self, folder, scratch):
        self.folder, self.scratch = folder, scratch

    def has(self, server):
        return server in ("nginx", "caddy") and self.folder is not None and (self.folder / server).exists()

    def server(self, server, address, files):
        text = (NGINX if server == "nginx" else CADDY).format(
            folder=self.scratch, address=address, port=PORT, root=files.root, certificate=files.certificate,
            key=files.key)
        config = self.scratch / f"{server}.conf"
        config.write_text(text)
        if server == "nginx":
            return [self.folder / "nginx", "-e", "stderr", "-p", self.scratch, "-c", config]
        return ["env", f"HOME={self.scratch}", f"XDG_DATA_HOME={self.scratch}", f"XDG_CONFIG_HOME={self.scratch}",
                self.folder / "caddy", "run", "--adapter", "caddyfile", "--config", config]

    @staticmethod
    def download(version, url):
        """By curl; `version` is "h1" or "h2"."""
        option = {"h1": "--http1.1", "h2": "--http2"}[version]
        return ["curl", "-sSkf", option, "--tlsv1.3", "-o", "/dev/null", url]


class H2load:
    """h2load asks over HTTP/2; it tells each answer's time in a file when it is to measure latency."""

    @staticmethod
    def is_there():
        return shutil.which("h2load") is not None

    @staticmethod
    def command(url, connections, streams, seconds, rate=0, log=None):
        # Its connections are made before it measures, all at once.
        warm_up = 1000 + connections
        command = ["h2load", "-D", f"{int(seconds * 1000)}ms", f"--warm-up-time={warm_up}ms", "-c", str(connections),
                   "-m", str(streams)]
        if rate:
            command.append(f"--rps={max(1, round(rate / connections))}")
        if log:
            # It appends.
            log.unlink(missing_ok=True)
            command.append(f"--log-file={log}")
        return command + [url]

    @staticmethod
    def parse(text, log=None):
        """In the form of what quoin-bench-load prints."""
        requests = re.search(r"^requests: .*?(\d+) done, (\d+) succeeded, (\d+) failed, (\d+) errored", text, re.M)
        # The time there has the warm-up in it, the rate and the requests do not.
        finished = re.search(r"^finished in .*, ([\d.]+) req/s,", text, re.M)
        traffic = re.search(r"\((\d+)\) data$", text, re.M)
        if not requests or not finished or not traffic:
            raise Failure(f"h2load printed something unknown: {text[-600:]}")
        succeeded, errored = int(requests[2]), int(requests[4])
        # Those under way at the end count as failed, without an error. The bytes have the warm-up's in them.
        out = {"measured": succeeded, "failed": errored, "bytes": int(traffic[1]),
               "seconds": succeeded / float(finished[1]) if succeeded else 0}
        if log:
            times = sorted(int(line.split("\t")[2]) for line in log.read_text().splitlines()
                           if line.split("\t")[1] == "200")
            out |= {"p50_us": percentile(times, 50), "p99_us": percentile(times, 99)}
        return out
