// SPDX-License-Identifier: MIT
/// See options.hpp. The text of --help is made here and nowhere else; docs/tools/quoin-server.md
/// holds a copy that a test compares.
#include <quoin/version.hpp>

#include "quoin-server/options.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstddef>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/config.hpp>

#include "common/command_line.hpp"
#include "common/io_choice.hpp"
#include "common/text.hpp"
#include "quoin-server/exit_code.hpp"

namespace quoin::tools {

namespace {

constexpr const char* tool = "quoin-server";

std::string footer() {
  return R"(
Directories without an index.html are shown as a page. No path, encoded or by
way of symbolic links, leads out of the root.

Standard output gets a line "listening on ADDR:PORT" for each address, with
--self-signed the lines "certificate sha256: HEX" and "spki sha256: BASE64" (for
a browser's --ignore-certificate-errors-spki-list), then one for each request:
  CLIENT - - [TIME] "METHOD PATH HTTP/3" STATUS BYTES "REFERER" "AGENT" DURATION

Signals:
  TERM, INT  No new requests; those in progress may finish within 10 seconds.
             A second signal ends them at once.
  HUP        Reads the files of --cert, --key and --client-ca again, for new
             connections. If they cannot be used, what there was stays.
  USR1       Figures since the start, on standard error.

Examples:
  quoin-server --root public --self-signed
      serves the folder "public" to programs on this machine.
  quoin-server --listen :443 --root /srv/www --cert chain.pem --key key.pem
      serves everybody, over IPv6 and IPv4.
  quoin-server --listen 127.0.0.1:0 --root . --self-signed -v
      takes any free port and tells about connections.

Environment:
  SSLKEYLOGFILE  a file to append the TLS secrets to, for Wireshark

Exit codes:
)" + server_exit_code_table();
}

void add_what_options(CLI::App& app, ServerOptions& options) {
  app.add_option("--listen", options.listen,
                 "Listen on this address; may be repeated.\n"
                 "IPv6 addresses in brackets; no address means all\n"
                 "of this machine, port 0 any free one.\n"
                 "Default: 127.0.0.1:4433 and [::1]:4433")
      ->type_name("ADDR:PORT")
      ->take_all()
      ->allow_extra_args(false)
      ->group("What to serve");
  app.add_option("--root", options.root, "Serve the files below this folder")
      ->type_name("DIR")
      ->group("What to serve");
  constexpr unsigned most = 128;
  app.add_option("--workers", options.workers,
                 "Worker threads, 1 to 128, or 0 for one per core;\ndefault: 1")
      ->type_name("N")
      ->check(CLI::Range(0U, most).description(""))
      ->group("What to serve");
}

void add_restart_options(CLI::App& app, ServerOptions& options) {
  CLI::Option* const takeover =
      app.add_option("--takeover", options.takeover,
                     "Restart without losing connections: take the sockets of\n"
                     "the server started with the same PATH, along with its\n"
                     "addresses and number of workers; it ends when its\n"
                     "connections are over. If there is none, start as usual.\n"
                     "Then offer the sockets there to the next server")
          ->type_name("PATH")
          ->group("Restart");
  constexpr unsigned usual = 300;
  constexpr unsigned most = 86'400;
  options.drain = std::chrono::seconds{usual};
  app.add_option_function<unsigned>(
         "--drain", [&options](unsigned seconds) { options.drain = std::chrono::seconds{seconds}; },
         "How long connections may go on once another server has\n"
         "taken over, 0 to 86400; default: 300")
      ->type_name("SECONDS")
      ->check(CLI::Range(0U, most).description(""))
      ->needs(takeover)
      ->group("Restart");
}

void add_identity_options(CLI::App& app, ServerOptions& options, bool& self_signed) {
  CLI::Option* const certificate =
      app.add_option("--cert", options.certificates,
                     "The certificate chain, the server's own first; may be\n"
                     "repeated, each with its --key: clients get the one for\n"
                     "the name they ask for, or the first")
          ->type_name("PEM")
          ->take_all()
          ->allow_extra_args(false)
          ->group("Identity");
  CLI::Option* const key =
      app.add_option("--key", options.keys, "The private key; the n-th is for the n-th certificate")
          ->type_name("PEM")
          ->take_all()
          ->allow_extra_args(false)
          ->group("Identity");
  certificate->needs(key);
  key->needs(certificate);
  app.add_flag("--self-signed", self_signed,
               "Make a certificate for localhost and the addresses of\n"
               "--listen, valid for 14 days. For development")
      ->excludes(certificate)
      ->excludes(key)
      ->group("Identity");
  CLI::Option* const client_ca =
      app.add_option("--client-ca", options.client_ca,
                     "Ask clients for a certificate issued by one of these;\n"
                     "clients without one are still served")
          ->type_name("PEM")
          ->group("Identity");
  app.add_flag("--require-client-cert", options.require_client_cert,
               "Refuse clients without such a certificate")
      ->needs(client_ca)
      ->group("Identity");
  app.add_option("--ciphers", options.ciphers,
                 "Accept only these TLS 1.3 cipher suites, separated by\n"
                 "colons: TLS_AES_128_GCM_SHA256,\n"
                 "TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256.\n"
                 "A connection that negotiates another one fails")
      ->type_name("LIST")
      ->group("Identity");
}

void add_transport_options(CLI::App& app, ServerOptions& options, bool& no_pmtud) {
  app.add_flag("--retry", options.retry,
               "Make all clients prove their address before anything\nelse (Retry)")
      ->group("Transport");
  app.add_flag("--early-data", options.early_data,
               "Let returning clients send GET and HEAD with the\n"
               "first flight (0-RTT); attackers can replay those")
      ->group("Transport");
  app.add_flag("--prefer-v2", options.prefer_v2, "Move clients that speak QUIC version 2 to it")
      ->group("Transport");
  constexpr unsigned longest_handshake = 600;
  app.add_option_function<unsigned>(
         "--handshake-timeout",
         [&options](unsigned seconds) {
           options.handshake_timeout = std::chrono::seconds{seconds};
         },
         "Abort a handshake that takes longer, 1 to 600;\ndefault: 10")
      ->type_name("SECONDS")
      ->check(CLI::Range(1U, longest_handshake).description(""))
      ->group("Transport");
  add_congestion_control_option(app, options.congestion_control, "Transport");
  app.add_flag("--no-pmtud", no_pmtud, "Do not probe for datagrams above 1200 bytes")
      ->group("Transport");
  constexpr std::size_t least = 1200;
  constexpr std::size_t most = 65'527;
  app.add_option("--max-udp-payload", options.max_udp_payload,
                 "Send no datagrams above N bytes, 1200 to 65527")
      ->type_name("N")
      ->check(CLI::Range(least, most).description(""))
      ->group("Transport");
  add_io_option(app, options.io, "Transport");
}

void add_report_options(CLI::App& app, ServerOptions& options) {
  app.add_option("--qlog", options.qlog_directory,
                 "Write a qlog file for each connection to this folder")
      ->type_name("DIR")
      ->group("Report");
  CLI::Option* const quiet =
      app.add_flag("-q,--quiet", options.quiet, "Do not print a line for each request")
          ->group("Report");
  app.add_flag("-v,--verbose", options.verbose, "Report connections too, on standard error")
      ->excludes(quiet)
      ->group("Report");
}

/// ":4433" stands for all addresses and "localhost" for 127.0.0.1; anything else must be an
/// address. Empty: it is.
std::string complete_address(std::string& text) {
  if (text.starts_with(':')) {
    text.insert(0, "[::]");
  } else if (text.starts_with("localhost:")) {
    text.replace(0, std::string{"localhost"}.size(), "127.0.0.1");
  }
  if (Address::parse(text)) return {};
  return "--listen: " + in_quotes(text) +
         " is not an address with a port; write 127.0.0.1:4433 or [::]:4433";
}

}  // namespace

std::expected<ServerOptions, Stop> parse_server_options(std::vector<std::string> arguments) {
  ServerOptions options;
  bool self_signed = false;
  bool no_pmtud = false;
  CLI::App app{"Serves a folder over HTTP/3.", tool};
  prepare(app, std::string{library_version_text()},
          "--root DIR (--cert PEM --key PEM | --self-signed) [options]");
  app.footer(footer());
  add_what_options(app, options);
  add_restart_options(app, options);
  add_identity_options(app, options, self_signed);
  add_transport_options(app, options, no_pmtud);
  add_report_options(app, options);
  if (std::expected<void, Stop> parsed = parse(app, std::move(arguments)); !parsed) {
    return std::unexpected(std::move(parsed.error()));
  }
  // Not by CLI11, which would then report this for a command with an unknown option.
  if (app.count("--root") == 0) {
    return std::unexpected(usage_error(tool, "--root is required: the folder to serve"));
  }
  options.probe_path_mtu = !no_pmtud;
  if (options.certificates.size() != options.keys.size()) {
    return std::unexpected(usage_error(tool, "each --cert needs its --key: there are " +
                                                 std::to_string(options.certificates.size()) +
                                                 " certificates and " +
                                                 std::to_string(options.keys.size()) + " keys"));
  }
  if (!self_signed && options.certificates.empty()) {
    return std::unexpected(usage_error(
        tool, "the server has no certificate: give --cert PEM and --key PEM, or --self-signed"));
  }
  if (options.listen.empty()) {
    options.listen = {"127.0.0.1:4433", "[::1]:4433"};
    options.listen_is_default = true;
  }
  for (std::string& address : options.listen) {
    if (const std::string problem = complete_address(address); !problem.empty()) {
      return std::unexpected(usage_error(tool, problem));
    }
  }
  return options;
}

}  // namespace quoin::tools
