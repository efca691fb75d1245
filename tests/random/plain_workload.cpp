// SPDX-License-Identifier: MIT
/// A random workload of plain QUIC: streams of both kinds from both sides, written in three ways,
/// echoed, reset or stopped; datagrams; clients that move or close. See http_workload.cpp for
/// HTTP/3.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/connection.hpp>
#include <quoin/dialer.hpp>
#include <quoin/error.hpp>
#include <quoin/listener.hpp>
#include <quoin/quic/application.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "random/workload.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;

constexpr int port = 4433;
constexpr std::size_t max_stream = 200'000;
constexpr std::size_t header = 8;  // a stream begins with the number of its job
constexpr std::uint64_t close_code = 77;

enum class Kind : std::uint8_t { push, echo, reset, stop };

/// A stream, as both ends know it.
struct Job {
  Kind kind{};
  std::uint64_t key = 0;
  std::size_t size = 0;  // header included
  bool bidirectional = false;
  bool from_server = false;
  std::size_t connection = 0;
  std::size_t sent = 0;
  std::size_t received = 0;
  std::size_t returned = 0;
  bool is_complete = false;  // the receiver has read to the end
  bool is_answered = false;  // the opener has read to the end
  bool is_opened = false;
  int opener_ends = 0;
  int receiver_begins = 0;
  int receiver_ends = 0;

  [[nodiscard]] char at(std::size_t place) const noexcept {
    return place < header ? static_cast<char>(key >> (8 * place)) : byte_of(key, place);
  }

  [[nodiscard]] std::string text() const {
    std::string all(size, '\0');
    for (std::size_t i = 0; i < size; ++i) all[i] = at(i);
    return all;
  }

  [[nodiscard]] bool matches(Bytes chunk, std::size_t from) const noexcept {
    for (std::size_t i = 0; i < chunk.size(); ++i) {
      if (static_cast<char>(chunk[i]) != at(from + i)) return false;
    }
    return true;
  }

  [[nodiscard]] bool is_done() const noexcept {
    return is_opened && opener_ends > 0 && receiver_ends == receiver_begins;
  }

  [[nodiscard]] std::string name() const {
    constexpr std::array names{"push", "echo", "reset", "stop"};
    return std::string{"stream "} + std::to_string(key) + " (" +
           names[static_cast<std::size_t>(kind)] + ", " + std::to_string(size) + " bytes" +
           (from_server ? ", from the server" : "") + (bidirectional ? ", bidirectional)" : ")");
  }
};

/// One end of a connection.
struct End {
  Connection peer;
  bool is_closed = false;
  std::set<std::uint64_t> datagrams;  // received
  std::uint64_t datagrams_sent = 0;
  std::map<quic::DatagramId, std::vector<quic::DatagramFate>> fates;  // of all that were taken
};

class PlainWorkload final : public Workload {
 public:
  PlainWorkload(RandomNetwork& where, Dice with, Verdict& judge, const Tokens& counter,
                const Identity& identity);

  [[nodiscard]] bool is_done() const override {
    // A client may close before the server is through with the handshake.
    return connected_ == dialers_.size() &&
           (was_closed_ ||
            (accepted_ == dialers_.size() && is_done(0) && is_done(dialers_.size() - 1)));
  }

  void end() override;
  [[nodiscard]] bool is_over() const override;
  [[nodiscard]] std::string state() const override;

 private:
  [[nodiscard]] bool is_done(std::size_t connection) const {
    return std::ranges::all_of(jobs_, [connection](const auto& job) {
      return job->connection != connection || job->is_done();
    });
  }

  void plan(std::size_t connections);
  void begin(End& end, bool is_server, std::size_t connection);
  void open(Job& job, End& end);
  void write(Job& job, Stream stream);
  [[nodiscard]] Writer writer(Job& job, Stream stream);
  void push(Job& job, Stream stream, const std::string& text);
  void read_answer(Job& job, Stream stream);
  struct Arrival;
  void accept(Stream stream);
  [[nodiscard]] std::size_t read_head(Arrival& arrival, Bytes chunk);
  [[nodiscard]] std::size_t take(Job& job, Stream stream, Bytes chunk, bool last);
  void receive_datagram(End& end, Bytes data);
  void send_datagrams(End& end);
  void check_fates(const End& end) const;
  void check(const Job& job) const;

  std::optional<Listener> listener_;
  std::vector<std::unique_ptr<Dialer>> dialers_;
  std::vector<std::unique_ptr<End>> clients_;
  std::vector<std::unique_ptr<End>> servers_;
  std::vector<std::unique_ptr<Job>> jobs_;
  std::size_t connected_ = 0;
  std::size_t accepted_ = 0;
  bool was_closed_ = false;  // in the midst of it
};

PlainWorkload::PlainWorkload(RandomNetwork& where, Dice with, Verdict& judge, const Tokens& counter,
                             const Identity& identity)
    : Workload(where, with, judge, counter) {
  const auto configure = [this](Duration keep_alive) {
    quic::Config config = random_config(dice, net);
    config.alpn = {"random"};
    config.keep_alive = keep_alive;
    if (dice.chance(60)) {
      config.max_datagram_frame = static_cast<std::size_t>(dice.between(50, 2000));
    }
    return config;
  };
  listener_.emplace(net.network.host(net.server),
                    Tls::server_from_pem(identity.certificate, identity.key).value(),
                    configure({}));
  const auto connections = static_cast<std::size_t>(dice.between(1, 2));
  plan(connections);
  listener_->on_connection([this, connections](Connection peer) {
    if (++accepted_ == connections) net.let_loose();
    servers_.push_back(std::make_unique<End>());
    servers_.back()->peer = peer;
    begin(*servers_.back(), true, servers_.size() - 1);
  });
  verdict.expect(listener_->listen(net.authority(port)).has_value(), "the server cannot listen");
  for (std::size_t i = 0; i < connections; ++i) {
    clients_.push_back(std::make_unique<End>());
    dialers_.push_back(std::make_unique<Dialer>(net.network.host(net.client),
                                                Tls::client_from_pem(identity.certificate).value(),
                                                configure(net.keep_alive())));
    const auto begun = dialers_.back()->connect(
        net.authority(port), net.server, [this, i](Result<Connection> peer) {
          verdict.expect(peer.has_value(),
                         "no connection: " + (peer ? std::string{} : peer.error().message()));
          if (!peer) return;
          ++connected_;
          clients_[i]->peer = *peer;
          begin(*clients_[i], false, i);
        });
    verdict.expect(begun.has_value(), "cannot connect");
  }
}

void PlainWorkload::plan(std::size_t connections) {
  const auto count = dice.between(1, 25);
  for (std::uint64_t i = 0; i < count; ++i) {
    Job& job = *jobs_.emplace_back(std::make_unique<Job>());
    job.key = i;
    job.kind = dice.pick({Kind::push, Kind::push, Kind::echo, Kind::echo, Kind::reset, Kind::stop});
    job.size = header + dice.size(max_stream);
    job.bidirectional = job.kind == Kind::echo || dice.chance(50);
    job.from_server = dice.chance(30);
    job.connection = static_cast<std::size_t>(i) % connections;
  }
}

/// A connection is there: its handlers, and what this end has to do.
void PlainWorkload::begin(End& end, bool is_server, std::size_t connection) {
  end.peer.on_stream([this, token = tokens.make()](Stream stream) { accept(stream); });
  end.peer.on_datagram(
      [this, &end, token = tokens.make()](Bytes data) { receive_datagram(end, data); });
  end.peer.on_datagram_fate(
      [&end, token = tokens.make()](quic::DatagramId id, quic::DatagramFate fate) {
        end.fates[id].push_back(fate);
      });
  end.peer.on_closed([this, &end, connection, token = tokens.make()](const Error& reason) {
    check_fates(end);
    verdict.expect(!end.is_closed, "a connection was closed twice");
    // One that is through with its work may fall silent while another goes on.
    const bool is_idle = reason == Error{LocalError::idle_timeout} && is_done(connection);
    verdict.expect(was_closed_ || is_idle, "a connection ended: " + reason.message());
    end.is_closed = true;
  });
  const auto open_all = [this, &end, is_server, connection] {
    for (const auto& job : jobs_) {
      const bool is_mine = job->from_server == is_server && job->connection == connection;
      if (is_mine && !job->is_opened) open(*job, end);
    }
  };
  end.peer.on_streams_available([open_all, token = tokens.make()](bool) { open_all(); });
  open_all();
  later(dice.between(0ms, 500ms), [this, &end] { send_datagrams(end); });
  if (dice.chance(30)) {
    for (auto updates = dice.between(1, 20); updates > 0; --updates) {
      // Too early a one is refused, which is right.
      later(dice.between(0ms, 4s), [&end] { (void)end.peer.update_keys(); });
    }
  }
  if (is_server) return;
  if (dice.chance(30)) {
    for (auto moves = dice.between(1, 3); moves > 0; --moves) {
      later(dice.between(0ms, 4s),
            [this, &end, to = dice.chance(60) ? net.other_client : net.client] {
              if (connected_ == dialers_.size()) {
                (void)end.peer.migrate(Address::parse_host(to, 0).value());
              }
            });
    }
  }
  if (dice.chance(10)) {
    later(dice.between(0ms, 2s), [this, &end] {
      was_closed_ = true;
      end.peer.close(close_code, "enough");
    });
  }
}

// ---- Who opens a stream -------------------------------------------------------------------------

void PlainWorkload::open(Job& job, End& end) {
  const Result<Stream> opened = end.peer.open_stream(job.bidirectional);
  if (!opened) {
    verdict.expect(opened.error() == Error{UsageError::limit_reached} || was_closed_,
                   job.name() + " cannot be opened: " + opened.error().message());
    return;
  }
  job.is_opened = true;
  const Stream stream = *opened;
  stream.on_closed([this, &job, token = tokens.make()](const Error& reason) {
    verdict.expect(++job.opener_ends == 1, job.name() + " was closed twice");
    const bool is_plain = job.kind == Kind::push || job.kind == Kind::echo;
    verdict.expect(!is_plain || was_closed_ || reason == Error{},
                   job.name() + " ended with " + reason.message());
    if (job.opener_ends > 0 && job.receiver_ends > 0) check(job);
  });
  write(job, stream);
  if (job.bidirectional) read_answer(job, stream);
  if (job.kind == Kind::reset) {
    later(dice.between(0ms, 300ms), [stream, code = job.key] { stream.reset(code); });
  }
}

void PlainWorkload::write(Job& job, Stream stream) {
  switch (dice.between(0, 2)) {
    case 0:
      stream.source(writer(job, stream));
      break;
    case 1: {
      auto text = std::make_shared<std::string>(job.text());
      stream.on_writable(
          [this, &job, stream, text, token = tokens.make()] { push(job, stream, *text); });
      push(job, stream, *text);
      break;
    }
    default:
      verdict.expect(stream.write_shared(job.text(), true), job.name() + " had no room at first");
      job.sent = job.size;
      break;
  }
}

Writer PlainWorkload::writer(Job& job, Stream stream) {
  return [this, &job, stream, own = dice.fork(),
          token = tokens.make()](std::span<std::byte> room) mutable -> Filled {
    if (own.chance(20)) {
      later(own.between(0ms, 50ms), [stream] { stream.resume(); });
      return {};
    }
    const std::size_t part = std::min(room.size(), job.size - job.sent);
    for (std::size_t i = 0; i < part; ++i) room[i] = static_cast<std::byte>(job.at(job.sent + i));
    job.sent += part;
    return {.bytes = part, .last = job.sent == job.size};
  };
}

void PlainWorkload::push(Job& job, Stream stream, const std::string& text) {
  if (job.sent < text.size()) {
    job.sent += stream.write(as_bytes(text).subspan(job.sent), true);
  }
}

void PlainWorkload::read_answer(Job& job, Stream stream) {
  stream.on_data([this, &job, token = tokens.make()](Bytes chunk, bool last) {
    verdict.expect(
        job.kind == Kind::echo ? job.matches(chunk, header + job.returned) : chunk.empty(),
        job.name() + " came back changed");
    job.returned += chunk.size();
    job.is_answered = last;
    return chunk.size();
  });
}

// ---- Who takes it -------------------------------------------------------------------------------

/// What the receiver knows of a stream: nothing before its first bytes.
struct PlainWorkload::Arrival {
  Job* job = nullptr;
  std::uint64_t key = 0;
  std::size_t head = 0;  // bytes of the key
};

void PlainWorkload::accept(Stream stream) {
  auto arrival = std::make_shared<Arrival>();
  stream.on_closed([this, arrival, token = tokens.make()](const Error&) {
    if (arrival->job == nullptr) return;
    Job& job = *arrival->job;
    verdict.expect(++job.receiver_ends == 1, job.name() + " was closed twice");
    if (job.opener_ends > 0) check(job);
  });
  stream.on_reset([this, arrival, stream, token = tokens.make()](std::uint64_t code) {
    (void)stream.write({}, true);
    if (arrival->job == nullptr) return;
    const Job& job = *arrival->job;
    verdict.expect(job.kind == Kind::reset || job.kind == Kind::stop,
                   job.name() + " was reset by nobody");
    verdict.expect(code == job.key, job.name() + " was reset with another code");
  });
  stream.on_data([this, arrival, stream, own = dice.fork(), token = tokens.make()](
                     Bytes chunk, bool last) mutable -> std::size_t {
    const std::size_t head = read_head(*arrival, chunk);
    if (arrival->job == nullptr) return chunk.size();
    Bytes body = chunk.subspan(head);
    if (own.chance(15) && !body.empty()) {
      body = body.first(static_cast<std::size_t>(own.between(0, body.size() - 1)));
      later(own.between(0ms, 50ms), [stream] { stream.resume(); });
      return head + take(*arrival->job, stream, body, false);
    }
    return head + take(*arrival->job, stream, body, last);
  });
}

std::size_t PlainWorkload::read_head(Arrival& arrival, Bytes chunk) {
  std::size_t taken = 0;
  while (arrival.head < header && taken < chunk.size()) {
    arrival.key |= std::to_integer<std::uint64_t>(chunk[taken++]) << (8 * arrival.head++);
  }
  if (arrival.job == nullptr && arrival.head == header) {
    verdict.expect(arrival.key < jobs_.size(), "a stream that nobody opened");
    if (arrival.key < jobs_.size()) {
      arrival.job = jobs_[arrival.key].get();
      verdict.expect(++arrival.job->receiver_begins == 1, arrival.job->name() + " came twice");
      arrival.job->received = header;
    }
  }
  return taken;
}

std::size_t PlainWorkload::take(Job& job, Stream stream, Bytes chunk, bool last) {
  verdict.expect(job.matches(chunk, job.received), job.name() + " arrived changed");
  const std::size_t taken = job.kind == Kind::echo ? stream.write(chunk, last) : chunk.size();
  job.received += taken;
  if (job.kind == Kind::stop && job.received > job.size / 2) {
    stream.stop_sending(job.key);
  }
  const bool is_end = last && taken == chunk.size();
  job.is_complete = job.is_complete || is_end;
  if (job.kind != Kind::echo && job.bidirectional && (is_end || job.kind == Kind::stop)) {
    (void)stream.write({}, true);
  }
  return taken;
}

/// Both ends are over.
void PlainWorkload::check(const Job& job) const {
  if (was_closed_ || job.kind == Kind::reset || job.kind == Kind::stop) return;
  verdict.expect(job.is_complete && job.received == job.size,
                 job.name() + " ended after " + std::to_string(job.received) + " bytes");
  verdict.expect(job.kind != Kind::echo || (job.is_answered && job.returned == job.size - header),
                 job.name() + " came back with " + std::to_string(job.returned) + " bytes");
}

// ---- Datagrams, and the end ---------------------------------------------------------------------

void PlainWorkload::send_datagrams(End& end) {
  for (auto count = dice.between(0, 30); count > 0; --count) {
    std::string text(std::max<std::size_t>(sizeof(std::uint64_t), dice.size(1300)), 'd');
    std::memcpy(text.data(), &end.datagrams_sent, sizeof end.datagrams_sent);
    const auto sent = end.peer.send_datagram(as_bytes(text));
    if (sent) {
      ++end.datagrams_sent;
      (void)end.fates[*sent];
    } else {
      verdict.expect(sent.error() != Error{UsageError::invalid_argument},
                     "a datagram was refused: " + sent.error().message());
    }
  }
}

/// One fate each; what was only late may have been taken for lost before.
void PlainWorkload::check_fates(const End& end) const {
  using Fates = std::vector<quic::DatagramFate>;
  for (const auto& [id, fates] : end.fates) {
    verdict.expect(fates.size() == 1 ||
                       fates == Fates{quic::DatagramFate::lost, quic::DatagramFate::acknowledged},
                   "datagram " + std::to_string(static_cast<std::uint64_t>(id)) + " had " +
                       std::to_string(fates.size()) + " fates");
  }
}

void PlainWorkload::receive_datagram(End& end, Bytes data) {
  std::uint64_t number = 0;
  verdict.expect(data.size() >= sizeof number, "a datagram was cut");
  std::memcpy(&number, data.data(), std::min(sizeof number, data.size()));
  verdict.expect(end.datagrams.insert(number).second, "a datagram came twice");
  verdict.expect(std::ranges::all_of(data.subspan(sizeof number),
                                     [](std::byte byte) { return byte == std::byte{'d'}; }),
                 "a datagram came changed");
}

void PlainWorkload::end() {
  was_closed_ = true;
  for (const auto& ends : {&clients_, &servers_}) {
    if (ends == &servers_ && dice.chance(50)) continue;
    for (const auto& end : *ends) {
      if (end->peer) end->peer.close(close_code, "the end");
    }
  }
}

bool PlainWorkload::is_over() const {
  const auto is_closed = [](const auto& end) { return end->is_closed; };
  return std::ranges::all_of(clients_, is_closed) && std::ranges::all_of(servers_, is_closed) &&
         listener_->stats().connections == 0 &&
         std::ranges::all_of(dialers_, [](const auto& d) { return d->stats().connections == 0; });
}

std::string PlainWorkload::state() const {
  std::string text = "plain QUIC with " + std::to_string(dialers_.size()) + " connections and " +
                     std::to_string(jobs_.size()) + " streams;";
  for (const auto& job : jobs_) {
    if (!job->is_done()) {
      text += " " + job->name() + " has sent " + std::to_string(job->sent) + ", received " +
              std::to_string(job->received) + (job->is_complete ? " and the end" : "") + ", ends " +
              std::to_string(job->opener_ends) + "/" + std::to_string(job->receiver_ends) +
              (job->is_opened ? ";" : ", is not open yet;");
    }
  }
  const auto still = [](const auto& ends) {
    return std::to_string(std::ranges::count_if(ends, [](const auto& e) { return !e->is_closed; }));
  };
  return text + " open: " + still(clients_) + " clients, " + still(servers_) + " servers";
}

}  // namespace

std::unique_ptr<Workload> plain_workload(RandomNetwork& net, Dice dice, Verdict& verdict,
                                         const Tokens& tokens, const Identity& identity) {
  return std::make_unique<PlainWorkload>(net, dice, verdict, tokens, identity);
}

}  // namespace quoin::test
