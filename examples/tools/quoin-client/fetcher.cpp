// SPDX-License-Identifier: MIT
/// See fetcher.hpp.
#include "quoin-client/fetcher.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/alt_svc.hpp>
#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/connection_info.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "common/failure.hpp"
#include "common/text.hpp"
#include "quoin-client/console.hpp"
#include "quoin-client/exit_code.hpp"
#include "quoin-client/options.hpp"
#include "quoin-client/plan.hpp"
#include "quoin-client/report.hpp"
#include "quoin-client/transfer.hpp"

namespace quoin::tools {

namespace {

constexpr std::chrono::milliseconds progress_interval{100};
/// Shorter transfers show nothing: the line would only flicker.
constexpr std::chrono::milliseconds progress_delay{700};

bool uses_standard_stream(const PlannedTransfer& transfer) {
  return transfer.output == "-" || transfer.upload == "-";
}

/// No connection could be made, so the next URL of that host would not get one either.
bool means_unreachable(const Error& error) {
  constexpr std::array reasons{LocalError::name_resolution,       LocalError::no_answer,
                               LocalError::handshake_timeout,     LocalError::version_negotiation,
                               LocalError::certificate_name,      LocalError::certificate_expired,
                               LocalError::certificate_untrusted, LocalError::certificate_invalid,
                               LocalError::certificate_pin};
  return error.domain() == Error::Domain::tls || error.domain() == Error::Domain::system ||
         std::ranges::any_of(reasons, [&](LocalError reason) { return error == Error{reason}; });
}

/// No progress line if --verbose or a body writes to the same terminal.
bool may_show_progress(const ClientOptions& options, const std::vector<PlannedTransfer>& plan) {
  const bool shows_bodies =
      ::isatty(STDOUT_FILENO) == 1 &&
      std::ranges::any_of(plan, [](const PlannedTransfer& one) { return one.output == "-"; });
  return !options.verbose && !shows_bodies;
}

}  // namespace

Fetcher::Fetcher(Loop& loop, const Tls& tls, const ClientOptions& options,
                 const std::vector<PlannedTransfer>& plan, const std::vector<PinnedAddress>& pinned)
    : loop_(loop),
      tls_(tls),
      options_(options),
      plan_(plan),
      pinned_(pinned),
      console_(may_show_progress(options, plan)) {}

Fetcher::~Fetcher() {
  // Clients call back into transfers.
  client_.reset();
  for (const std::optional<TimerId>& timer : {progress_timer_, migration_timer_}) {
    if (timer) {
      loop_.cancel(*timer);
    }
  }
}

std::unique_ptr<Client> Fetcher::make_client() {
  ClientConfig config;
  if (options_.connect_timeout) {
    config.connect_timeout = *options_.connect_timeout;
  }
  config.quic.handshake_timeout = std::max(config.quic.handshake_timeout, config.connect_timeout);
  // Pipes may be silent for long; the server must not take that for the end.
  constexpr std::chrono::seconds keep_alive{10};
  config.quic.keep_alive = keep_alive;
  config.quic.qlog_directory = options_.qlog_directory;
  config.early_safe_methods = options_.early_data;
  if (options_.session_file.empty()) {
    config.max_sessions = 0;
  }
  if (options_.key_update != 0) {
    config.quic.key_update_after = options_.key_update;
  }
  config.decompress = options_.compressed;
  config.alternatives = !options_.alt_svc_file.empty();
  if (std::ranges::any_of(plan_, uses_standard_stream)) {
    config.stream_idle_timeout = Duration::zero();
  }
  auto client = std::make_unique<Client>(loop_, tls_, std::move(config));
  for (const PinnedAddress& pinned : pinned_) {
    (void)client->resolve(pinned.host, pinned.address.port(), pinned.address);
  }
  observe(*client);
  return client;
}

void Fetcher::observe(Client& client) {
  client.on_connected([this](const ConnectionInfo& info) {
    connections_[info.number] = info;
    schedule_migration();
    if (options_.verbose) {
      console_.print(shown_connection(info));
    }
  });
  client.on_path([this](const ConnectionInfo& info, const quic::PathEvent& event) {
    const std::string shown = info.host + ": " + shown_path_event(event);
    if (event.type == quic::PathEvent::Type::failed && !options_.migrate_to.is_none()) {
      // The transfers go on where they are.
      console_.complain(shown);
      migration_failed_ = true;
    } else if (options_.verbose) {
      console_.print("* " + shown + "\n");
    }
  });
  if (!options_.verbose) return;
  client.on_connecting([this](std::string_view host, const Address& address) {
    console_.print("* connecting to " + address.to_string() + " for " + without_controls(host) +
                   "\n");
  });
  client.on_disconnected([this](const ConnectionInfo& info) {
    console_.print("* connection to " + info.host +
                   " is over: " + without_controls(info.reason.message()) + "\n");
  });
}

Result<> Fetcher::load_sessions(Bytes saved) {
  if (!client_) {
    client_ = make_client();
  }
  return saved.empty() ? Result<>{} : client_->load_sessions(saved);  // a file to be filled
}

std::string Fetcher::save_sessions() const { return client_->save_sessions(); }

void Fetcher::add_alternatives(const std::vector<AltSvcEntry>& entries) {
  if (!client_) {
    client_ = make_client();
  }
  for (const AltSvcEntry& entry : entries) {
    client_->alternatives().put(entry, loop_.now());
  }
}

std::vector<AltSvcEntry> Fetcher::alternatives() const {
  return client_ ? client_->alternatives().entries(loop_.now()) : std::vector<AltSvcEntry>{};
}

void Fetcher::schedule_migration() {
  // Once, after the first connection was made.
  if (!options_.migrate_to.is_none() && !std::exchange(migration_scheduled_, true)) {
    const std::chrono::milliseconds delay{options_.migrate_after.value_or(0)};
    migration_timer_ = loop_.after(delay, [this] { migrate(); });
  }
}

void Fetcher::migrate() {
  migration_timer_.reset();
  const Result<> moved = client_ ? client_->migrate(options_.migrate_to) : Result<>{};
  if (!moved) {
    console_.complain("--migrate-to: " + without_controls(moved.error().message()));
    migration_failed_ = true;
  }
}

void Fetcher::begin() {
  begun_ = loop_.now();
  if (console_.shows_progress()) {
    progress_timer_ = loop_.after(progress_delay, [this] { draw_progress(); });
  }
  start_more();
}

bool Fetcher::may_start(std::size_t index) const {
  if (running_.size() >= options_.parallel) return false;
  // Bodies on standard output must not mix.
  return plan_[index].output != "-" || std::ranges::none_of(running_, [](const auto& entry) {
           return entry.second->plan().output == "-";
         });
}

void Fetcher::start_more() {
  while (next_ < plan_.size() && may_start(next_)) {
    start(next_++);
  }
  if (running_.empty() && next_ == plan_.size()) {
    wait_for_session();
  }
}

// The ticket may come after the reply.
void Fetcher::wait_for_session() {
  constexpr std::chrono::seconds limit{1};
  constexpr std::chrono::milliseconds pause{5};
  patience_ = patience_.value_or(loop_.now() + limit);
  const bool may_come = !options_.session_file.empty() && client_ &&
                        !client_->connections().empty() && client_->stats().sessions_received == 0;
  if (may_come && loop_.now() < *patience_) {
    loop_.after(pause, [this] { wait_for_session(); });
    return;
  }
  stop();
}

void Fetcher::start(std::size_t index) {
  const auto unreachable = unreachable_.find(origin(plan_[index].url));
  if (unreachable != unreachable_.end()) {
    ++unreachable->second.left_out;
    failures_.emplace(index, unreachable->second.exit_code);
    ++finished_;
    return;
  }
  auto transfer = std::make_unique<Transfer>(plan_[index], options_, loop_, console_);
  Transfer& started = *transfer;
  running_.emplace(index, std::move(transfer));
  if (!client_ || (options_.fresh_connections && used_)) {
    connections_.clear();
    const std::string sessions = client_ ? client_->save_sessions() : std::string{};
    const std::vector<AltSvcEntry> known = alternatives();
    client_ = make_client();
    add_alternatives(known);
    if (!sessions.empty()) {
      (void)client_->load_sessions(as_bytes(sessions));
    }
  }
  used_ = true;
  started.begin(*client_, [this, index](TransferEnd end) { finish(index, std::move(end)); });
}

void Fetcher::finish(std::size_t index, TransferEnd end) {
  const auto entry = running_.find(index);
  const std::unique_ptr<Transfer> transfer = std::move(entry->second);
  running_.erase(entry);
  moved_before_ += transfer->moved();
  ++finished_;
  if (end.failure) {
    console_.complain(end.failure->message);
    failures_.emplace(index, end.failure->exit_code);
    if (end.error && means_unreachable(*end.error)) {
      unreachable_.emplace(origin(plan_[index].url),
                           Unreachable{.exit_code = end.failure->exit_code});
    }
  } else if (options_.timing) {
    show_timing(*transfer, end);
  }
  start_more();
}

void Fetcher::show_timing(const Transfer& transfer, const TransferEnd& end) {
  const std::uint64_t connection = end.reply->connection;
  // As it is now, with the path MTU that was found meanwhile; else as it began.
  ConnectionInfo info = connections_[connection];
  for (ConnectionInfo& present : client_->connections()) {
    if (present.number == connection) {
      info = std::move(present);
    }
  }
  console_.print(timing_line(transfer.plan().url, end.reply->timing, end.bytes, info));
}

void Fetcher::stop() {
  console_.clear();
  for (const auto& [host, unreachable] : unreachable_) {
    if (unreachable.left_out > 0) {
      console_.complain(std::to_string(unreachable.left_out) + " more of " + host +
                        " skipped, because there was no connection to it");
    }
  }
  if (!client_) {
    loop_.stop();
    return;
  }
  client_->shutdown(Duration::zero(), [this] { loop_.stop(); });
}

void Fetcher::abort() {
  console_.clear();
  next_ = plan_.size();
  client_.reset();
  running_.clear();
  // In a later turn, so that the server is told that we left.
  loop_.post([this] { loop_.stop(); });
}

void Fetcher::draw_progress() {
  Progress progress{.bytes = moved_before_,
                    .total = {},
                    .files_done = finished_,
                    .files = plan_.size(),
                    .elapsed = loop_.now() - begun_};
  for (const auto& [index, transfer] : running_) {
    progress.bytes += transfer->moved();
    if (plan_.size() == 1) {
      progress.total = transfer->expected();
    }
  }
  console_.show(progress);
  progress_timer_ = loop_.after(progress_interval, [this] { draw_progress(); });
}

int Fetcher::exit_code() const noexcept {
  if (!failures_.empty()) return failures_.begin()->second;
  return number(migration_failed_ ? ClientExit::local_address : ClientExit::success);
}

}  // namespace quoin::tools
