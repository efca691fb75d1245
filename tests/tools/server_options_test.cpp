// SPDX-License-Identifier: MIT
/// Tests of quoin-server's command line.
#include <chrono>
#include <expected>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/quic/config.hpp>

#include "common/command_line.hpp"
#include "common/io_choice.hpp"
#include "quoin-server/options.hpp"

namespace quoin::tools {

namespace {

using Parsed = std::expected<ServerOptions, Stop>;

std::string problem(std::vector<std::string> arguments) {
  const Parsed parsed = parse_server_options(std::move(arguments));
  return parsed ? "" : parsed.error().text;
}

}  // namespace

TEST_CASE("The server's options arrive where they belong") {
  const Parsed parsed = parse_server_options({"--listen",  "127.0.0.1:1", "--listen",
                                              "[::1]:2",   "--root",      "dir",
                                              "--cert",    "c",           "--key",
                                              "k",         "--retry",     "--cc",
                                              "bbr",       "--no-pmtud",  "--max-udp-payload",
                                              "1300",      "--io",        "io_uring",
                                              "--qlog",    "q",           "-q",
                                              "--ciphers", "A",           "--handshake-timeout",
                                              "60"});
  REQUIRE(parsed.has_value());
  CHECK(parsed->listen == std::vector<std::string>{"127.0.0.1:1", "[::1]:2"});
  CHECK(parsed->root == "dir");
  CHECK(parsed->certificates == std::vector<std::filesystem::path>{"c"});
  CHECK(parsed->keys == std::vector<std::filesystem::path>{"k"});
  CHECK(parsed->retry);
  CHECK(parsed->congestion_control == quic::CongestionControl::bbr);
  CHECK_FALSE(parsed->probe_path_mtu);
  CHECK(parsed->max_udp_payload == 1300);
  CHECK(parsed->handshake_timeout == std::chrono::seconds{60});
  CHECK(parsed->qlog_directory == "q");
  CHECK(parsed->io == Io::io_uring);
  CHECK(parsed->quiet);
  CHECK(parsed->ciphers == "A");
}

TEST_CASE("Without --listen the server is for this machine only") {
  const Parsed parsed = parse_server_options({"--root", ".", "--self-signed"});
  REQUIRE(parsed.has_value());
  CHECK(parsed->listen == std::vector<std::string>{"127.0.0.1:4433", "[::1]:4433"});
  CHECK(parsed->listen_is_default);
}

TEST_CASE("A port alone listens on all addresses, and localhost is an address") {
  const Parsed parsed = parse_server_options(
      {"--root", ".", "--self-signed", "--listen", ":443", "--listen", "localhost:1"});
  REQUIRE(parsed.has_value());
  CHECK(parsed->listen == std::vector<std::string>{"[::]:443", "127.0.0.1:1"});
}

TEST_CASE("A mistake in the server's options names the option and what to write") {
  CHECK(problem({"--self-signed"}).contains("--root"));
  CHECK(problem({"--no-such-option"}).contains("--no-such-option"));
  CHECK(problem({"--root", ".", "--self-signed", "--io", "kqueue"}).contains("epoll or io_uring"));
  CHECK(problem({"--root", "."}).contains("--self-signed"));
  CHECK(problem({"--root", ".", "--cert", "c"}).contains("--key"));
  CHECK(problem({"--root", ".", "--key", "k"}).contains("--cert"));
  CHECK(problem({"--root", ".", "--cert", "c", "--key", "k", "--self-signed"})
            .contains("--self-signed"));
  CHECK(problem({"--root", ".", "--cert", "c", "--key", "k", "--cert", "d"})
            .contains("2 certificates and 1 keys"));
  CHECK(problem({"--root", ".", "--self-signed", "--require-client-cert"}).contains("--client-ca"));
  CHECK(problem({"--root", ".", "--self-signed", "--cc", "vegas"}).contains("cubic, reno or bbr"));
  CHECK(problem({"--root", ".", "--self-signed", "--listen", "example.org:1"})
            .contains("example.org:1"));
  CHECK(problem({"--root", ".", "--self-signed", "--listen", "127.0.0.1"}).contains("127.0.0.1"));
  CHECK(problem({"--root", ".", "--self-signed", "--max-udp-payload", "1199"})
            .contains("--max-udp-payload"));
  CHECK(problem({"--root", ".", "--self-signed", "--handshake-timeout", "0"})
            .contains("--handshake-timeout"));
  CHECK(problem({"--root", ".", "--self-signed", "-q", "-v"}).contains("--verbose"));
  CHECK(problem({"--root", ".", "--self-signed", "--frobnicate"}).contains("--frobnicate"));
}

TEST_CASE("The server's help has every option, examples and the exit codes") {
  const std::string help = problem({"--help"});
  for (const std::string_view part :
       {"--listen", "--root", "--cert", "--key", "--self-signed", "--client-ca",
        "--require-client-cert", "--retry", "--cc", "--no-pmtud", "--max-udp-payload", "--qlog",
        "-q", "-v", "--ciphers", "SSLKEYLOGFILE", "Examples:", "Signals:", "Exit codes:"}) {
    INFO(part);
    CHECK(help.contains(part));
  }
}

}  // namespace quoin::tools
