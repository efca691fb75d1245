# SPDX-License-Identifier: MIT
"""Headless Chromium, told over its debugging pipe what to open, and asked what it shows.

Its own ways of printing a page end by a clock, and its virtual one does not wait for a WebSocket. Here a case
waits for what it wants to see.
"""

import json
import os
import select
import time

import certs
from world import Failure, wait_until

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --no-pings "
    "--no-default-browser-check --disable-background-networking --disable-component-update "
    "--disable-sync --disable-default-apps --disable-extensions --disable-domain-reliability "
    "--disable-breakpad --metrics-recording-only --no-startup-window --enable-quic "
    "--remote-debugging-pipe"
).split()
# For one answer, and for a page to show what is waited for.
ANSWER_SECONDS, PAGE_SECONDS = 30, 60


class Chromium:
    """One browser with one page; QUIC from its first byte to the server on `port`. Used with `with`."""

    def __init__(self, world, job, port, *more):
        self.origin = f"https://localhost:{port}"
        self.unread, self.count, self.page = b"", 0, None
        folder = world.folder("profile")
        pipes = [folder / "commands", folder / "answers"]
        for pipe in pipes:
            pipe.unlink(missing_ok=True)
            os.mkfifo(pipe)
        spki = job.spki or certs.spki_hash(world.certs / "cert.pem")
        command = [world.peer("chromium"), *FLAGS, *more, f"--user-data-dir={folder}"]
        command += [
            f"--origin-to-force-quic-on=localhost:{port}",
            f"--ignore-certificate-errors-spki-list={spki}",
            # No name but ours resolves, so nothing leaves the machine.
            "--host-resolver-rules=MAP localhost 127.0.0.1, MAP * ~NOTFOUND",
        ]
        # It takes commands from descriptor 3 and answers on 4.
        redirected = ["sh", "-c", 'exec 3<"$0" 4>"$1"; shift; exec "$@"', *pipes, *command]
        self.process = world.spawn("chromium", redirected, HOME=str(folder))
        self.commands = open(pipes[0], "wb", buffering=0)
        self.answers = open(pipes[1], "rb", buffering=0)

    def __enter__(self):
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.page = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self.page = None
            self.call("Browser.close")
            self.process.expect_end(ANSWER_SECONDS)
        else:
            self.process.stop()
        self.commands.close()
        self.answers.close()

    def call(self, method, **parameters):
        """The result of one command; events and answers to nobody are passed over."""
        self.count += 1
        command = {"id": self.count, "method": method, "params": parameters}
        if self.page:
            command["sessionId"] = self.page
        self.commands.write(json.dumps(command).encode() + b"\0")
        deadline = time.monotonic() + ANSWER_SECONDS
        while (answer := self.next_message(deadline, method)).get("id") != self.count:
            pass
        if "error" in answer:
            raise Failure(f"Chromium refused {method}: {answer['error']['message']}")
        return answer["result"]

    def next_message(self, deadline, method):
        while b"\0" not in self.unread:
            left = max(0, deadline - time.monotonic())
            if not select.select([self.answers], [], [], left)[0]:
                raise Failure(f"Chromium did not answer {method} within {ANSWER_SECONDS} s")
            if not (read := self.answers.read(1 << 16)):
                raise Failure(f"Chromium ended before it answered {method}")
            self.unread += read
        message, self.unread = self.unread.split(b"\0", 1)
        return json.loads(message)

    def open(self, path):
        result = self.call("Page.navigate", url=f"{self.origin}/{path}")
        if error := result.get("errorText"):
            raise Failure(f"Chromium could not open {self.origin}/{path}: {error}")

    def text(self, selector):
        """What the element shows; nothing while there is none."""
        expression = f"document.querySelector({json.dumps(selector)})?.textContent ?? ''"
        return self.call("Runtime.evaluate", expression=expression)["result"].get("value", "")

    def wait_for_text(self, selector, wanted):
        """The text of `selector` as soon as `wanted` takes it."""
        def is_there():
            text = self.text(selector)
            return text if wanted(text) else None

        try:
            return wait_until(is_there, PAGE_SECONDS, f"Chromium's page to show <{selector}>")
        except Failure as failure:
            raise Failure(f"{failure}; the page shows {self.text('body')!r}") from None
