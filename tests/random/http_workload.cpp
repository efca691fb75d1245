// SPDX-License-Identifier: MIT
/// A random HTTP/3 workload: bodies both ways, written and read at once or with pauses, requests
/// given up, responses that fail, clients that move, close or vanish. See plain_workload.cpp for
/// plain QUIC.

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/server.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

#include "random/workload.hpp"

namespace quoin::test {

namespace {

using namespace std::chrono_literals;

constexpr int port = 443;
constexpr std::size_t max_body = 100'000;

enum class Kind : std::uint8_t { whole, written, echo, late, early, reset, throws };

/// A request, and what came of it.
struct Ask {
  Kind kind{};
  std::uint64_t key = 0;
  std::size_t size = 0;
  std::size_t client = 0;
  Call call;
  std::string received;  // by a reader of its own
  bool has_reader = false;
  bool may_fail = false;      // it was given up
  bool is_abandoned = false;  // its client is gone
  int ends = 0;
};

std::uint64_t number_of(std::string_view text) {
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

class HttpWorkload final : public Workload {
 public:
  HttpWorkload(RandomNetwork& where, Dice with, Verdict& judge, const Tokens& counter,
               const Identity& identity);

  [[nodiscard]] bool is_done() const override {
    return std::ranges::all_of(
               asks_, [](const auto& ask) { return ask->ends > 0 || ask->is_abandoned; }) &&
           asked_ == asks_.size();
  }

  void end() override;
  [[nodiscard]] bool is_over() const override;
  [[nodiscard]] std::string state() const override;

 private:
  void make_routes();
  void serve_echo(Request request, Response response);
  [[nodiscard]] Writer writer(std::uint64_t key, std::size_t size,
                              std::move_only_function<void()> resume);
  void make_client(const Identity& identity);
  void ask(Ask& ask);
  [[nodiscard]] Reader reader(Ask& ask);
  void judge(Ask& ask, const Result<Reply>& reply);
  void disturb();
  void leave(std::size_t client);

  std::optional<Server> server_;
  std::vector<std::unique_ptr<Client>> clients_;
  std::vector<std::unique_ptr<Ask>> asks_;
  std::size_t asked_ = 0;
  std::size_t connected_ = 0;
  std::size_t begun_ = 0;              // requests at the server
  std::size_t finished_ = 0;           // of these
  int closing_ = 0;                    // shutdown() that have not answered yet
  std::map<std::size_t, int> closes_;  // of these, those of each client
};

HttpWorkload::HttpWorkload(RandomNetwork& where, Dice with, Verdict& judge, const Tokens& counter,
                           const Identity& identity)
    : Workload(where, with, judge, counter) {
  ServerConfig config{.quic = random_config(dice, net)};
  config.stream_idle_timeout = {};
  server_.emplace(net.network.host(net.server),
                  Tls::server_from_pem(identity.certificate, identity.key).value(),
                  std::move(config));
  make_routes();
  const auto clients = static_cast<std::size_t>(dice.between(1, 3));
  server_->on_connected([this, clients](const ConnectionInfo&) {
    if (++connected_ >= clients) net.let_loose();
  });
  verdict.expect(server_->listen(net.authority(port)).has_value(), "the server cannot listen");
  for (std::size_t i = 0; i < clients; ++i) make_client(identity);
  const auto count = dice.between(1, 25);
  for (std::uint64_t i = 0; i < count; ++i) {
    Ask& next = *asks_.emplace_back(std::make_unique<Ask>());
    next.kind = dice.pick({Kind::whole, Kind::whole, Kind::written, Kind::written, Kind::echo,
                           Kind::echo, Kind::late, Kind::early, Kind::reset, Kind::throws});
    next.key = i;
    next.size = dice.size(max_body);
    next.client = static_cast<std::size_t>(i) % clients;
    next.has_reader = dice.chance(40);
    later(i < clients ? 0ms : dice.between(0ms, 2s), [this, &next] { ask(next); });
  }
  disturb();
}

void HttpWorkload::make_client(const Identity& identity) {
  ClientConfig config{.quic = random_config(dice, net)};
  config.quic.keep_alive = net.keep_alive();
  config.connect_timeout = 1min;
  config.stream_idle_timeout = {};
  clients_.push_back(std::make_unique<Client>(net.network.host(net.client),
                                              Tls::client_from_pem(identity.certificate).value(),
                                              std::move(config)));
}

// ---- The server's side --------------------------------------------------------------------------

void HttpWorkload::make_routes() {
  const auto begin = [this](Response response) {
    ++begun_;
    response.on_closed([this, token = tokens.make()](const Outcome&) { ++finished_; });
  };
  server_->get("/whole/{key}/{size}", [begin](Request request, Response response) {
    begin(response);
    response.end(
        bytes_of(number_of(request.parameter("key")), number_of(request.parameter("size"))));
  });
  server_->get("/written/{key}/{size}", [this, begin](Request request, Response response) {
    begin(response);
    response.stream(writer(number_of(request.parameter("key")),
                           number_of(request.parameter("size")),
                           [response]() mutable { response.resume(); }));
  });
  server_->get("/late/{key}/{size}", [this, begin](Request request, Response response) {
    begin(response);
    later(dice.between(0ms, 300ms), [request, response, token = tokens.make()]() mutable {
      response.end(
          bytes_of(number_of(request.parameter("key")), number_of(request.parameter("size"))));
    });
  });
  server_->post("/echo", [this, begin](Request request, Response response) {
    begin(response);
    serve_echo(request, response);
  });
  server_->post("/early", [begin](Request, Response response) {
    begin(response);
    response.status(413).end("too much");
  });
  server_->get("/reset", [this, begin](Request, Response response) {
    begin(response);
    later(dice.between(0ms, 100ms),
          [response]() mutable { response.reset(HttpError::excessive_load); });
  });
  server_->get("/throws", [begin](Request, Response response) {
    begin(response);
    throw std::runtime_error{"as it was asked to"};
  });
}

/// Takes the body in pieces, with pauses, and sends it back at its end.
void HttpWorkload::serve_echo(Request request, Response response) {
  auto body = std::make_shared<std::string>();
  Dice own = dice.fork();
  request.on_body([this, body, own, request, response, token = tokens.make()](
                      Bytes chunk, bool last) mutable -> std::size_t {
    const std::size_t part =
        own.chance(20) ? static_cast<std::size_t>(own.between(0, chunk.size())) : chunk.size();
    body->append(as_text(chunk.first(part)));
    if (part < chunk.size()) {
      later(own.between(0ms, 50ms), [request]() mutable { request.resume(); });
    } else if (last) {
      response.end(std::move(*body));
    }
    return part;
  });
}

/// Makes the bytes of `key` in pieces, with pauses.
Writer HttpWorkload::writer(std::uint64_t key, std::size_t size,
                            std::move_only_function<void()> resume) {
  return [this, key, size,
          resume = std::make_shared<std::move_only_function<void()>>(std::move(resume)),
          own = dice.fork(), made = std::size_t{0},
          token = tokens.make()](std::span<std::byte> room) mutable -> Filled {
    if (own.chance(20)) {
      later(own.between(0ms, 50ms), [resume] { (*resume)(); });
      return {};
    }
    const std::size_t limit = std::min(room.size(), size - made);
    const std::size_t part =
        own.chance(50) ? limit : static_cast<std::size_t>(own.between(0, limit));
    for (std::size_t i = 0; i < part; ++i) room[i] = static_cast<std::byte>(byte_of(key, made + i));
    made += part;
    if (part == 0 && made != size) later(1ms, [resume] { (*resume)(); });
    return {.bytes = part, .last = made == size};
  };
}

// ---- The clients' side --------------------------------------------------------------------------

void HttpWorkload::ask(Ask& ask) {
  ++asked_;
  if (!clients_[ask.client]) {
    ask.is_abandoned = true;
    return;
  }
  const std::string origin = "https://" + net.authority(port);
  const std::string numbers = std::to_string(ask.key) + "/" + std::to_string(ask.size);
  ClientRequest request;
  switch (ask.kind) {
    case Kind::whole:
      request.url = origin + "/whole/" + numbers;
      break;
    case Kind::written:
      request.url = origin + "/written/" + numbers;
      break;
    case Kind::late:
      request.url = origin + "/late/" + numbers;
      break;
    case Kind::echo:
    case Kind::early:
      request.method = "POST";
      request.url = origin + (ask.kind == Kind::echo ? "/echo" : "/early");
      if (dice.chance(50)) {
        request.body = bytes_of(ask.key, ask.size);
      } else {
        request.body = {writer(ask.key, ask.size, [&ask] { ask.call.resume(); }),
                        dice.chance(50) ? std::optional<std::uint64_t>{ask.size} : std::nullopt};
      }
      break;
    case Kind::reset:
      request.url = origin + "/reset";
      break;
    case Kind::throws:
      request.url = origin + "/throws";
      break;
  }
  ask.call = clients_[ask.client]->request(
      std::move(request), {.on_data = ask.has_reader ? reader(ask) : Reader{},
                           .done = [this, &ask, token = tokens.make()](const Result<Reply>& reply) {
                             judge(ask, reply);
                           }});
  if (dice.chance(10)) {
    later(dice.between(0ms, 1s), [&ask] {
      ask.may_fail = true;
      ask.call.cancel();
    });
  }
}

/// Takes the reply in pieces, with pauses.
Reader HttpWorkload::reader(Ask& ask) {
  return [this, &ask, own = dice.fork(), token = tokens.make()](Bytes chunk, bool) mutable {
    const std::size_t part =
        own.chance(20) ? static_cast<std::size_t>(own.between(0, chunk.size())) : chunk.size();
    ask.received.append(as_text(chunk.first(part)));
    if (part < chunk.size() || chunk.empty()) {
      later(own.between(0ms, 50ms), [&ask] { ask.call.resume(); });
    }
    return part;
  };
}

void HttpWorkload::judge(Ask& ask, const Result<Reply>& reply) {
  const std::string name = "request " + std::to_string(ask.key) + " of kind " +
                           std::to_string(static_cast<int>(ask.kind)) + " and size " +
                           std::to_string(ask.size);
  verdict.expect(++ask.ends == 1, name + " ended more than once");
  verdict.expect(!ask.is_abandoned, name + " was called after its client was gone");
  if (!reply) {
    const bool is_reset =
        ask.kind == Kind::reset && reply.error() == Error{HttpError::excessive_load};
    verdict.expect(ask.may_fail || is_reset, name + " failed: " + reply.error().message());
    return;
  }
  const std::string& body = ask.has_reader ? ask.received : reply->body;
  switch (ask.kind) {
    case Kind::early:
      verdict.expect(reply->status == 413 && body == "too much", name + " was not refused");
      break;
    case Kind::reset:
      verdict.expect(false, name + " was answered instead of reset");
      break;
    case Kind::throws:
      verdict.expect(reply->status == 500, name + " did not become a 500");
      break;
    default:
      verdict.expect(reply->status == 200 && body == bytes_of(ask.key, ask.size),
                     name + ": the reply is not what was sent, " + std::to_string(body.size()) +
                         " bytes with status " + std::to_string(reply->status));
      break;
  }
}

// ---- What else happens --------------------------------------------------------------------------

void HttpWorkload::disturb() {
  if (dice.chance(30)) {
    for (auto moves = dice.between(1, 3); moves > 0; --moves) {
      later(dice.between(0ms, 4s), [this, to = dice.chance(60) ? net.other_client : net.client] {
        if (connected_ < clients_.size()) return;
        for (const auto& client : clients_) {
          if (client) {
            (void)client->migrate(Address::parse_host(to, 0).value());
          }
        }
      });
    }
  }
  if (dice.chance(10)) {
    later(dice.between(0ms, 2s), [this] { leave(0); });
  }
}

/// A client goes, with or without a word to those who wait for it.
void HttpWorkload::leave(std::size_t client) {
  if (!clients_[client]) return;
  const bool is_gone = dice.chance(50);
  for (const auto& ask : asks_) {
    if (ask->client != client || ask->ends > 0) continue;
    ask->may_fail = true;
    ask->is_abandoned = ask->is_abandoned || is_gone;
  }
  if (is_gone) {
    clients_[client].reset();
    closing_ -= std::exchange(closes_[client], 0);  // nobody is told of the end of these
  } else {
    ++closing_;
    ++closes_[client];
    clients_[client]->shutdown(dice.between(0ms, 500ms), [this, client, token = tokens.make()] {
      --closing_;
      --closes_[client];
    });
  }
}

void HttpWorkload::end() {
  if (dice.chance(30)) {
    ++closing_;
    server_->shutdown(dice.between(0ms, 2s), [this, token = tokens.make()] { --closing_; });
  }
  for (std::size_t i = 0; i < clients_.size(); ++i) leave(i);
}

bool HttpWorkload::is_over() const {
  return closing_ == 0 && begun_ == finished_ && server_->stats().open_requests == 0 &&
         server_->stats().quic.connections == 0 &&
         std::ranges::all_of(clients_, [](const auto& client) {
           return !client || client->stats().open_connections == 0;
         });
}

std::string HttpWorkload::state() const {
  std::string text = "HTTP with " + std::to_string(clients_.size()) + " clients and " +
                     std::to_string(asks_.size()) + " requests;";
  for (const auto& ask : asks_) {
    if (ask->ends == 0 && !ask->is_abandoned) {
      text += " request " + std::to_string(ask->key) + " of kind " +
              std::to_string(static_cast<int>(ask->kind)) + " and size " +
              std::to_string(ask->size) + " is open;";
    }
  }
  const ServerStats stats = server_->stats();
  return text + " server: " + std::to_string(stats.quic.connections) + " connections, " +
         std::to_string(stats.open_requests) + " requests, " + std::to_string(begun_) + " begun, " +
         std::to_string(finished_) + " finished; " + std::to_string(closing_) + " closing";
}

}  // namespace

std::unique_ptr<Workload> http_workload(RandomNetwork& net, Dice dice, Verdict& verdict,
                                        const Tokens& tokens, const Identity& identity) {
  return std::make_unique<HttpWorkload>(net, dice, verdict, tokens, identity);
}

}  // namespace quoin::test
