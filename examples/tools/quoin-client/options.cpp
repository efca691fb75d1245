// SPDX-License-Identifier: MIT
/// See options.hpp. The text of --help is made here and nowhere else; docs/tools/quoin-client.md
/// holds a copy that a test compares.
#include <quoin/version.hpp>

#include "quoin-client/options.hpp"

#include <CLI/CLI.hpp>
#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <quoin/time.hpp>

#include "common/command_line.hpp"
#include "common/io_choice.hpp"
#include "common/text.hpp"
#include "quoin-client/exit_code.hpp"

namespace quoin::tools {

namespace {

constexpr const char* tool = "quoin-client";

std::string footer() {
  return R"(
Bodies go to standard output unless an option under "Output" says otherwise. A
file gets its name when it is complete; what is left of a transfer that broke
off is removed. URLs with the same host and port share one connection.

Examples:
  quoin-client https://localhost:4433/
      shows a page.
  quoin-client -O --parallel 2 https://example.org/a https://example.org/b
      fetches two files at the same time on one connection.
  quoin-client --output-dir downloads --fail https://example.org/a.pdf
      writes downloads/a.pdf, and nothing if the server says 404.
  quoin-client --ca cert.pem -v -I https://localhost:4433/index.html
      shows handshake and headers, trusting the certificates in cert.pem only.
  quoin-client -T backup.tar https://example.org/upload/
      sends a file by PUT to https://example.org/upload/backup.tar.
  quoin-client -d on=1 -H 'authorization: Bearer x' https://example.org/lamp
      sends data by POST, with a header.
  quoin-client --resolve example.org:443:192.0.2.7 https://example.org/
      asks the server at 192.0.2.7, whose certificate must be for example.org.

Environment:
  SSLKEYLOGFILE  a file to append the TLS secrets to, for Wireshark
  SSL_CERT_FILE  a PEM file of whom to trust instead of the system's authorities

Exit codes:
)" + client_exit_code_table() +
         "If one URL fails the others are still fetched; the first failure in their\n"
         "order decides the code.\n";
}

/// An option that may be given several times and takes one value each time.
CLI::Option* add_list(CLI::App& app, const std::string& flags, std::vector<std::string>& out,
                      const std::string& description) {
  return app.add_option(flags, out, description)->take_all()->allow_extra_args(false);
}

/// An option that takes a number of seconds.
CLI::Option* add_seconds(CLI::App& app, const std::string& flag, std::optional<Duration>& out,
                         const std::string& description) {
  const auto read = [flag, &out](const std::string& text) {
    Duration span{};
    if (!parse_seconds(text, span)) {
      throw CLI::ValidationError(
          flag, in_quotes(text) + " is not a number of seconds; write 5 or 0.5, for example");
    }
    out = span;
  };
  return app.add_option_function<std::string>(flag, read, description)->type_name("S");
}

void add_output_options(CLI::App& app, ClientOptions& options) {
  add_list(app, "-o,--output", options.outputs,
           "Write the body to FILE, \"-\" being standard\n"
           "output; the n-th -o is for the n-th URL")
      ->type_name("FILE")
      ->group("Output");
  app.add_flag("-O,--remote-name", options.remote_names,
               "Write to a file named after the last part of the\nURL, in the current folder")
      ->group("Output");
  app.add_option("--output-dir", options.output_directory,
                 "Write to files in DIR, named as with -O or -o")
      ->type_name("DIR")
      ->group("Output");
  app.add_flag("-i,--include", options.include_headers, "Write the reply's headers before the body")
      ->group("Output");
}

void add_request_options(CLI::App& app, ClientOptions& options) {
  add_list(app, "-H,--header", options.headers,
           "Send this header, 'name: value'; 'name;' sends it\n"
           "without value, 'name:' removes one that would be\n"
           "sent")
      ->type_name("HEADER")
      ->group("Request");
  app.add_option("-X,--request", options.method, "Use this method")
      ->type_name("METHOD")
      ->group("Request");
  CLI::Option* const head =
      app.add_flag("-I,--head", options.head, "Ask for the headers only (HEAD) and show them")
          ->group("Request");
  CLI::Option* const data = add_list(app, "-d,--data", options.data,
                                     "POST DATA, or the bytes of FILE, \"@-\" being\n"
                                     "standard input; several are joined with \"&\"")
                                ->type_name("DATA|@FILE")
                                ->group("Request");
  CLI::Option* const upload = add_list(app, "-T,--upload-file", options.uploads,
                                       "PUT FILE, \"-\" being standard input; a URL\n"
                                       "that ends in \"/\" gets the file's name. The n-th -T is\n"
                                       "for the n-th URL; a single -T is for all URLs, and\n"
                                       "several may go to one URL that ends in \"/\"")
                                  ->type_name("FILE")
                                  ->group("Request");
  app.add_flag("--compressed", options.compressed,
               "Let the server compress (gzip, br), and write the\ndecompressed reply")
      ->group("Request");
  CLI::Option* const location =
      app.add_flag("-L,--location", options.location,
                   "Follow redirects; authorization and cookies are sent\n"
                   "only to the host they were meant for")
          ->group("Request");
  constexpr std::size_t most = 1'000;
  app.add_option("--max-redirs", options.max_redirects,
                 "With -L, follow at most N redirects; default: 50")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{0}, most).description(""))
      ->needs(location)
      ->group("Request");
  data->excludes(upload)->excludes(head);
  upload->excludes(head);
}

void add_trust_options(CLI::App& app, ClientOptions& options) {
  CLI::Option* const anchors = app.add_option("--ca,--cacert", options.trust_anchors,
                                              "Trust only the certificates in this PEM file")
                                   ->type_name("PEM")
                                   ->group("Trust");
  CLI::Option* const insecure = app.add_flag("-k,--insecure", options.insecure,
                                             "Do not verify the server: anyone on the path can\n"
                                             "read and change everything. For tests only")
                                    ->group("Trust");
  insecure->excludes(anchors);
  app.add_option("--pinnedpubkey", options.pins,
                 "The server's public key must be one of these, besides\n"
                 "all other checks: SHA-256 in base64 with \"sha256//\"\n"
                 "in front, several separated by \";\"")
      ->type_name("PINS")
      ->group("Trust");
  CLI::Option* const certificate =
      app.add_option("--cert", options.certificate,
                     "Show this certificate to servers that ask for one")
          ->type_name("PEM")
          ->group("Trust");
  CLI::Option* const key = app.add_option("--key", options.key, "The private key of --cert")
                               ->type_name("PEM")
                               ->group("Trust");
  certificate->needs(key);
  key->needs(certificate);
  app.add_option("--ciphers", options.ciphers,
                 "Accept only these TLS 1.3 cipher suites, separated by\n"
                 "colons: TLS_AES_128_GCM_SHA256,\n"
                 "TLS_AES_256_GCM_SHA384, TLS_CHACHA20_POLY1305_SHA256.\n"
                 "A connection that negotiates another one fails")
      ->type_name("LIST")
      ->group("Trust");
}

void add_connection_options(CLI::App& app, ClientOptions& options) {
  add_list(app, "--resolve", options.resolves,
           "Use the address ADDR for HOST and PORT; IPv6\naddresses with or without brackets")
      ->type_name("HOST:PORT:ADDR")
      ->group("Connection");
  add_seconds(app, "--connect-timeout", options.connect_timeout,
              "Give up if there is no connection after S seconds;\ndefault: 10")
      ->group("Connection");
  add_seconds(app, "--max-time", options.max_time, "Abort a transfer after S seconds")
      ->group("Connection");
  constexpr std::size_t most = 10'000;
  app.add_option("--parallel", options.parallel,
                 "Transfer up to N URLs at the same time; those going\n"
                 "to standard output still come one after the other")
      ->type_name("N")
      ->check(CLI::Range(std::size_t{1}, most).description(""))
      ->group("Connection");
  app.add_flag("--fresh-connections", options.fresh_connections,
               "Make a new connection for each URL, one after the\nother")
      ->group("Connection");
  CLI::Option* const session =
      app.add_option("--session", options.session_file,
                     "Resume the TLS sessions in FILE, and store new ones\n"
                     "there; the file is a secret")
          ->type_name("FILE")
          ->group("Connection");
  app.add_option("--alt-svc", options.alt_svc_file,
                 "Use the alternative services (alt-svc) that FILE\n"
                 "remembers in curl's format, and store new ones there")
      ->type_name("FILE")
      ->group("Connection");
  app.add_flag("--early-data", options.early_data,
               "Send GET and HEAD with the first flight (0-RTT) where\n"
               "the session allows that. An attacker can replay\n"
               "them")
      ->needs(session)
      ->group("Connection");
  app.add_option("--key-update", options.key_update,
                 "Update the keys after every N bytes in either\ndirection; default: 64 GiB")
      ->type_name("N")
      ->check(CLI::PositiveNumber.description(""))
      ->group("Connection");
  add_io_option(app, options.io, "Connection");
}

void add_websocket_options(CLI::App& app, ClientOptions& options) {
  app.add_flag("--ws", options.websocket,
               "Open a WebSocket to the URL, wss:// or https://: each\n"
               "line of standard input is sent as a message, each\n"
               "message is written as a line. The end of input\n"
               "closes it")
      ->group("WebSocket");
  add_list(app, "--subprotocol", options.subprotocols,
           "Offer this subprotocol; the server chooses one of\nthose offered")
      ->type_name("NAME")
      ->group("WebSocket");
}

void add_migration_options(CLI::App& app, ClientOptions& options) {
  const auto read = [&options](const std::string& text) {
    const Result<Address> bare = Address::parse_host(text, 0);
    const Result<Address> address = bare ? bare : Address::parse(text);
    if (!address) {
      throw CLI::ValidationError("--migrate-to", in_quotes(text) +
                                                     " is not a local address; write "
                                                     "192.0.2.7 or [2001:db8::7]:5000");
    }
    options.migrate_to = *address;
  };
  CLI::Option* const target =
      app.add_option_function<std::string>("--migrate-to", read,
                                           "Move the connection to the local address ADDR, with\n"
                                           "or without a port, while it is in use; 0.0.0.0 is\n"
                                           "another port of the current address")
          ->type_name("ADDR")
          ->group("Connection");
  app.add_option("--migrate-after", options.migrate_after,
                 "Do so MS milliseconds after the first connection was\nmade; default: 0")
      ->type_name("MS")
      ->needs(target)
      ->group("Connection");
}

void add_report_options(CLI::App& app, ClientOptions& options) {
  app.add_flag("-f,--fail", options.fail,
               "Write nothing and fail (exit code 22) if the status\nis 400 or more")
      ->group("Report");
  app.add_flag("-v,--verbose", options.verbose,
               "Show the handshake, the certificate's names, the path\n"
               "and all headers on standard error")
      ->group("Report");
  app.add_flag("--doctor", options.doctor,
               "Fetch nothing: show what works on this machine and\n"
               "on the path to the URL, if given, and what to do\n"
               "about the rest")
      ->group("Report");
  app.add_flag("--timing", options.timing,
               "Show times, size, rate, protocol and path MTU of\n"
               "each transfer on standard error")
      ->group("Report");
  app.add_option("--qlog", options.qlog_directory,
                 "Write a qlog file for each connection to this folder")
      ->type_name("DIR")
      ->group("Report");
}

/// What CLI11's own checks cannot say.
std::string contradiction(const ClientOptions& options) {
  if (options.urls.empty() && !options.doctor) {
    return "URL is required: what to fetch or where to send to";
  }
  if (options.websocket && options.urls.size() != 1) return "--ws takes one URL";
  if (options.doctor && !options.alt_svc_file.empty()) {
    return "--doctor examines the host in the URL and no other; omit --alt-svc";
  }
  if (options.doctor && options.websocket) return "--doctor opens no WebSocket; omit --ws";
  if (!options.subprotocols.empty() && !options.websocket) return "--subprotocol is for --ws";
  if (options.remote_names && !options.outputs.empty()) {
    return "-o and -O contradict each other; use one of them";
  }
  if (options.fresh_connections && options.parallel > 1) {
    return "--fresh-connections makes one connection after the other; omit --parallel";
  }
  return {};
}

}  // namespace

std::expected<ClientOptions, Stop> parse_client_options(std::vector<std::string> arguments) {
  ClientOptions options;
  CLI::App app{"Fetches and sends files over HTTP/3.", tool};
  prepare(app, std::string{library_version_text()}, "[options] URL...");
  app.footer(footer());
  app.add_option("URL", options.urls, "What to fetch or where to send to, https://HOST[:PORT]/PATH")
      ->type_name("");
  add_output_options(app, options);
  add_request_options(app, options);
  add_trust_options(app, options);
  add_connection_options(app, options);
  add_migration_options(app, options);
  add_websocket_options(app, options);
  add_report_options(app, options);
  if (std::expected<void, Stop> parsed = parse(app, std::move(arguments)); !parsed) {
    return std::unexpected(std::move(parsed.error()));
  }
  if (const std::string problem = contradiction(options); !problem.empty()) {
    return std::unexpected(usage_error(tool, problem));
  }
  if (options.websocket && options.urls.front().starts_with("wss://")) {
    options.urls.front().replace(0, 3, "https");
  }
  return options;
}

}  // namespace quoin::tools
