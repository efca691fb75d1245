// SPDX-License-Identifier: MIT
/// quoin-server: serves a folder over HTTP/3. Only the order of steps; the steps are in the other
/// files of this folder.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <expected>
#include <memory>
#include <semaphore>
#include <string>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/error.hpp>
#include <quoin/server.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>
#include <quoin/workers.hpp>

#include "common/command_line.hpp"
#include "common/failure.hpp"
#include "common/io_choice.hpp"
#include "common/signals.hpp"
#include "common/text.hpp"
#include "quoin-server/access_log.hpp"
#include "quoin-server/exit_code.hpp"
#include "quoin-server/options.hpp"
#include "quoin-server/setup.hpp"

namespace quoin::tools {

namespace {

constexpr std::chrono::seconds shutdown_limit{10};
/// The time that a second signal leaves for telling the clients.
constexpr std::chrono::seconds patience{1};
constexpr int signal_exit = 128;

int complain(const Failure& failure) {
  std::fprintf(stderr, "quoin-server: %s\n", failure.message.c_str());
  return failure.exit_code;
}

/// Standard output's first lines; made for programs to read.
void announce(const std::vector<Address>& addresses, const Tls& tls, bool self_signed) {
  for (const Address& address : addresses) {
    std::printf("listening on %s\n", address.to_string().c_str());
  }
  if (self_signed) {
    std::printf("certificate sha256: %s\n", tls.certificate_sha256().c_str());
    std::printf("spki sha256: %s\n", tls.spki_sha256().c_str());
  }
  std::fflush(stdout);
}

/// With several workers each counts its own connections.
void tell_about_connections(const Workers::Worker& worker, unsigned count) {
  const std::string who =
      count == 1 ? "connection " : "worker " + std::to_string(worker.number) + ": connection ";
  worker.server.on_connected([who](const ConnectionInfo& info) {
    std::fprintf(stderr, "%s%llu: %s to %s, %s, %s, server name \"%s\", handshake %s\n",
                 who.c_str(), static_cast<unsigned long long>(info.number),
                 info.path.remote.to_string().c_str(), info.path.local.to_string().c_str(),
                 info.tls.cipher.c_str(), info.tls.group.c_str(),
                 printable(info.tls.server_name, true).c_str(),
                 milliseconds(info.stats.handshake_time).c_str());
  });
  worker.server.on_disconnected([who](const ConnectionInfo& info) {
    std::fprintf(stderr,
                 "%s%llu: over, %s; sent %s, received %s, lost %llu packets, rtt %s, "
                 "datagrams of %zu bytes\n",
                 who.c_str(), static_cast<unsigned long long>(info.number),
                 without_controls(info.reason.message()).c_str(),
                 human_size(info.stats.bytes_sent).c_str(),
                 human_size(info.stats.bytes_received).c_str(),
                 static_cast<unsigned long long>(info.stats.packets_lost),
                 milliseconds(info.stats.smoothed_rtt).c_str(), info.stats.udp_payload_size);
  });
}

/// What the signals do; called on the watcher's thread.
class SignalDuty {
 public:
  SignalDuty(Workers& workers, const ServerOptions& options) noexcept
      : workers_(workers), options_(options) {}

  void handle(int signal) {
    if (signal == SIGUSR1) {
      std::fputs(statistics_text(workers_.stats()).c_str(), stderr);
      return;
    }
    if (signal == SIGHUP) {
      reload();
      return;
    }
    if (++ends_ == 1) {
      workers_.shutdown(shutdown_limit);
      end_.release();
      return;
    }
    exit_code_ = signal_exit + signal;
    workers_.shutdown(Duration::zero());
    // A loop may be stuck in a write to a full pipe. This thread is not.
    if (!over_.try_acquire_for(patience)) {
      std::_Exit(exit_code_);
    }
  }

  /// Another server has taken the sockets over; called on a thread of the library.
  void give_way() {
    std::fputs("quoin-server: another server has taken over; ending with the last connection\n",
               stderr);
    workers_.shutdown(options_.drain);
    end_.release();
  }

  /// Returns after the first signal to end, when all threads have.
  void wait() {
    end_.acquire();
    workers_.join();
    over_.release();
  }

  [[nodiscard]] int exit_code() const noexcept { return exit_code_; }

 private:
  /// Connections that are up keep what they have; a mistake in the files changes nothing at all.
  void reload() {
    if (options_.certificates.empty() && options_.client_ca.empty()) {
      std::fputs("quoin-server: SIGHUP: there are no files to reload\n", stderr);
      return;
    }
    const Expected<Tls> tls = make_identity(options_);
    if (!tls) {
      std::fprintf(stderr, "quoin-server: SIGHUP: %s; the previous certificates stay in use\n",
                   tls.error().message.c_str());
      return;
    }
    if (const Result<> set = workers_.set_tls(*tls); !set) {
      std::fprintf(stderr, "quoin-server: SIGHUP: %s\n", set.error().message().c_str());
      return;
    }
    std::fputs("quoin-server: SIGHUP: new connections get the reloaded certificates\n", stderr);
  }

  Workers& workers_;
  const ServerOptions& options_;
  int ends_ = 0;
  std::atomic<int> exit_code_ = number(ServerExit::stopped);
  std::counting_semaphore<2> end_{0};  // a signal, and another server
  std::binary_semaphore over_{0};
};

/// What each worker does with requests; keeps the first failure.
class Preparation {
 public:
  explicit Preparation(const ServerOptions& options) noexcept : options_(options) {}

  void prepare(const Workers::Worker& worker, unsigned count) {
    if (Expected<> served = serve_root(worker.server, options_); !served && result_) {
      result_ = std::move(served);
    }
    if (!options_.quiet) {
      logs_.push_back(std::make_unique<AccessLog>(worker.loop));
      worker.server.on_access(
          [log = logs_.back().get()](const Access& access) { log->add(access); });
    }
    if (options_.verbose) {
      tell_about_connections(worker, count);
    }
  }

  [[nodiscard]] const Expected<>& result() const noexcept { return result_; }

 private:
  const ServerOptions& options_;
  std::vector<std::unique_ptr<AccessLog>> logs_;
  Expected<> result_;
};

Expected<int> serve(const ServerOptions& options) {
  Expected<Tls> tls = make_identity(options);
  if (!tls) return std::unexpected(std::move(tls.error()));
  Expected<ServerConfig> config = make_config(options);
  if (!config) return std::unexpected(std::move(config.error()));
  if (Expected<> checked = check_root(options); !checked) {
    return std::unexpected(std::move(checked.error()));
  }
  tell_about_io(options.io, "quoin-server", options.verbose);
  Preparation preparation{options};
  Workers workers{
      options.workers, *tls, std::move(*config),
      [&preparation, &workers](const Workers::Worker& worker) {
        preparation.prepare(worker, workers.count());
      },
      [&options](const io::SocketOptions& sockets) { return make_backend(options.io, sockets); }};
  const Expected<std::vector<Address>> addresses = listen_all(workers, options);
  if (!addresses) return std::unexpected(addresses.error());
  SignalDuty duty{workers, options};
  const SignalWatcher watcher{{SIGTERM, SIGINT, SIGHUP, SIGUSR1},
                              [&duty](int signal) { duty.handle(signal); }};
  workers.start();
  if (!preparation.result()) return std::unexpected(preparation.result().error());
  if (!options.takeover.empty()) {
    if (const Result<> offered = workers.offer(options.takeover, [&duty] { duty.give_way(); });
        !offered) {
      return std::unexpected(Failure{.exit_code = number(ServerExit::address),
                                     .message = "--takeover: " + offered.error().message()});
    }
  }
  announce(*addresses, *tls, options.certificates.empty());
  duty.wait();
  return duty.exit_code();
}

int run(std::vector<std::string> arguments) {
  turn_write_signals_into_errors();
  const std::expected<ServerOptions, Stop> options = parse_server_options(std::move(arguments));
  if (!options) return finish(options.error());
  const Expected<int> served = serve(*options);
  return served ? *served : complain(served.error());
}

}  // namespace

}  // namespace quoin::tools

int main(int argc, char** argv) {
  using namespace quoin::tools;
  return run_tool("quoin-server", number(ServerExit::failed),
                  {argv, static_cast<std::size_t>(argc)}, run);
}
