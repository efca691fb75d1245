// SPDX-License-Identifier: MIT
/// Tests of what quoin-client makes of its options: URLs, methods, headers, files.
#include "quoin-client/plan.hpp"

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch_test_macros.hpp>

#include <quoin/bytes.hpp>
#include <quoin/url.hpp>

#include "common/failure.hpp"
#include "quoin-client/exit_code.hpp"
#include "quoin-client/options.hpp"
#include "scratch.hpp"

namespace quoin::tools {

namespace {

using Plan = std::vector<PlannedTransfer>;

ClientOptions options_for(std::vector<std::string> urls) {
  ClientOptions options;
  options.urls = std::move(urls);
  return options;
}

Failure refusal(const ClientOptions& options) {
  const Expected<Plan> plan = make_plan(options);
  return plan ? Failure{.exit_code = 0, .message = {}} : plan.error();
}

}  // namespace

TEST_CASE("A URL alone is a GET to standard output") {
  const Plan plan = make_plan(options_for({"https://Example.org/a?b#c"})).value();
  REQUIRE(plan.size() == 1);
  CHECK(plan[0].method == "GET");
  CHECK(plan[0].output == "-");
  CHECK(plan[0].url.to_string() == "https://example.org/a?b");
  CHECK(plan[0].headers.get("accept") == "*/*");
  CHECK(plan[0].headers.get("user-agent").value_or("").starts_with("quoin-client/"));
}

TEST_CASE("Other schemes have an exit code of their own, and the message shows the way") {
  const Failure http = refusal(options_for({"http://h/x"}));
  CHECK(http.exit_code == number(ClientExit::not_https));
  CHECK(http.message.contains("https://h/x"));
  CHECK(refusal(options_for({"ftp://h/x"})).exit_code == number(ClientExit::not_https));
  CHECK(refusal(options_for({"HTTPS://h/x"})).exit_code == 0);
}

TEST_CASE("A malformed URL is named") {
  for (const std::string url : {"h/x", "https://", "https:///x", "https://h:0/", "https://h:99999/",
                                "https://[::1/", "https://a b/", "https://u:p@h/"}) {
    INFO(url);
    const Failure failure = refusal(options_for({url}));
    CHECK(failure.exit_code == number(ClientExit::malformed_url));
    CHECK(failure.message.contains(url));
  }
}

TEST_CASE("The method follows from what is sent unless it is given") {
  ClientOptions options = options_for({"https://h/x"});
  options.data = {"a", "b"};
  CHECK(make_plan(options).value()[0].method == "POST");
  CHECK(as_text(make_plan(options).value()[0].data->view()) == "a&b");
  CHECK(make_plan(options).value()[0].headers.get("content-type") ==
        "application/x-www-form-urlencoded");
  options.method = "PATCH";
  CHECK(make_plan(options).value()[0].method == "PATCH");
  options = options_for({"https://h/x"});
  options.head = true;
  CHECK(make_plan(options).value()[0].method == "HEAD");
  options = options_for({"https://h/x"});
  options.uploads = {"file"};
  CHECK(make_plan(options).value()[0].method == "PUT");
}

TEST_CASE("Data from a file are sent as they are, line ends and NUL included") {
  const Scratch scratch;
  const std::string content{"a\r\n\0b\n", 6};
  ClientOptions options = options_for({"https://h/"});
  options.data = {"@" + scratch.write("data", content).string()};
  CHECK(as_text(make_plan(options).value()[0].data->view()) == content);
}

TEST_CASE("A file for -d that cannot be read is named") {
  ClientOptions options = options_for({"https://h/"});
  options.data = {"@/nonexistent/file"};
  const Failure failure = refusal(options);
  CHECK(failure.exit_code == number(ClientExit::read_error));
  CHECK(failure.message.contains("/nonexistent/file"));
}

TEST_CASE("Headers are added, replaced, emptied and left out as with curl") {
  ClientOptions options = options_for({"https://h/"});
  options.headers = {"X-One: 1", "x-one:2 ", "User-Agent: me", "accept:", "x-empty;"};
  const Headers headers = make_plan(options).value()[0].headers;
  CHECK(headers.get("x-one") == "1");
  CHECK(headers.get("user-agent") == "me");
  CHECK_FALSE(headers.get("accept").has_value());
  CHECK(headers.get("x-empty") == "");
  CHECK(headers.size() == 4);
}

TEST_CASE("A header that HTTP does not allow is a usage error that shows it") {
  for (const std::string text : {"no colon", "a b: c", "x: a\nb: c", ": x", "host: other"}) {
    INFO(text);
    ClientOptions options = options_for({"https://h/"});
    options.headers = {text};
    const Failure failure = refusal(options);
    CHECK(failure.exit_code == number(ClientExit::usage));
    CHECK(failure.message.starts_with("-H "));
  }
}

TEST_CASE("The name for -O is the last part of the path and leads nowhere else") {
  const auto name_of = [](std::string_view url) {
    return remote_name(parse_url(url).value()).value_or("refused");
  };
  CHECK(name_of("https://h/a/b.txt?x=/../y") == "b.txt");
  CHECK(name_of("https://h/a/..%2f..%2fetc%2fpasswd") == "..%2f..%2fetc%2fpasswd");
  CHECK(name_of("https://h/%2e%2e") == "%2e%2e");
  CHECK(name_of("https://h/a/") == "refused");
  CHECK(name_of("https://h") == "refused");
  CHECK(name_of("https://h/a/..") == "refused");
  CHECK(name_of("https://h/.") == "refused");
}

TEST_CASE("Outputs go to the URLs in order, the rest to standard output") {
  ClientOptions options = options_for({"https://h/a", "https://h/b", "https://h/c"});
  options.outputs = {"x", "-"};
  const Plan plan = make_plan(options).value();
  CHECK(plan[0].output == "x");
  CHECK(plan[1].output == "-");
  CHECK(plan[2].output == "-");
  options.outputs = {"1", "2", "3", "4"};
  CHECK(refusal(options).exit_code == number(ClientExit::usage));
}

TEST_CASE("An output folder takes files by their remote names, and must be there") {
  const Scratch scratch;
  ClientOptions options = options_for({"https://h/a", "https://h/b"});
  options.output_directory = scratch.folder().string();
  const Plan plan = make_plan(options).value();
  CHECK(plan[0].output == (scratch / "a").string());
  CHECK(plan[1].output == (scratch / "b").string());
  options.output_directory = (scratch / "none").string();
  CHECK(refusal(options).exit_code == number(ClientExit::write_error));
  CHECK(refusal(options).message.contains("none"));
}

TEST_CASE("Two URLs must not share a file, but may share a device") {
  ClientOptions options = options_for({"https://h/x/a", "https://h/y/a"});
  options.remote_names = true;
  CHECK(refusal(options).message.contains("two URLs"));
  options.remote_names = false;
  options.outputs = {"/dev/null", "/dev/null"};
  CHECK(make_plan(options).has_value());
}

TEST_CASE("Files to send go to their URLs, to all, or by name below one") {
  ClientOptions options = options_for({"https://h/a", "https://h/b"});
  options.uploads = {"dir/1", "2"};
  CHECK(make_plan(options).value()[1].upload == "2");
  options.uploads = {"1"};
  CHECK(make_plan(options).value()[1].upload == "1");
  options.uploads = {"1", "2", "3"};
  CHECK(refusal(options).exit_code == number(ClientExit::usage));
  options = options_for({"https://h/up/"});
  options.uploads = {"dir/one two", "2"};
  const Plan plan = make_plan(options).value();
  REQUIRE(plan.size() == 2);
  CHECK(plan[0].url.target == "/up/one%20two");
  CHECK(plan[1].url.target == "/up/2");
}

TEST_CASE("Standard input can be sent once only, and needs a name") {
  ClientOptions options = options_for({"https://h/a", "https://h/b"});
  options.uploads = {"-"};
  CHECK(refusal(options).exit_code == number(ClientExit::usage));
  options = options_for({"https://h/up/"});
  options.uploads = {"-"};
  CHECK(refusal(options).message.contains("no name"));
}

TEST_CASE("Addresses for hosts are read with both families") {
  const PinnedAddress v4 = parse_resolve("Example.org:443:192.0.2.7").value();
  CHECK(v4.host == "example.org");
  CHECK(v4.address.to_string() == "192.0.2.7:443");
  CHECK(parse_resolve("h:1:::1").value().address.to_string() == "[::1]:1");
  CHECK(parse_resolve("h:1:[::1]").value().address.to_string() == "[::1]:1");
  CHECK(parse_resolve("[::1]:5:127.0.0.1").value().host == "::1");
  CHECK(parse_resolve("Example.org.:443:192.0.2.7").value().host == "example.org");
  const auto in_url = Url::parse("https://b\u00fccher.example/");
  const auto given = parse_resolve("b\u00fccher.example:443:192.0.2.7");
  CHECK((given ? given->host : "") == (in_url ? in_url->host : ""));
  if (!given) CHECK(given.error().message.contains("xn--"));
  for (const std::string text :
       {"h", "h:1", "h:x:127.0.0.1", "h:0:127.0.0.1", ":1:127.0.0.1", "h:1:name",
        "h:1:", "h#x:1:127.0.0.1", "h::127.0.0.1", "[::1]5:127.0.0.1", "a b:1:127.0.0.1"}) {
    INFO(text);
    const Expected<PinnedAddress> refused = parse_resolve(text);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().exit_code == number(ClientExit::usage));
    CHECK(refused.error().message.starts_with("--resolve"));
  }
}

}  // namespace quoin::tools
