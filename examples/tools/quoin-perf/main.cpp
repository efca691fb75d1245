// SPDX-License-Identifier: MIT
/// quoin-perf: both sides of the QUIC performance protocol.
#include <csignal>
#include <cstdio>
#include <exception>
#include <expected>
#include <string>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/connection.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/loop.hpp>
#include <quoin/quic/config.hpp>
#include <quoin/tls.hpp>

#include "common/command_line.hpp"
#include "common/failure.hpp"
#include "common/io_choice.hpp"
#include "common/key_log.hpp"
#include "common/signals.hpp"
#include "common/text.hpp"
#include "quoin-perf/client.hpp"
#include "quoin-perf/options.hpp"
#include "quoin-perf/protocol.hpp"
#include "quoin-perf/server.hpp"

namespace quoin::tools {

namespace {

std::unexpected<Failure> fail(PerfExit code, std::string message) {
  return std::unexpected(Failure{.exit_code = number(code), .message = std::move(message)});
}

Expected<Tls> server_identity(const PerfOptions& options) {
  if (options.self_signed) {
    const std::vector<std::string> names{"localhost", "127.0.0.1", "::1"};
    Result<Tls> tls = Tls::self_signed(names);
    if (!tls) return fail(PerfExit::identity, tls.error().message());
    return std::move(*tls);
  }
  Result<Tls> tls = Tls::server(options.certificate, options.key);
  if (!tls) {
    return fail(PerfExit::identity, "cannot use --cert " + in_quotes(options.certificate.string()) +
                                        " with --key " + in_quotes(options.key.string()) + ": " +
                                        tls.error().message());
  }
  return std::move(*tls);
}

Expected<Tls> client_trust(const PerfOptions& options) {
  if (options.insecure) return Tls::insecure_client();
  if (options.ca.empty()) return Tls::client();
  Result<Tls> tls = Tls::client(options.ca);
  if (!tls) {
    return fail(PerfExit::identity,
                "cannot use --ca " + in_quotes(options.ca.string()) + ": " + tls.error().message());
  }
  return std::move(*tls);
}

Expected<> serve(const PerfOptions& options) {
  Expected<Tls> tls = server_identity(options);
  if (!tls) return std::unexpected(std::move(tls.error()));
  if (Expected<> logged = honour_key_log_variable(*tls); !logged) return logged;
  quic::Config config;
  config.alpn = {std::string{perf_alpn}};
  config.congestion_control = options.congestion_control;
  // A client of this protocol determines with its streams how much is under way.
  constexpr std::uint64_t streams = 100'000;
  config.max_bidirectional_streams = streams;
  config.max_unidirectional_streams = streams;
  tell_about_io(options.io, "quoin-perf", false);
  Loop loop{make_backend(options.io)};
  Listener listener{loop, std::move(*tls), std::move(config)};
  listener.on_connection(answer_streams);
  const Result<Address> address = listener.listen(options.address);
  if (!address) {
    return fail(PerfExit::address,
                "cannot listen on " + options.address + ": " + address.error().message());
  }
  const SignalWatcher watcher{{SIGTERM, SIGINT}, [&loop](int /*signal*/) { loop.stop(); }};
  std::printf("listening on %s\n", address->to_string().c_str());
  std::fflush(stdout);
  loop.run();
  return {};
}

Expected<> measure(const PerfOptions& options) {
  Expected<Tls> tls = client_trust(options);
  if (!tls) return std::unexpected(std::move(tls.error()));
  if (Expected<> logged = honour_key_log_variable(*tls); !logged) return logged;
  tell_about_io(options.io, "quoin-perf", false);
  Loop loop{make_backend(options.io)};
  PerfClient client{loop, std::move(*tls), options};
  const PerfResult result = client.run();
  if (!result.failure.empty()) {
    return fail(PerfExit::failed, options.address + ": " + without_controls(result.failure));
  }
  std::fputs(perf_report(result, options).c_str(), stdout);
  return {};
}

int run(std::vector<std::string> arguments) {
  turn_write_signals_into_errors();
  const std::expected<PerfOptions, Stop> options = parse_perf_options(std::move(arguments));
  if (!options) return finish(options.error());
  const Expected<> done = options->serve ? serve(*options) : measure(*options);
  if (done) return number(PerfExit::success);
  std::fprintf(stderr, "quoin-perf: %s\n", done.error().message.c_str());
  return done.error().exit_code;
}

}  // namespace

}  // namespace quoin::tools

int main(int argc, char** argv) {
  using namespace quoin::tools;
  return run_tool("quoin-perf", number(PerfExit::failed), {argv, static_cast<std::size_t>(argc)},
                  run);
}
