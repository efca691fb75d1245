// SPDX-License-Identifier: MIT
/// Names, texts and comparison of errors. Not when an error occurs.
#include <array>
#include <cerrno>
#include <cstdint>
#include <string>

#include <catch2/catch_test_macros.hpp>

#include <quoin/error.hpp>

namespace {

using quoin::Error;
using quoin::HttpError;
using quoin::LocalError;
using quoin::TransportError;
using quoin::UsageError;

// RFC 9000 §20.1, RFC 9114 §8.1, RFC 9204 §6, RFC 8446 §6, RFC 7301 §3.2.
TEST_CASE("an error has the name that its RFC gives to the code") {
  CHECK(Error{TransportError::protocol_violation}.name() == "PROTOCOL_VIOLATION");
  CHECK(Error{TransportError::no_viable_path}.name() == "NO_VIABLE_PATH");
  CHECK(Error{HttpError::request_cancelled}.name() == "H3_REQUEST_CANCELLED");
  CHECK(Error{HttpError::qpack_decompression_failed}.name() == "QPACK_DECOMPRESSION_FAILED");
  CHECK(Error{LocalError::idle_timeout}.name() == "IDLE_TIMEOUT");
  CHECK(Error{LocalError::connection_draining}.name() == "CONNECTION_DRAINING");
  CHECK(Error{UsageError::stale_handle}.name() == "STALE_HANDLE");
  CHECK(Error{Error::Domain::tls, 120}.name() == "no_application_protocol");
  CHECK(Error{Error::Domain::system, ECONNREFUSED}.name() == "ECONNREFUSED");
}

TEST_CASE("a code that nobody has named still gets a name and shows its number") {
  CHECK(Error{Error::Domain::application, 0x3fffffffffffffff}.message() ==
        "APPLICATION_CODE 0x3fffffffffffffff");
  CHECK(Error{Error::Domain::transport, 0x4242}.message() == "UNKNOWN_ERROR 0x4242");
  CHECK(Error{Error::Domain::http, 0x21}.message() == "H3_UNKNOWN_ERROR 0x21");
  CHECK(Error{Error::Domain::tls, 255}.message() == "TLS alert TLS_ALERT 0xff");
  CHECK(Error{Error::Domain::system, 1U << 20U}.message() == "UNKNOWN_ERRNO 0x100000");
  CHECK(Error{Error::Domain::local, 0}.message() == "UNKNOWN_ERROR 0x0");
}

TEST_CASE("the message is the name and the detail in one line") {
  CHECK(Error{TransportError::invalid_token}.message() == "INVALID_TOKEN");
  CHECK(Error{UsageError::too_large, "70000 bytes"}.message() == "TOO_LARGE: 70000 bytes");
  CHECK(Error{Error::Domain::tls, 48, "CN=x"}.message() == "TLS alert unknown_ca: CN=x");
}

TEST_CASE("a default error is an orderly end") {
  CHECK(Error{} == Error{TransportError::no_error});
  CHECK(Error{}.name() == "NO_ERROR");
  CHECK(Error{}.detail().empty());
}

TEST_CASE("an error can be tested, and there is one way to have none") {
  const std::array none{Error{}, Error{TransportError::no_error}, Error{HttpError::no_error},
                        Error{Error::Domain::system, 0}, Error{HttpError::no_error, "bye"}};
  for (const Error& error : none) {
    CAPTURE(error.message());
    CHECK_FALSE(error);
    for (const Error& other : none) CHECK(error == other);
    CHECK(error != Error{HttpError::internal_error});
    CHECK(Error{TransportError::internal_error} != error);
  }
  CHECK(Error{TransportError::internal_error});
  CHECK(Error{HttpError::general_protocol_error});
  CHECK(Error{LocalError::idle_timeout});
  CHECK(Error{UsageError::closed});
}

TEST_CASE("what an application or TLS means by 0 is not taken for no error") {
  const Error given_up{Error::Domain::application, 0};
  CHECK(given_up);
  CHECK(given_up != Error{});
  CHECK(Error{Error::Domain::tls, 0} != Error{});
  CHECK(Error{Error::Domain::tls, 0} != given_up);
}

TEST_CASE("errors are equal when domain and code are, whatever the detail") {
  CHECK(Error{TransportError::internal_error, "a"} == Error{TransportError::internal_error, "b"});
  CHECK(Error{Error::Domain::local, 1} != Error{Error::Domain::usage, 1});
  CHECK(Error{Error::Domain::local, 1} != Error{Error::Domain::local, 2});
}

TEST_CASE("a detail outlives the error it came from as long as a copy exists") {
  Error copy;
  {
    const Error original{UsageError::invalid_argument, "alpn is empty"};
    copy = original;
  }
  CHECK(copy.detail() == "alpn is empty");
}

TEST_CASE("a detail cannot control the terminal it is shown on") {
  const auto shown = [](std::string text) {
    return std::string{Error{UsageError::invalid_argument, std::move(text)}.detail()};
  };
  CHECK(shown("a\x1b[31mred\n") == "a\\x1b[31mred\\x0a");
  CHECK(shown(std::string{"nul\0!", 5}) == "nul\\x00!");
  CHECK(shown("\x7f") == "\\x7f");
  CHECK(shown("\xc2\x9b") == "\\xc2\\x9b");
  CHECK(shown("\xe2\x80\xae") == "\\xe2\\x80\\xae");
  CHECK(shown("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x8d") ==
        "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x8d");
  CHECK(shown("\xff\xc0\x80\xed\xa0\x80") == "\\xff\\xc0\\x80\\xed\\xa0\\x80");
  CHECK(shown("cut \xe2\x82") == "cut \\xe2\\x82");
}

}  // namespace
