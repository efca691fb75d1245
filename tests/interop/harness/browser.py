# SPDX-License-Identifier: MIT
"""What Chromium has to say of a server: pages of ours that tell what they saw, and the chat room's."""

import json
import re
import subprocess

import certs
from chromium import Chromium
from world import Failure, digest, make_file, wait_until

# The page reports in its own text.
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
# The style sheet is hinted at 300 ms before this arrives, and then there is no need to fetch it again.
HINTED_PAGE = """<!doctype html><meta charset="utf-8"><title>quoin</title>
<link rel="stylesheet" href="/style.css"><h1>Served over QUIC</h1>IMAGES<pre id="seen"></pre>
<script>
function loaded() {
  return new Promise(resolve => {
    if (document.readyState === "complete") resolve();
    else addEventListener("load", resolve);
  });
}
async function look() {
  await loaded();
  const sent = new Uint8Array(1 << 20).map((_, i) => i * 7 + (i >> 8));
  const reply = await fetch("/echo", {method: "POST", body: sent});
  const back = new Uint8Array(await reply.arrayBuffer());
  const page = performance.getEntriesByType("navigation")[0];
  const others = performance.getEntriesByType("resource");
  const style = others.find(e => e.name.endsWith("/style.css"));
  document.getElementById("seen").textContent = JSON.stringify({
    page: page.nextHopProtocol, others: others.map(e => e.nextHopProtocol),
    images: Array.from(document.images).filter(i => i.naturalWidth > 0).length,
    styled: getComputedStyle(document.querySelector("h1")).color,
    style: style.initiatorType, hint: page.firstInterimResponseStart || 0,
    echoed: back.length === sent.length && back.every((byte, i) => byte === sent[i])});
}
look().catch(error => { document.getElementById("seen").textContent = "failed: " + error; });
</script>
"""
IMAGES = 20


def check_page(world, job, port):
    (world.www / "index.html").write_text(PAGE)
    (world.www / "pixel.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"/>')
    make_file(world.www / "blob.bin", 1 << 20)
    report = show(world, job, port, "index.html")
    if report["page"] != "h3" or set(report["others"]) != {"h3"}:
        raise Failure("the page or what it loads did not come over h3")
    if report["sha256"] != digest(world.www / "blob.bin"):
        raise Failure("what the page's script fetched arrived damaged")


def check_hints(world, job, port):
    images = "".join(f'<img src="/{number}.svg" alt="">' for number in range(IMAGES))
    (world.www / "index.html").write_text(HINTED_PAGE.replace("IMAGES", images))
    (world.www / "style.css").write_text("h1 { color: rgb(1, 2, 3); }")
    for number in range(IMAGES):
        (world.www / f"{number}.svg").write_text(
            '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"/>'
        )
    report = show(world, job, port, "")
    if report["page"] != "h3" or set(report["others"]) != {"h3"}:
        raise Failure("the page or what it loads did not come over h3")
    if report["images"] != IMAGES or report["styled"] != "rgb(1, 2, 3)":
        raise Failure("not all images and styles of the page were loaded")
    if report["style"] != "early-hints" or not report["hint"]:
        raise Failure("the browser's timing does not say that it acted on the early hint")
    asked = re.findall(r"^GET (\S+)$", job.server_process.output(), re.MULTILINE)
    if asked.count("/style.css") != 1 or asked.index("/style.css") > asked.index("/"):
        raise Failure(f"the style sheet was not fetched once and before the page: {asked}")
    if not report["echoed"]:
        raise Failure("what the page's script posted came back damaged")


def check_room(world, job, port):
    """The page of the chat room, with somebody else in the room who hears what is said on it."""
    job.spki = certs.spki_hash(world.certs / "chat.pem")
    url = f"wss://localhost:{port}/chat"
    command = [world.quoin("quoin-client"), "--ws", "-v", "--ca", world.certs / "chat.pem", url]
    other = world.spawn("quoin-client", command, stdin=subprocess.PIPE)
    wait_until(lambda: " just connected\n" in other.output(), 20, "quoin-client to be in the room")
    # Chromium 156 can do it (RFC 9220), but does not without being told. Then it looks for a server on TCP.
    with Chromium(world, job, port, "--enable-features=EnableWebsocketsOverHttp3") as browser:
        browser.open("#from the page")
        text = browser.wait_for_text("pre", lambda text: text.count("\n") > 1 or "over," in text)
    if not re.fullmatch(r"(User \d+) just connected\n\1: from the page\n", text):
        raise Failure(f"the page did not show what was said: {text!r}")
    for line in (": from the page\n", " is gone\n"):
        wait_until(lambda: line in other.output(), 20, f"quoin-client to hear {line!r}")
    with Chromium(world, job, port) as browser:
        browser.open("#nobody hears this")
        text = browser.wait_for_text("pre", lambda text: text != "")
    if text != "over, code 1006\n":
        raise Failure("Chromium can open WebSockets over HTTP/3 by itself now; the guide says otherwise")


def show(world, job, port, path):
    """What the script of a page of ours has found out."""
    with Chromium(world, job, port) as browser:
        browser.open(path)
        text = browser.wait_for_text("#seen", lambda text: text != "")
        if "Served over QUIC" not in browser.text("h1"):
            raise Failure("Chromium did not show the page's text")
    if not text.startswith("{"):
        raise Failure(f"the page's script did not finish: {text!r}")
    report = json.loads(text)
    print("page saw", report)
    return report
