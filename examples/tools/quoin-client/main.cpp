// SPDX-License-Identifier: MIT
/// quoin-client: fetches and sends files over HTTP/3. Only the order of steps; the steps are in the
/// other files of this folder.
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <expected>
#include <semaphore>
#include <string>
#include <string_view>
#include <sys/resource.h>
#include <utility>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/tls.hpp>

#include "common/command_line.hpp"
#include "common/failure.hpp"
#include "common/io_choice.hpp"
#include "common/key_log.hpp"
#include "common/signals.hpp"
#include "common/text.hpp"
#include "quoin-client/alt_svc_file.hpp"
#include "quoin-client/doctor.hpp"
#include "quoin-client/exit_code.hpp"
#include "quoin-client/fetcher.hpp"
#include "quoin-client/options.hpp"
#include "quoin-client/output.hpp"
#include "quoin-client/plan.hpp"
#include "quoin-client/sessions.hpp"
#include "quoin-client/websocket.hpp"

namespace quoin::tools {

namespace {

constexpr int signal_exit = 128;

int complain(const Failure& failure) {
  std::fprintf(stderr, "quoin-client: %s\n", failure.message.c_str());
  return failure.exit_code;
}

/// The pins of --pinnedpubkey, and the certificate of --cert.
Expected<> add_keys(Tls& tls, const ClientOptions& options) {
  if (options.pins) {
    std::vector<std::string> pins;
    for (std::string_view rest = *options.pins;;) {
      const std::size_t end = rest.find(';');
      pins.emplace_back(rest.substr(0, end));
      if (end == std::string_view::npos) break;
      rest.remove_prefix(end + 1);
    }
    if (const Result<> pinned = tls.pin(pins); !pinned) {
      return std::unexpected(
          Failure{.exit_code = exit_usage,
                  .message = "--pinnedpubkey: " + without_controls(pinned.error().message())});
    }
  }
  if (!options.certificate.empty()) {
    if (const Result<> set = tls.client_certificate(options.certificate, options.key); !set) {
      return std::unexpected(Failure{
          .exit_code = exit_usage,
          .message = "cannot use --cert " + in_quotes(options.certificate) + " with --key " +
                     in_quotes(options.key) + ": " + without_controls(set.error().message())});
    }
  }
  return {};
}

/// Which servers to trust, honouring $SSLKEYLOGFILE.
Expected<Tls> make_trust(const ClientOptions& options) {
  Tls tls = options.insecure ? Tls::insecure_client() : Tls::client();
  if (!options.trust_anchors.empty()) {
    Result<Tls> anchored = Tls::client(options.trust_anchors);
    if (!anchored) {
      return std::unexpected(
          Failure{.exit_code = number(ClientExit::trust_anchors),
                  .message = "cannot use --ca " + in_quotes(options.trust_anchors) + ": " +
                             without_controls(anchored.error().message()) +
                             "; it must be a readable file with PEM certificates"});
    }
    tls = std::move(*anchored);
  }
  if (!options.ciphers.empty()) {
    if (const Result<> set = tls.set_ciphers(options.ciphers); !set) {
      return std::unexpected(
          Failure{.exit_code = exit_usage,
                  .message = "--ciphers: " + without_controls(set.error().message())});
    }
  }
  if (Expected<> added = add_keys(tls, options); !added) {
    return std::unexpected(std::move(added.error()));
  }
  if (Expected<> logged = honour_key_log_variable(tls); !logged) {
    logged.error().exit_code = number(ClientExit::write_error);
    return std::unexpected(std::move(logged.error()));
  }
  return tls;
}

/// Every transfer under way may have two files open, and the usual limit is 1024 for a program.
void raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

/// Ends the transfers gracefully; called on the watcher's thread.
class SignalDuty {
 public:
  SignalDuty(Loop& loop, Fetcher& fetcher) noexcept : loop_(loop), fetcher_(fetcher) {}

  void handle(int signal) {
    exit_code_ = signal_exit + signal;
    loop_.post([this] { fetcher_.abort(); });
    // The loop may be stuck in a write to a pipe or a slow disk. This thread is not.
    constexpr std::chrono::seconds patience{1};
    if (!over_.try_acquire_for(patience)) {
      remove_unfinished_outputs();
      std::_Exit(exit_code_);
    }
  }

  /// The loop has ended.
  void finish() { over_.release(); }

  /// 0: there was no signal.
  [[nodiscard]] int exit_code() const noexcept { return exit_code_; }

 private:
  Loop& loop_;
  Fetcher& fetcher_;
  std::atomic<int> exit_code_ = 0;
  std::binary_semaphore over_{0};
};

/// Takes up the sessions of --session.
Expected<> resume(Fetcher& fetcher, const ClientOptions& options) {
  if (options.session_file.empty()) return {};
  const Expected<std::string> saved = read_kept("--session", options.session_file);
  if (!saved) return std::unexpected(saved.error());
  const Result<> loaded = fetcher.load_sessions(as_bytes(*saved));
  if (!loaded) {
    return unusable_kept("--session", options.session_file,
                         without_controls(loaded.error().message()));
  }
  return {};
}

/// Saves --session and --alt-svc for the next run; returns the first failure.
Expected<> keep(const Fetcher& fetcher, const ClientOptions& options) {
  Expected<> kept;
  if (!options.session_file.empty()) {
    kept = write_kept("--session", options.session_file, fetcher.save_sessions());
  }
  const Expected<> written = keep_alternatives(options.alt_svc_file, fetcher.alternatives());
  return kept ? written : kept;
}

int transfer_all(const ClientOptions& options, const std::vector<PlannedTransfer>& plan,
                 const std::vector<PinnedAddress>& pinned, const Tls& tls) {
  tell_about_io(options.io, "quoin-client", options.verbose);
  Loop loop{make_backend(options.io)};
  Fetcher fetcher{loop, tls, options, plan, pinned};
  SignalDuty duty{loop, fetcher};
  const SignalWatcher watcher{{SIGINT, SIGTERM, SIGHUP},
                              [&duty](int signal) { duty.handle(signal); }};
  if (const Expected<> resumed = resume(fetcher, options); !resumed) {
    duty.finish();
    return complain(resumed.error());
  }
  const auto alternatives = kept_alternatives(options.alt_svc_file);
  if (!alternatives) {
    duty.finish();
    return complain(alternatives.error());
  }
  fetcher.add_alternatives(*alternatives);
  fetcher.begin();
  loop.run();
  duty.finish();
  if (duty.exit_code() != 0) return duty.exit_code();
  if (const Expected<> kept = keep(fetcher, options); !kept) {
    const int code = complain(kept.error());
    return fetcher.exit_code() != 0 ? fetcher.exit_code() : code;
  }
  return fetcher.exit_code();
}

int run(std::vector<std::string> arguments) {
  turn_write_signals_into_errors();
  const std::expected<ClientOptions, Stop> options = parse_client_options(std::move(arguments));
  if (!options) return finish(options.error());
  std::vector<PinnedAddress> pinned;
  for (const std::string& text : options->resolves) {
    Expected<PinnedAddress> parsed = parse_resolve(text);
    if (!parsed) return complain(parsed.error());
    pinned.push_back(std::move(*parsed));
  }
  const Expected<std::vector<PlannedTransfer>> plan =
      options->doctor ? std::vector<PlannedTransfer>{} : make_plan(*options);
  if (!plan) return complain(plan.error());
  const Expected<Tls> tls = make_trust(*options);
  if (!tls) return complain(tls.error());
  if (options->insecure) {
    std::fputs(
        "quoin-client: WARNING: --insecure: the server's certificate is not checked. Anyone "
        "on the path can read and change everything.\n",
        stderr);
  }
  if (options->doctor) return run_doctor(*options, pinned, *tls);
  if (options->websocket) {
    const Expected<int> code = run_websocket(*options, plan->front(), pinned, *tls);
    return code ? *code : complain(code.error());
  }
  raise_descriptor_limit();
  return transfer_all(*options, *plan, pinned, *tls);
}

}  // namespace

}  // namespace quoin::tools

int main(int argc, char** argv) {
  using namespace quoin::tools;
  return run_tool("quoin-client", 1, {argv, static_cast<std::size_t>(argc)}, run);
}
