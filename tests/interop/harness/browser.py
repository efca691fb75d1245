# SPDX-License-Identifier: MIT
"""Headless Chromium, made to use QUIC from its first byte, on a page that tells what it saw."""

import html
import json
import re

import certs
from world import Failure, digest, make_file

# The page reports through its own DOM, which --dump-dom prints after the scripts have run.
PAGE = """<!doctype html><meta charset="utf-8"><title>quoin</title>
<h1>Served over QUIC</h1><img src="pixel.svg" alt=""><pre id="seen"></pre>
<script>
async function look() {
  const body = await (await fetch("blob.bin")).arrayBuffer();
  const sum = new Uint8Array(await crypto.subtle.digest("SHA-256", body));
  const entry = performance.getEntriesByType("navigation")[0];
  const others = performance.getEntriesByType("resource").map(e => e.nextHopProtocol);
  document.getElementById("seen").textContent = JSON.stringify({
    page: entry.nextHopProtocol, others: others, title: document.title,
    sha256: Array.from(sum, b => b.toString(16).padStart(2, "0")).join("")});
}
look().catch(error => { document.getElementById("seen").textContent = "failed: " + error; });
</script>
"""
FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --no-pings "
    "--no-default-browser-check --disable-background-networking --disable-component-update "
    "--disable-sync --disable-default-apps --disable-extensions --disable-domain-reliability "
    "--disable-breakpad --metrics-recording-only --enable-quic --dump-dom "
    "--virtual-time-budget=20000"
).split()


def check_page(world, job, port):
    (world.www / "index.html").write_text(PAGE)
    (world.www / "pixel.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    make_file(world.www / "blob.bin", 1 << 20)
    command = [world.peer("chromium"), *FLAGS, f"--user-data-dir={world.folder('profile')}"]
    command += [f"--origin-to-force-quic-on=localhost:{port}"]
    spki = job.spki or certs.spki_hash(world.certs / "cert.pem")
    command += [
        f"--ignore-certificate-errors-spki-list={spki}",
        # No name but ours resolves, so nothing leaves the machine.
        "--host-resolver-rules=MAP localhost 127.0.0.1, MAP * ~NOTFOUND",
        f"https://localhost:{port}/index.html",
    ]
    output = world.run("chromium", command, job.seconds, HOME=str(world.folder("profile")))
    if "Served over QUIC" not in output:
        raise Failure("Chromium did not show the page's text")
    seen = re.search(r'<pre id="seen">(.*?)</pre>', output)
    text = html.unescape(seen.group(1)) if seen else ""
    if not text.startswith("{"):
        raise Failure(f"the page's script did not finish: {text!r}")
    report = json.loads(text)
    print("page saw", report)
    if report["page"] != "h3" or set(report["others"]) != {"h3"}:
        raise Failure("the page or what it loads did not come over h3")
    if report["sha256"] != digest(world.www / "blob.bin"):
        raise Failure("what the page's script fetched arrived damaged")
