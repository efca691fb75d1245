#!/bin/sh
# SPDX-License-Identifier: MIT
# Runs the examples against each other on the loopback interface. Usage: examples.sh FOLDER, where their programs are.
set -eu
bin=$1
work=$(mktemp -d)
server=
stop() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  server=
}
trap 'stop; rm -rf "$work"' EXIT

# Waits until the server has said a line like this.
await() {
  tries=0
  until grep -q "$1" "$work/log"; do
    tries=$((tries + 1))
    if [ "$tries" -ge 200 ] || ! kill -0 "$server"; then
      echo "a server did not say \"$1\"" >&2
      exit 1
    fi
    sleep 0.05
  done
}

# Starts a server and waits until it has said its port.
start() {
  : >"$work/log"
  "$@" >"$work/log" &
  server=$!
  await '^listening on port'
  port=$(sed -n 's/^listening on port //p' "$work/log")
}

expect() {
  [ "$1" = "$2" ] || { echo "expected \"$1\", got \"$2\"" >&2; exit 1; }
}

start "$bin/hello_server" 127.0.0.1:0 "$work/cert.pem"
expect "Hello over HTTP/3" "$("$bin/get" "https://localhost:$port/" "$work/cert.pem")"
expect "Hello, you" "$("$bin/get" "https://127.0.0.1:$port/hello/you" "$work/cert.pem")"
expect "over HTTP/3: Hello over HTTP/3" "$("$bin/fallback" "https://localhost:$port/" "$work/cert.pem")"
if "$bin/get" "https://localhost:$port/missing" "$work/cert.pem" >/dev/null; then exit 1; fi
if "$bin/get" "https://localhost:$port/" 2>/dev/null; then
  echo "get believed a certificate that nobody vouches for" >&2
  exit 1
fi
stop
wait
expect "over TCP: https://127.0.0.1:$port/" "$("$bin/fallback" "https://127.0.0.1:$port/" "$work/cert.pem" 2>/dev/null)"

# Its input ends when nobody holds the pipe open for writing any more.
mkfifo "$work/input"
(exec 3>"$work/input" && touch "$work/open" && while [ -e "$work/open" ]; do sleep 0.05; done) &
start_with_input() { "$@" <"$work/input"; }
start start_with_input "$bin/workers" 127.0.0.1:0 "$work/cert.pem"
for _ in 1 2 3 4; do "$bin/get" "https://localhost:$port/" "$work/cert.pem" | grep -q '^visit [1-4] to worker [012]$'; done
rm "$work/open"
wait "$server"
expect "4 responses by 3 workers" "$(tail -n 1 "$work/log")"
server=

start "$bin/hot_restart" old "$work/meeting" "$work/cert.pem" 2>/dev/null
expect old "$("$bin/get" "https://localhost:$port/" "$work/cert.pem")"
old=$server
start "$bin/hot_restart" new "$work/meeting" "$work/cert.pem"
wait "$old"
expect new "$("$bin/get" "https://localhost:$port/" "$work/cert.pem")"
stop

mkdir "$work/qlog"
start "$bin/watch" 127.0.0.1:0 "$work/cert.pem" "$work/qlog"
expect "Somebody is watching" "$("$bin/get" "https://localhost:$port/" "$work/cert.pem")"
await '^1 responses so far$'
grep -q '^#1 from 127.0.0.1, TLS_' "$work/log"
grep -q '^#1 is over: H3_NO_ERROR.*; 0 of [0-9]* packets lost' "$work/log"
[ "$(find "$work/qlog" -name '*_server.sqlog' | wc -l)" -eq 1 ]
stop

mkdir "$work/root" "$work/uploads"
head -c 3000000 /dev/urandom >"$work/root/file"
start "$bin/file_server" "$work/root" "$work/uploads" 127.0.0.1:0 "$work/cert.pem"
"$bin/get" "https://localhost:$port/file" "$work/cert.pem" >"$work/fetched"
cmp "$work/root/file" "$work/fetched"
"$bin/get" "https://localhost:$port/" "$work/cert.pem" | grep -q 'href="./file"'
expect 201 "$("$bin/upload" "$work/root/file" "https://localhost:$port/upload/copy" "$work/cert.pem")"
cmp "$work/root/file" "$work/uploads/copy"
stop

start "$bin/server_coroutine" 127.0.0.1:0 "$work/cert.pem"
expect "together 8 bytes" "$("$bin/get_coroutine" "$work/cert.pem" "https://localhost:$port/slow" | tail -n 1)"
stop

for foreign in asio uv; do
  [ -x "$bin/foreign_event_loop_$foreign" ] || continue
  start "$bin/foreign_event_loop_$foreign" 127.0.0.1:0 "$work/cert.pem"
  for _ in 1 2 3; do "$bin/get" "https://localhost:$port/" "$work/cert.pem" | grep -q '^Hello from'; done
  stop
done

make_cert() {
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=x \
    -addext "subjectAltName=$2" -keyout "$work/$1.key" -out "$work/$1.pem" 2>/dev/null
}
make_cert public DNS:localhost
make_cert admin DNS:admin.example
make_cert root DNS:root.example
start "$bin/client_certificates" "$work/public.pem" "$work/public.key" "$work/admin.pem" "$work/admin.key" \
  "$work/root.pem" 127.0.0.1:0
expect "hello, everybody" "$("$bin/get" "https://localhost:$port/" "$work/public.pem")"
if "$bin/get" "https://localhost:$port/admin" "$work/public.pem" >/dev/null; then exit 1; fi
stop

mkdir "$work/names"
mv "$work/public.pem" "$work/names/localhost.pem"
mv "$work/public.key" "$work/names/localhost.key"
start "$bin/certificates_on_demand" "$work/names" 127.0.0.1:0
expect "this is localhost:$port" "$("$bin/get" "https://localhost:$port/" "$work/names/localhost.pem")"
if "$bin/get" "https://127.0.0.1:$port/" "$work/names/localhost.pem" >/dev/null 2>&1; then exit 1; fi
stop

mkdir "$work/captures"
"$bin/bad_network" "$work/captures" >/dev/null
for network in bursts outage rebinding small-mtu slow; do
  "$(dirname "$0")/io/read_pcap.py" "$work/captures/$network" | grep '203.0.113.1:.* > 10.0.0.1:443' >/dev/null
done
"$(dirname "$0")/io/read_pcap.py" "$work/captures/rebinding" | grep '203.0.113.2:.* > 10.0.0.1:443' >/dev/null

# The first time everything is spelled out, then the table is used; without one nothing gets any shorter.
"$bin/qpack" >"$work/dynamic"
"$bin/qpack" 0 >"$work/static"
expect 1 "$(sort -u "$work/static" | wc -l)"
expect "$(sed -n 2p "$work/dynamic")" "$(sed -n 3p "$work/dynamic")"
if cmp -s "$work/dynamic" "$work/static"; then exit 1; fi

# Asked for last, but urgent.
expect "style.css picture video log" "$("$bin/priorities" | sed 's/:.*//' | tr '\n' ' ' | sed 's/ $//')"
expect "complete: 3 bytes" "$("$bin/stream_priorities" | head -1)"
"$bin/early_data" >"$work/early"
expect "GET 50 ms, early: 42, and you may be a replay" "$(sed -n 2p "$work/early")"

expect "far near, for shop.example far" "$("$bin/alternative_service" | tr '\n' ' ' | sed 's/ $//')"

if [ -x "$bin/websocket_feed" ]; then
  expect "$(printf 'to subscribe is free\nthat is all')" "$("$bin/websocket_feed")"
fi

"$bin/path_mtu" >"$work/sizes"
grep -q ': 1472 bytes$' "$work/sizes"
expect "1372 bytes" "$(sed -n 's/.*: //p' "$work/sizes" | tail -n 1)"
expect "1 black hole" "$(tail -n 1 "$work/sizes")"

for alone in quic_echo datagrams migrate http_datagrams deterministic_test custom_backend; do
  [ ! -x "$bin/$alone" ] || "$bin/$alone" >/dev/null
done
echo "all examples did what they say"
