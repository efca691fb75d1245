# SPDX-License-Identifier: MIT
"""qlog files: one for each connection, and each a JSON text sequence (RFC 7464) that any parser takes."""

import json
import os

from harness import case, check, check_equal, main

RECORD_SEPARATOR = b"\x1e"


def read_records(path):
    data = path.read_bytes()
    check(data.startswith(RECORD_SEPARATOR), f"{path.name} does not begin with a record separator")
    records = []
    for text in data.split(RECORD_SEPARATOR)[1:]:
        check(text.endswith(b"\n"), f"{path.name}: a record is cut off: {text[-80:]!r}")
        try:
            records.append(json.loads(text))
        except ValueError as error:
            check(False, f"{path.name}: {error} in {text[:200]!r}")
    return records


@case("both sides leave a qlog file for each connection, and all of it is JSON")
def _(world):
    logs = {"server": world.path("server-logs"), "client": world.path("client-logs")}
    for folder in logs.values():
        folder.mkdir()
    body = os.urandom(300_000)
    world.write("file", body)
    server = world.server("--qlog", logs["server"])
    url = f"https://localhost:{server.port}/file"
    for _ in range(2):
        result = world.client("--insecure", "--qlog", logs["client"], url)
        check(result.must(0).out == body, "the body is not what it was")
    server.stop()
    for role, folder in logs.items():
        files = sorted(folder.iterdir())
        check_equal(len(files), 2, f"the number of the {role}'s files")
        for path in files:
            head, *events = read_records(path)
            check(head["qlog_format"] == "JSON-SEQ", f"{path.name} calls itself {head['qlog_format']}")
            check_equal(head["trace"]["vantage_point"]["type"], role, "the vantage point")
            names = {event["name"] for event in events}
            for name in ("packet_sent", "packet_received", "metrics_updated", "parameters_set"):
                check(any(name in present for present in names), f"{path.name} has no {name}, but {names}")
            times = [event["time"] for event in events]
            check(times == sorted(times), f"{path.name}: time goes back")


@case("names and reasons that a peer chose cannot break a qlog file")
def _(world):
    logs = world.path("logs")
    logs.mkdir()
    server = world.server("--qlog", logs)
    for path in ('"}]\n', "\\u001e%1e%0a", "%22%7d%00" * 300):
        url = f"https://localhost:{server.port}/"
        world.client("--insecure", "-H", f"x: {path.encode().hex()}\"", url + path.replace("\n", "%0a").replace('"', "%22"))
    server.stop()
    files = list(logs.iterdir())
    check_equal(len(files), 3, "the number of files")
    for path in files:
        check(len(read_records(path)) > 5, f"{path.name} is short")


main()
