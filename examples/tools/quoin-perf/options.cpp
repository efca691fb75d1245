// SPDX-License-Identifier: MIT
/// See options.hpp. The text of --help is made here and nowhere else; docs/tools/quoin-perf.md
/// holds a copy that a test compares.
#include <quoin/version.hpp>

#include "quoin-perf/options.hpp"

#include <CLI/CLI.hpp>
#include <cstdint>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/quic/config.hpp>

#include "common/command_line.hpp"
#include "common/io_choice.hpp"
#include "common/text.hpp"

namespace quoin::tools {

namespace {

constexpr const char* tool = "quoin-perf";
constexpr const char* default_listen = "127.0.0.1:4433";

constexpr const char* footer = R"(
Speaks the QUIC performance protocol (ALPN "perf", draft-banks-quic-performance):
a client says on each stream how many bytes it wants, sends as many as it likes,
and the server answers with what was wanted. What is sent are zeros. Sizes may
end in KiB, MiB, GiB (powers of 1024) or kB, MB, GB (powers of 1000).

Examples:
  quoin-perf --serve --self-signed --listen 0.0.0.0:4433
      answers whoever measures.
  quoin-perf --insecure --download 1GiB 192.0.2.1:4433
      fetches a GiB on one stream and tells how fast that was.
  quoin-perf --insecure --download 1000 --streams 100 --time 10 127.0.0.1:4433
      counts for ten seconds how many small answers come in a second.

Environment:
  SSLKEYLOGFILE  a file to append the TLS secrets to, for Wireshark

Exit codes:
    0  all transfers were complete; the server: stopped by a signal
    1  a connection or a transfer failed; the message says why
    2  wrong options
    3  the certificate, the key or the trusted certificates cannot be used
    4  the address cannot be used
)";

void add_server_options(CLI::App& app, PerfOptions& options, std::string& listen) {
  CLI::Option* const serve =
      app.add_flag("--serve", options.serve, "Run as the server")->group("Server");
  app.add_option("--listen", listen,
                 "The address to serve on, port 0 for any free one.\nDefault: 127.0.0.1:4433")
      ->type_name("ADDR:PORT")
      ->needs(serve)
      ->group("Server");
  CLI::Option* const certificate =
      app.add_option("--cert", options.certificate, "The certificate and its chain")
          ->type_name("PEM")
          ->needs(serve)
          ->group("Server");
  CLI::Option* const key = app.add_option("--key", options.key, "Its private key")
                               ->type_name("PEM")
                               ->needs(certificate)
                               ->group("Server");
  certificate->needs(key);
  app.add_flag("--self-signed", options.self_signed,
               "Make a certificate for localhost and the address")
      ->needs(serve)
      ->excludes(certificate)
      ->group("Server");
}

void add_client_options(CLI::App& app, PerfOptions& options, double& seconds) {
  CLI::Option* const insecure =
      app.add_flag("--insecure", options.insecure, "Do not verify the server")->group("Client");
  app.add_option("--ca", options.ca, "Trust these certificates instead of the system's")
      ->type_name("PEM")
      ->excludes(insecure)
      ->group("Client");
  app.add_option("--server-name", options.server_name,
                 "The name that the certificate must have; default:\nthe address")
      ->type_name("NAME")
      ->group("Client");
  app.add_option("--download", options.download, "Bytes to ask for on each stream")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(true).description(""))
      ->group("Client");
  app.add_option("--upload", options.upload, "Bytes to send on each stream")
      ->type_name("SIZE")
      ->transform(CLI::AsSizeValue(true).description(""))
      ->group("Client");
  constexpr std::uint64_t most = 100'000;
  app.add_option("--streams", options.streams, "Streams at a time on each connection; default: 1")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{1}, most).description(""))
      ->group("Client");
  app.add_option("--connections", options.connections, "Connections at a time; default: 1")
      ->type_name("N")
      ->check(CLI::Range(std::uint64_t{1}, most).description(""))
      ->group("Client");
  constexpr double day = 86'400;
  app.add_option("--time", seconds,
                 "Keep opening streams for this many seconds; default:\none transfer per stream")
      ->type_name("S")
      ->check(CLI::Range(0.001, day).description(""))
      ->group("Client");
  app.add_flag("--json", options.json, "Print the result as JSON")->group("Client");
}

// Empty: the options make sense together.
std::string find_problem(PerfOptions& options, std::string& listen, bool has_target) {
  if (options.serve) {
    if (has_target) return "--serve takes no address to connect to; did you mean --listen?";
    if (!options.self_signed && options.certificate.empty()) {
      return "the server has no certificate: give --cert PEM and --key PEM, or --self-signed";
    }
    options.address = listen.empty() ? default_listen : std::move(listen);
  } else if (!has_target) {
    return "give an address to connect to, such as 127.0.0.1:4433, or --serve";
  }
  if (options.address.starts_with("localhost:")) {
    options.address.replace(0, std::string{"localhost"}.size(), "127.0.0.1");
  }
  if (!Address::parse(options.address)) {
    return in_quotes(options.address) +
           " is not an address with a port; write 127.0.0.1:4433 or [::1]:4433";
  }
  return {};
}

}  // namespace

std::expected<PerfOptions, Stop> parse_perf_options(std::vector<std::string> arguments) {
  PerfOptions options;
  std::string listen;
  double seconds = 0;
  CLI::App app{"Measures QUIC throughput and latency.", tool};
  prepare(app, std::string{library_version_text()},
          "(--serve (--cert PEM --key PEM | --self-signed) | ADDR:PORT) [options]");
  app.footer(footer);
  add_server_options(app, options, listen);
  add_client_options(app, options, seconds);
  add_congestion_control_option(app, options.congestion_control, "Both");
  add_io_option(app, options.io, "Both");
  const CLI::Option* const target = app.add_option("ADDR:PORT", options.address);
  if (std::expected<void, Stop> parsed = parse(app, std::move(arguments)); !parsed) {
    return std::unexpected(std::move(parsed.error()));
  }
  options.duration = std::chrono::duration_cast<Duration>(std::chrono::duration<double>{seconds});
  if (const std::string problem = find_problem(options, listen, target->count() != 0);
      !problem.empty()) {
    return std::unexpected(usage_error(tool, problem));
  }
  return options;
}

}  // namespace quoin::tools
