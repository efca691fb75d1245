# SPDX-License-Identifier: MIT
"""quoin-client --ws in the chat room of examples/websocket_chat.cpp, with one server and with two on a Redis."""

import re
import shutil
import signal
import socket
import subprocess

from harness import Failed, Process, Skipped, case, check, check_equal, main, wait_until


class Chat(Process):
    def __init__(self, world, *arguments):
        self.certificate = world.path(f"chat-{len(world.started)}.pem")
        super().__init__([world.program("websocket_chat"), "127.0.0.1:0", str(self.certificate), *arguments])
        world.started.append(self)
        found = wait_until(lambda: re.search(r"^listening on port (\d+)$", self.out, re.M), 20, "the chat to listen")
        self.url = f"wss://localhost:{found.group(1)}/chat"


class Terminal(Process):
    """quoin-client with a keyboard."""

    def __init__(self, world, chat, *arguments):
        command = [world.program("quoin-client"), "--ws", "--ca", str(chat.certificate), *arguments, chat.url]
        super().__init__(command, world.environment(), stdin=subprocess.PIPE)
        world.started.append(self)
        own = self.hears(r"^(User \d+) just connected$")
        self.name = own.group(1)

    def hears(self, pattern, seconds=20):
        return wait_until(lambda: re.search(pattern, self.out, re.M), seconds, f"{pattern} in {self.out!r} {self.err}")

    def types(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def hangs_up(self):
        self.process.stdin.close()


@case("a room hears who comes, what is said, who leaves and who dies")
def _(world):
    chat = Chat(world)
    first, second, third = Terminal(world, chat), Terminal(world, chat), Terminal(world, chat)
    first.hears(f"^{third.name} just connected$")
    first.types("hello\ngr\u00fc\u00dfe\n")
    second.hears(f"^{first.name}: hello\n{first.name}: gr\u00fc\u00dfe$")
    second.hangs_up()
    check_equal(second.wait(), 0, "the exit code of who leaves")
    first.hears(f"^{second.name} is gone$")
    third.process.kill()
    first.hears(f"^{third.name} is gone$")
    first.types("alone")
    first.hangs_up()
    check_equal(first.wait(), 0, "the exit code")
    check(f"{first.name}: alone\n" in first.out, "the last line, without an end, was lost")


@case("Ctrl-C closes in good order")
def _(world):
    chat = Chat(world)
    first, second = Terminal(world, chat), Terminal(world, chat)
    second.signal(signal.SIGINT)
    check_equal(second.wait(), 130, "the exit code")
    first.hears(f"^{second.name} is gone$", 2)


@case("a server that refuses, and one that is not there, each have their exit code")
def _(world):
    chat = Chat(world)
    url = chat.url.replace("/chat", "/other")
    world.client("--ws", "--ca", str(chat.certificate), url).must(22, "404")
    world.client("--ws", "--ca", str(chat.certificate), "--connect-timeout", "0.3", "wss://127.0.0.1:1/").must(7)
    world.client("--ws", chat.url, chat.url).must(2, "one URL")


@case("--alt-svc leads to where the chat is as well")
def _(world):
    chat = Chat(world)
    port = chat.url.split(":")[2].split("/")[0]
    services = world.path("services")
    services.write_text(f'h2 localhost 9 h3 localhost {port} "20990101 00:00:00" 0 0\n')
    chat.url = "wss://localhost:9/chat"
    visitor = Terminal(world, chat, "--alt-svc", str(services))
    visitor.types("hello\n")
    visitor.hears(f"^{visitor.name}: hello$")
    visitor.hangs_up()
    check_equal(visitor.wait(), 0, "the exit code")
    check(f"h1 localhost 9 h3 localhost {port} " in services.read_text(), services.read_text())
    services.write_text("my diary")
    arguments = ("--ws", "--ca", str(chat.certificate), "--alt-svc", str(services), chat.url)
    world.client(*arguments).must(26, "--alt-svc", "line 1")


@case("a Redis that cannot be meant is refused, with what to write")
def _(world):
    for url, expected in (("localhost", "redis://HOST[:PORT]"), ("redis://h:x", "65535"), ("redis://:1", "host")):
        run = subprocess.run(
            [world.program("websocket_chat"), "127.0.0.1:0", str(world.path("c.pem")), "--redis", url],
            capture_output=True, text=True, timeout=20, check=False,
        )
        check_equal(run.returncode, 1, f"the exit code for {url}")
        check(f"--redis '{url}'" in run.stderr and expected in run.stderr, run.stderr)


@case("two servers on one Redis share a room, and go on when Redis was away")
def _(world):
    program = shutil.which("redis-server")
    if program is None:
        raise Skipped("redis-server is not installed")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]

    def start_redis():
        redis = world.spawn([program, "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
                            cwd=world.folder)
        wait_until(lambda: is_open(port), 20, "redis to listen")
        return redis

    redis = start_redis()
    url = f"redis://127.0.0.1:{port}"
    first = Terminal(world, Chat(world, "--redis", url))
    second = Terminal(world, Chat(world, "--redis", url))
    first.hears(f"^{second.name} just connected$")
    first.types("over there\n")
    second.hears(f"^{first.name}: over there$")
    second.types("and back\n")
    first.hears(f"^{second.name}: and back$")
    check_equal(first.out.count("over there"), 1, "copies for the speaker")
    redis.end()
    redis = start_redis()
    for number in range(50):
        second.types(f"again {number}\n")
        try:
            first.hears("again", 0.5)
            break
        except Failed:
            continue
    first.hears(f"^{second.name}: again")


def is_open(port):
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
        return True
    except OSError:
        return False


main()
