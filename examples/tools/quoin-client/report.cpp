// SPDX-License-Identifier: MIT
/// See report.hpp.
#include "quoin-client/report.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/client.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/error.hpp>
#include <quoin/headers.hpp>
#include <quoin/time.hpp>
#include <quoin/url.hpp>

#include "common/failure.hpp"
#include "common/text.hpp"
#include "quoin-client/exit_code.hpp"
#include "quoin-client/plan.hpp"

namespace quoin::tools {

namespace {

constexpr std::uint64_t alert_no_application_protocol = 120;  // RFC 7301 §3.2

/// The part of a message that depends on the error.
struct Explanation {
  ClientExit code;
  std::string what;
};

Explanation explain_local(LocalError code, const Error& error, const FailedTransfer& transfer) {
  const std::string where = origin(transfer.url);
  const std::string after = seconds(transfer.elapsed);
  const std::string reason = without_controls(error.message());
  switch (code) {
    case LocalError::name_resolution:
      return {ClientExit::name_resolution, "the host \"" + transfer.url.host +
                                               "\" could not be found (" + reason +
                                               "); check its spelling, or give its address with "
                                               "--resolve HOST:PORT:ADDR"};
    case LocalError::no_answer:
      return {ClientExit::no_answer,
              "no answer from " + where + " after " + after + " (" + reason +
                  "); the host may be down, it may not have HTTP/3, or UDP to " + where +
                  " may be blocked; a longer --connect-timeout helps if it is only slow"};
    case LocalError::handshake_timeout:
      return {ClientExit::timeout, where + " answered, but there was no connection after " + after +
                                       " (" + reason + "); try a longer --connect-timeout"};
    case LocalError::request_timeout:
      return {ClientExit::timeout,
              "given up after " + after + " (" + reason + "), " + std::to_string(transfer.bytes) +
                  " bytes of the body had arrived" +
                  (transfer.max_time > Duration::zero() ? "; try a longer --max-time" : "")};
    case LocalError::idle_timeout:
    case LocalError::stateless_reset:
      return {ClientExit::connection_lost,
              "the connection to " + where + " was lost after " + after + " (" + reason + "), " +
                  std::to_string(transfer.bytes) + " bytes of the body had arrived; try again"};
    case LocalError::certificate_untrusted:
      return {ClientExit::certificate,
              "no trusted issuer vouches for the certificate of " + where + " (" + reason +
                  "); if you know its issuer, give that certificate with --ca PEM"};
    case LocalError::certificate_name:
      return {ClientExit::certificate, "the certificate of " + where + " is not for this host (" +
                                           reason + "); use one of the names it is for"};
    case LocalError::certificate_expired:
      return {ClientExit::certificate,
              "the certificate of " + where + " is out of date (" + reason +
                  "); the server needs a new one, or this machine's clock is wrong"};
    case LocalError::certificate_pin:
      return {ClientExit::certificate, where + " has a different key than --pinnedpubkey (" +
                                           reason +
                                           "); it was replaced, or this is another server"};
    case LocalError::certificate_invalid:
      return {ClientExit::certificate,
              "the certificate of " + where + " cannot be used (" + reason + ")"};
    case LocalError::version_negotiation:
      return {ClientExit::quic_protocol,
              where + " speaks no QUIC version known here (" + reason + ")"};
    case LocalError::connection_draining:
      return {ClientExit::http3_protocol, where + " is shutting down (" + reason + "); try again"};
  }
  return {ClientExit::quic_protocol, where + ": " + reason};
}

Explanation explain_system(const Error& error, const FailedTransfer& transfer) {
  const std::string where = origin(transfer.url);
  const std::string reason = without_controls(error.message());
  if (error.code() == ECONNREFUSED) {
    return {ClientExit::no_answer,
            "nothing listens on UDP port " + std::to_string(transfer.url.port) + " of \"" +
                transfer.url.host + "\" (" + reason + "); check the port, or that the server runs"};
  }
  return {ClientExit::no_answer, where + " cannot be reached (" + reason +
                                     "); check the address and this machine's network"};
}

Explanation explain_tls(const Error& error, const FailedTransfer& transfer) {
  const std::string where = origin(transfer.url);
  const std::string reason = without_controls(error.message());
  if (error.code() == alert_no_application_protocol) {
    return {ClientExit::tls_refused,
            where + " speaks QUIC but not HTTP/3: it does not offer \"h3\" (" + reason + ")"};
  }
  return {ClientExit::tls_refused, "TLS with " + where + " failed (" + reason + ")"};
}

Explanation explain_http3(const Error& error, const FailedTransfer& transfer) {
  const std::string where = origin(transfer.url);
  const std::string reason = without_controls(error.message());
  if (transfer.reply_begun) {
    return {ClientExit::partial, where + " cut the reply short after " +
                                     std::to_string(transfer.bytes) + " bytes of its body (" +
                                     reason + "); try again"};
  }
  return {ClientExit::http3_protocol, where + " sent no HTTP/3 reply (" + reason + ")"};
}

Explanation explain_by_domain(const Error& error, const FailedTransfer& transfer) {
  const std::string reason = without_controls(error.message());
  switch (error.domain()) {
    case Error::Domain::local:
      return explain_local(static_cast<LocalError>(error.code()), error, transfer);
    case Error::Domain::system:
      return explain_system(error, transfer);
    case Error::Domain::tls:
      return explain_tls(error, transfer);
    case Error::Domain::http:
      return explain_http3(error, transfer);
    case Error::Domain::usage:
      if (error == Error{UsageError::limit_reached}) {
        return {ClientExit::redirects, reason + "; --max-redirs N allows more"};
      }
      return {ClientExit::usage, reason};
    case Error::Domain::transport:
    case Error::Domain::application:
      break;
  }
  return {ClientExit::quic_protocol,
          "the connection with " + origin(transfer.url) + " ended (" + reason + ")"};
}

std::string field_lines(const Headers& headers, std::string_view prefix,
                        std::string_view line_end) {
  std::string out;
  for (const Field& field : headers) {
    if (!field.name.starts_with(':')) {
      out.append(prefix).append(field.name).append(": ");
      out.append(without_controls(field.value)).append(line_end);
    }
  }
  return out;
}

}  // namespace

Failure explain(const Error& error, const FailedTransfer& transfer) {
  const Explanation explanation = explain_by_domain(error, transfer);
  return {.exit_code = number(explanation.code),
          .message = transfer.url.to_string() + ": " + explanation.what};
}

Failure explain_status(int status, const Url& url) {
  return {.exit_code = number(ClientExit::http_error),
          .message = url.to_string() + ": the server answered with status " +
                     std::to_string(status) + "; omit --fail to see the reply"};
}

Failure explain_redirect(std::string_view location, const Url& url) {
  return {.exit_code = number(ClientExit::redirects),
          .message = url.to_string() + ": the server redirects to " +
                     in_quotes(without_controls(location)) +
                     ", which cannot be followed: only https is, and not with a body from -T; omit "
                     "-L to see the reply"};
}

std::string header_block(int status, const Headers& headers) {
  return "HTTP/3 " + std::to_string(status) + "\r\n" + field_lines(headers, "", "\r\n") + "\r\n";
}

std::string shown_reply(int status, const Headers& headers) {
  return "< HTTP/3 " + std::to_string(status) + "\n" + field_lines(headers, "< ", "\n") + "<\n";
}

std::string shown_request(std::string_view method, const Url& url, const Headers& headers) {
  return "> " + without_controls(method) + " " + url.target +
         " HTTP/3\n> host: " + url.authority() + "\n" + field_lines(headers, "> ", "\n") + ">\n";
}

std::string shown_connection(const ConnectionInfo& info) {
  const TlsInfo& tls = info.tls;
  std::string names;
  for (const std::string& name : tls.certificate_names) {
    names += (names.empty() ? "" : ", ") + without_controls(name);
  }
  return "* connected to " + info.host + " in " + milliseconds(info.stats.handshake_time) + "\n" +
         "* path: " + info.path.local.to_string() + " to " + info.path.remote.to_string() + "\n" +
         "* handshake: " + tls.version + ", " + tls.cipher + ", " + tls.group + ", ALPN " +
         printable(tls.alpn) + (tls.resumed ? ", resumed" : "") + "\n" + "* certificate for " +
         (names.empty() ? "no name" : names) + "\n" + "* certificate issued by " +
         without_controls(tls.certificate_issuer) + ", valid until " + tls.certificate_expires +
         "\n";
}

std::string shown_path_event(const quic::PathEvent& event) {
  using Type = quic::PathEvent::Type;
  const std::string path =
      "the path " + event.path.local.to_string() + " to " + event.path.remote.to_string();
  switch (event.type) {
    case Type::probing:
      return "trying " + path;
    case Type::validated:
      return path + " works";
    case Type::failed:
      return path + " is not used: " + without_controls(event.error.message());
    case Type::changed:
      return "moved to " + path;
    case Type::mtu:
      return "datagrams of up to " + std::to_string(event.udp_payload) + " bytes";
  }
  return "event on " + path;
}

std::string timing_line(const Url& url, const Timing& timing, std::uint64_t bytes,
                        const ConnectionInfo& connection) {
  constexpr std::size_t udp_header = 8;
  const std::size_t ip_header = connection.path.remote.is_ipv6() ? 40 : 20;
  const std::size_t payload = connection.stats.udp_payload_size;
  // An early reply may be there as soon as the connection is.
  const bool waited = !timing.reused && !timing.early;
  const Duration moving = timing.total - (waited ? timing.connected : Duration::zero());
  std::string line = "timing: " + url.to_string() + " connect " +
                     (timing.reused ? std::string{"reused"} : milliseconds(timing.connected));
  if (timing.early) line += ", early";
  line += ", first byte " + milliseconds(timing.first_byte);
  line += ", total " + milliseconds(timing.total);
  line += ", " + std::to_string(bytes) + " bytes, " + human_rate(bytes, moving);
  line += ", protocol " + (connection.tls.alpn.empty() ? "?" : printable(connection.tls.alpn));
  line += ", path MTU " + (payload == 0 ? "?"
                                        : std::to_string(payload + udp_header + ip_header) +
                                              " (UDP payload " + std::to_string(payload) + ")");
  return line + "\n";
}

}  // namespace quoin::tools
