// SPDX-License-Identifier: MIT
/// Tests of quoin-client's command line.
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include "common/command_line.hpp"
#include "quoin-client/options.hpp"

namespace quoin::tools {

namespace {

using Parsed = std::expected<ClientOptions, Stop>;

std::string problem(std::vector<std::string> arguments) {
  const Parsed parsed = parse_client_options(std::move(arguments));
  return parsed ? "" : parsed.error().text;
}

}  // namespace

TEST_CASE("The client's options arrive where they belong") {
  const Parsed parsed = parse_client_options({"-o",
                                              "a",
                                              "--output",
                                              "-",
                                              "-H",
                                              "x: 1",
                                              "-H",
                                              "y: 2",
                                              "-X",
                                              "PATCH",
                                              "-d",
                                              "one",
                                              "-d",
                                              "@two",
                                              "-i",
                                              "-v",
                                              "--resolve",
                                              "h:1:::1",
                                              "--max-time",
                                              "2.5",
                                              "--connect-timeout",
                                              "1",
                                              "--parallel",
                                              "7",
                                              "--compressed",
                                              "-L",
                                              "--max-redirs",
                                              "3",
                                              "--timing",
                                              "--fail",
                                              "--ca",
                                              "ca.pem",
                                              "--ciphers",
                                              "A:B",
                                              "https://h:1/a",
                                              "https://h:1/b"});
  REQUIRE(parsed.has_value());
  CHECK(parsed->compressed);
  CHECK(parsed->location);
  CHECK(parsed->max_redirects == 3);
  CHECK(parsed->urls == std::vector<std::string>{"https://h:1/a", "https://h:1/b"});
  CHECK(parsed->outputs == std::vector<std::string>{"a", "-"});
  CHECK(parsed->headers == std::vector<std::string>{"x: 1", "y: 2"});
  CHECK(parsed->method == "PATCH");
  CHECK(parsed->data == std::vector<std::string>{"one", "@two"});
  CHECK(parsed->resolves == std::vector<std::string>{"h:1:::1"});
  CHECK(parsed->max_time == std::chrono::milliseconds{2500});
  CHECK(parsed->connect_timeout == std::chrono::seconds{1});
  CHECK(parsed->parallel == 7);
  CHECK(parsed->trust_anchors == "ca.pem");
  CHECK(parsed->ciphers == "A:B");
  CHECK(parsed->include_headers);
  CHECK(parsed->verbose);
  CHECK(parsed->timing);
  CHECK(parsed->fail);
}

TEST_CASE("Short flags may be joined and an option does not swallow the URL behind its value") {
  const Parsed parsed = parse_client_options({"-ivk", "-Hx: 1", "https://h/"});
  REQUIRE(parsed.has_value());
  CHECK(parsed->include_headers);
  CHECK(parsed->verbose);
  CHECK(parsed->insecure);
  CHECK(parsed->headers == std::vector<std::string>{"x: 1"});
  CHECK(parsed->urls == std::vector<std::string>{"https://h/"});
}

TEST_CASE("Data are taken as they are, be they JSON, empty, or begin with a dash") {
  const Parsed parsed = parse_client_options(
      {"-d", "[1,2]", "-d", "", "-d", "-5", "-d", "{\"a\":[1]}", "https://h/"});
  REQUIRE(parsed.has_value());
  CHECK(parsed->data == std::vector<std::string>{"[1,2]", "", "-5", "{\"a\":[1]}"});
}

TEST_CASE("Help and version go to standard output and are no failure") {
  for (const char* flag : {"--help", "-h", "--version", "-V"}) {
    const Parsed parsed = parse_client_options({flag});
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().exit_code == 0);
    CHECK_FALSE(parsed.error().on_stderr);
  }
}

TEST_CASE("The client's help has every option, examples and the exit codes") {
  const std::string help = problem({"--help"});
  for (const std::string_view part :
       {"-o",         "-O",           "--output-dir", "--ca",       "--insecure",
        "-H",         "-X",           "-d",           "-T",         "-i",
        "-I",         "-v",           "--resolve",    "--max-time", "--connect-timeout",
        "--parallel", "--timing",     "--fail",       "--ciphers",  "--fresh-connections",
        "--session",  "--early-data", "--key-update", "--qlog",     "SSLKEYLOGFILE",
        "Examples:",  "Exit codes:"}) {
    INFO(part);
    CHECK(help.contains(part));
  }
}

TEST_CASE("The client's help fits a terminal of 80 columns") {
  std::string help = problem({"--help"});
  for (std::size_t begin = 0; begin < help.size();) {
    const std::size_t end = help.find('\n', begin);
    INFO(help.substr(begin, end - begin));
    CHECK(end - begin <= 80);
    begin = end + 1;
  }
}

TEST_CASE("A mistake in the client's options names the option and says where to read on") {
  CHECK(problem({}).contains("URL"));
  CHECK(problem({"--frobnicate", "https://h/"}).contains("--frobnicate"));
  CHECK(problem({"--max-time", "soon", "https://h/"}).contains("soon"));
  CHECK(problem({"--parallel", "0", "https://h/"}).contains("--parallel"));
  CHECK(problem({"--insecure", "--ca", "x", "https://h/"}).contains("--ca"));
  CHECK(problem({"-d", "x", "-T", "y", "https://h/"}).contains("--upload-file"));
  CHECK(problem({"-O", "-o", "x", "https://h/"}).contains("contradict"));
  CHECK(problem({"--ws", "wss://h/", "wss://g/"}).contains("one URL"));
  CHECK(problem({"--subprotocol", "x", "https://h/"}).contains("--ws"));
  CHECK(problem({"--frobnicate", "https://h/"}).contains("Try 'quoin-client --help'."));
  const Parsed parsed = parse_client_options({"--frobnicate", "https://h/"});
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().exit_code == 2);
  CHECK(parsed.error().on_stderr);
}

}  // namespace quoin::tools
