// SPDX-License-Identifier: MIT
/// See setup.hpp.
#include "quoin-server/setup.hpp"

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/error.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/server.hpp>
#include <quoin/tls.hpp>
#include <quoin/workers.hpp>

#include "common/failure.hpp"
#include "common/folder.hpp"
#include "common/key_log.hpp"
#include "common/text.hpp"
#include "quoin-server/exit_code.hpp"
#include "quoin-server/options.hpp"

namespace quoin::tools {

namespace {

std::unexpected<Failure> fail(ServerExit code, std::string message) {
  return std::unexpected(Failure{.exit_code = number(code), .message = std::move(message)});
}

/// The names for a self-signed certificate: this machine, and the addresses listened on.
std::vector<std::string> own_names(const ServerOptions& options) {
  std::vector<std::string> names{"localhost", "127.0.0.1", "::1"};
  for (const std::string& text : options.listen) {
    const Result<Address> address = Address::parse(text);
    if (address && !address->is_any() && address->zone() == 0) {
      const std::string host = address->host();
      if (host != "127.0.0.1" && host != "::1") {
        names.push_back(host);
      }
    }
  }
  return names;
}

/// Makes `tls` ask clients as the options say.
Expected<Tls> ask_clients(Tls tls, const ServerOptions& options) {
  if (options.client_ca.empty()) return tls;
  const Result<> set = tls.verify_clients(
      options.client_ca, options.require_client_cert ? ClientAuth::require : ClientAuth::request);
  if (!set) {
    return fail(ServerExit::identity,
                "cannot use --client-ca " + in_quotes(options.client_ca.string()) + ": " +
                    set.error().message() + "; it must be a readable PEM file of certificates");
  }
  return tls;
}

Expected<Tls> self_signed(const ServerOptions& options) {
  Result<Tls> tls = Tls::self_signed(own_names(options));
  if (!tls) {
    return fail(ServerExit::identity,
                "cannot make a self-signed certificate: " + tls.error().message());
  }
  return ask_clients(std::move(*tls), options);
}

/// The certificate of the n-th --cert and --key.
Expected<Tls> load(const ServerOptions& options, std::size_t index) {
  const auto& certificate = options.certificates[index];
  const auto& key = options.keys[index];
  Result<Tls> tls = Tls::server(certificate, key);
  if (!tls) {
    return fail(ServerExit::identity,
                "cannot use --cert " + in_quotes(certificate.string()) + " with --key " +
                    in_quotes(key.string()) + ": " + tls.error().message() +
                    "; both must be readable PEM files, with the key of the first certificate");
  }
  return ask_clients(std::move(*tls), options);
}

std::string listen_advice(int error) {
  switch (error) {
    case EADDRINUSE:
      return "; another program has this UDP port, stop it or choose another port with --listen";
    case EADDRNOTAVAIL:
      return "; this machine does not have this address, see 'ip address'";
    case EACCES:
    case EPERM:
      return "; ports below 1024 need root or CAP_NET_BIND_SERVICE";
    default:
      return {};
  }
}

/// No server offers its sockets: this is the first one.
bool is_nobody(const Error& error) {
  return error.domain() == Error::Domain::system &&
         (error.code() == ENOENT || error.code() == ECONNREFUSED);
}

bool is_missing_family(const Error& error) {
  return error.domain() == Error::Domain::system &&
         (error.code() == EADDRNOTAVAIL || error.code() == EAFNOSUPPORT);
}

}  // namespace

Expected<Tls> make_identity(const ServerOptions& options) {
  Expected<Tls> tls = options.certificates.empty() ? self_signed(options) : load(options, 0);
  if (!tls) return tls;
  for (std::size_t i = 1; i < options.certificates.size(); ++i) {
    const Expected<Tls> host = load(options, i);
    if (!host) return host;
    if (const Result<> added = tls->add_host(*host); !added) {
      return fail(ServerExit::identity, "cannot use --cert " +
                                            in_quotes(options.certificates[i].string()) + ": " +
                                            added.error().message());
    }
  }
  if (!options.ciphers.empty()) {
    if (const Result<> set = tls->set_ciphers(options.ciphers); !set) {
      return fail(ServerExit::usage, "--ciphers: " + set.error().message());
    }
  }
  if (Expected<> logged = honour_key_log_variable(*tls); !logged) {
    return std::unexpected(std::move(logged.error()));
  }
  return std::move(*tls);
}

Expected<ServerConfig> make_config(const ServerOptions& options) {
  ServerConfig config;
  config.wall_clock = std::chrono::system_clock::now;
  quic::Config& quic = config.quic;
  quic.congestion_control = options.congestion_control;
  quic.probe_path_mtu = options.probe_path_mtu;
  if (options.max_udp_payload != 0) {
    quic.max_udp_payload = options.max_udp_payload;
  }
  if (options.retry) {
    quic.retry = quic::RetryPolicy::always;
  }
  quic.early_data = options.early_data;
  if (options.handshake_timeout.count() != 0) {
    quic.handshake_timeout = options.handshake_timeout;
  }
  if (options.prefer_v2) {
    quic.versions = {quic::Version::v2, quic::Version::v1};
  }
  if (!options.qlog_directory.empty()) {
    if (Expected<> checked =
            check_folder("--qlog", options.qlog_directory, W_OK | X_OK,
                         "create it first, or omit --qlog", number(ServerExit::root));
        !checked) {
      return std::unexpected(std::move(checked.error()));
    }
    quic.qlog_directory = options.qlog_directory;
  }
  return config;
}

Expected<> check_root(const ServerOptions& options) {
  return check_folder("--root", options.root, R_OK | X_OK,
                      "name the folder whose files are to be served", number(ServerExit::root));
}

Expected<> serve_root(Server& server, const ServerOptions& options) {
  const Result<> served = server.files("/", options.root, {.listing = true});
  if (!served) {
    return fail(ServerExit::root, "--root: " + in_quotes(options.root.string()) +
                                      " cannot be served: " + served.error().message());
  }
  return {};
}

Expected<std::vector<Address>> listen_all(Workers& workers, const ServerOptions& options) {
  if (!options.takeover.empty()) {
    Result<std::vector<Address>> taken = workers.take_over(options.takeover);
    if (taken) return std::move(*taken);
    if (!is_nobody(taken.error())) {
      return fail(ServerExit::address, "--takeover: " + taken.error().message());
    }
  }
  std::vector<Address> opened;
  for (const std::string& text : options.listen) {
    const Result<Address> address = workers.listen(text);
    if (address) {
      opened.push_back(*address);
    } else if (!options.listen_is_default || opened.empty() ||
               !is_missing_family(address.error())) {
      const int error = address.error().domain() == Error::Domain::system
                            ? static_cast<int>(address.error().code())
                            : 0;
      return fail(ServerExit::address, "cannot listen on " + text + ": " +
                                           address.error().message() + listen_advice(error));
    }
  }
  return opened;
}

std::string statistics_text(const ServerStats& stats) {
  const auto line = [](std::string_view name, const std::string& value) {
    constexpr std::size_t width = 24;
    std::string out = "  " + std::string{name};
    out.append(out.size() < width ? width - out.size() : 1, ' ');
    return out + value + "\n";
  };
  const quic::EndpointStats& quic = stats.quic;
  std::string out = "statistics\n";
  out += line("connections", std::to_string(quic.connections) + " now, " +
                                 std::to_string(quic.connections_accepted) + " accepted, " +
                                 std::to_string(quic.connections_refused) + " refused");
  out += line("handshakes", std::to_string(quic.handshakes) + " in flight, " +
                                std::to_string(quic.handshakes_completed) + " completed");
  out += line("requests", std::to_string(stats.open_requests) + " now, " +
                              std::to_string(stats.requests) + " received, " +
                              std::to_string(stats.responses) + " answered whole, " +
                              std::to_string(stats.requests_failed) + " failed, " +
                              std::to_string(stats.timeouts) + " timed out");
  out += line("bodies", human_size(stats.body_bytes_sent) + " sent, " +
                            human_size(stats.body_bytes_received) + " received");
  out += line("datagrams", std::to_string(quic.datagrams_received) + " received, " +
                               std::to_string(quic.datagrams_dropped) + " dropped");
  out += line("stateless answers", std::to_string(quic.retries_sent) + " retries, " +
                                       std::to_string(quic.version_negotiations_sent) +
                                       " version negotiations, " +
                                       std::to_string(quic.stateless_resets_sent) + " resets, " +
                                       std::to_string(quic.stateless_suppressed) + " held back");
  return out;
}

}  // namespace quoin::tools
