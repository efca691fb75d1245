// SPDX-License-Identifier: MIT
/// The short pieces of code in the guide, so that they compile and do what the
/// pages say; check.py compares the pages with this file. Ends with 0 if they
/// do.
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <exception>
#include <functional>
#include <iostream>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/coro.hpp>
#include <quoin/doctor.hpp>
#include <quoin/h3/capsule.hpp>
#include <quoin/io/uring.hpp>
#include <quoin/server.hpp>

namespace {

using namespace std::chrono_literals;

/// Stands for a hardware module, one that never signs.
struct Module {
  void sign(
      std::string_view /*certificate*/, quoin::SignatureScheme /*scheme*/,
      const std::vector<std::byte>& /*input*/,
      const std::function<void(std::span<const std::byte>)>& /*done*/) const {}
};

template <class... Words>
void log(const Words&... words) {
  ((std::cout << words << ' '), ...) << '\n';
}

// backends.md
std::string backend() {
  quoin::Loop loop{quoin::io::uring_backend()};
  return loop.backend().describe();
}

// connection-ids.md
quoin::quic::Config behind_a_balancer(const std::string& this_machine,
                                      const std::string& the_balancers_key) {
  quoin::quic::Config config;
  quoin::quic::RoutableCids form;
  form.server_id = this_machine;  // 1 to 15 bytes, as long on all machines
  // 16 bytes; without it everybody can read which machine it is.
  form.key = the_balancers_key;
  config.connection_ids = quoin::quic::routable_cids(form).value();
  return config;
}

// workers.md
quoin::ServerConfig machine_seven(const std::string& key) {
  quoin::ServerConfig config;
  const quoin::quic::RoutableCids form{
      .config_rotation = 1, .server_id = "m7", .key = key};
  config.quic.connection_ids = quoin::quic::routable_cids(form).value();
  return config;
}

// coroutines.md
quoin::Operation<std::string> later(quoin::Loop& loop,
                                    const std::string& text) {
  quoin::Operation<std::string> operation;
  const quoin::TimerId timer = loop.after(
      1ms, [done = operation.completion(), text]() mutable { done(text); });
  operation.on_cancel([&loop, timer] { loop.cancel(timer); });
  return operation;
}

// coroutines.md
quoin::Task<std::string> post(quoin::Client& client, std::string url) {
  // Not request(client, {.method = ...}).
  quoin::ClientRequest wanted{.method = "POST", .url = url, .body = "text"};
  const auto reply = co_await quoin::request(client, std::move(wanted));
  co_return reply ? reply->body : reply.error().message();
}

// datagrams.md
void answer_capsules(quoin::Request request, quoin::Response response,
                     const std::function<void(std::string_view)>& use) {
  // Skips other types.
  quoin::h3::CapsuleReader reader{{quoin::h3::datagram_capsule}};
  request.on_body([=](quoin::Bytes chunk, bool last) mutable {
    std::size_t taken = 0;
    while (taken < chunk.size()) {
      // At most to the end of one capsule.
      const auto more = reader.read(chunk.subspan(taken));
      if (!more) throw std::runtime_error{more.error().message()};
      taken += *more;
      while (auto capsule = reader.poll()) use(capsule->value);
    }
    if (last && !reader.finish()) throw std::runtime_error{"cut off"};
    return taken;
  });
  const quoin::Bytes hello = quoin::as_bytes("hello");
  response.end(quoin::h3::encode_capsule(quoin::h3::datagram_capsule, hello));
}

// doctor.md
void examine() {
  for (const quoin::io::Finding& finding : quoin::examine_system()) {
    log(finding.subject, finding.detail, finding.advice);
  }
}

// identity.md
void sign_elsewhere(quoin::Server& server, const Module& module) {
  using quoin::TlsRequest;
  server.on_tls_request([&](const TlsRequest& asked, quoin::TlsAnswer answer) {
    module.sign(asked.certificate_sha256, asked.scheme, asked.input,
                [answer](quoin::Bytes signed_input) {
                  (void)answer.sign(signed_input);
                });
  });
}

// identity.md
void renew(quoin::Server& server) {
  auto renewed = quoin::Tls::server("chain.pem", "key.pem");
  if (renewed) {
    if (auto set = server.set_tls(*renewed); !set) log(set.error().message());
  } else {
    log(renewed.error().message());  // and the old certificate stays in use
  }
}

// handlers.md
void report(quoin::Loop& loop) {
  loop.on_exception(
      [](std::string_view where, const std::exception_ptr& thrown) {
        try {
          std::rethrow_exception(thrown);
        } catch (const std::exception& error) {
          log(where, error.what());
        } catch (...) {
          log(where, "threw something else");
        }
      });
}

// handlers.md
void let_out(quoin::Loop& loop) {
  loop.on_exception([](std::string_view, const std::exception_ptr& thrown) {
    std::rethrow_exception(thrown);
  });
}

/// A job that throws ends nothing, unless it is let out.
bool throw_twice(quoin::Loop& loop) {
  report(loop);
  loop.post([] { throw std::runtime_error{"this is reported"}; });
  loop.turn();
  let_out(loop);
  loop.post([] { throw std::runtime_error{"this is thrown"}; });
  try {
    loop.turn();
  } catch (const std::runtime_error&) {
    report(loop);
    return true;
  }
  return false;
}

// server.md
void add_routes(quoin::Server& server) {
  server.get("/users/{id}",
             [](quoin::Request request, quoin::Response response) {
               response.end(std::string{request.parameter("id")});
             });
}

// tokens.md
void replace_keys(quoin::Server& server, const std::string& old_key,
                  const std::string& new_key) {
  // One process: that is all.
  server.set_token_secrets({new_key}).value();

  // A fleet. First all machines get to know it, then, one by one, it signs.
  server.set_token_secrets({old_key, new_key}).value();
  server.set_token_secrets({new_key}).value();
}

/// Asks the server for all that the functions above give it to say.
quoin::Task<std::string> ask(quoin::Loop& loop, quoin::Client& client,
                             std::string origin) {
  const auto user = co_await quoin::get(client, origin + "/users/7");
  const std::string echo = co_await post(client, origin + "/echo");
  const std::string late = co_await later(loop, "late");
  quoin::ClientRequest wanted{.method = "POST", .url = origin + "/capsules"};
  wanted.body = quoin::h3::encode_capsule(quoin::h3::datagram_capsule,
                                          quoin::as_bytes("world"));
  const auto capsules = co_await quoin::request(client, std::move(wanted));
  quoin::h3::CapsuleReader reader{{quoin::h3::datagram_capsule}};
  (void)reader.read(quoin::as_bytes(capsules->body)).value();
  co_return user->body + ' ' + echo + ' ' + late + ' ' + reader.poll()->value;
}

}  // namespace

int main() {
  log(backend());
  examine();

  const std::string key(16, 'k');
  const quoin::Tls identity = quoin::Tls::self_signed({{"127.0.0.1"}}).value();
  quoin::ServerConfig config = machine_seven(key);
  config.quic.connection_ids = behind_a_balancer("m7", key).connection_ids;
  quoin::Loop loop;
  quoin::Server server{loop, identity, config};
  const Module module;
  sign_elsewhere(server, module);
  add_routes(server);
  server.post("/echo", [](quoin::Request request, quoin::Response response) {
    request.read_body(1024,
                      [response](quoin::Result<std::string> body) mutable {
                        response.end(body.value());
                      });
  });
  std::string capsules;
  server.post("/capsules", [&capsules](quoin::Request request,
                                       quoin::Response response) {
    answer_capsules(request, response,
                    [&capsules](std::string_view value) { capsules += value; });
  });
  const auto address = server.listen("127.0.0.1:0").value();
  replace_keys(server, std::string(32, 'o'), std::string(32, 'n'));
  renew(server);

  quoin::Client client{
      loop, quoin::Tls::client_from_pem(identity.certificate_pem()).value()};
  const std::string said = quoin::run_task(
      loop, ask(loop, client, "https://" + address.to_string()));
  log(said, capsules);
  if (!throw_twice(loop)) return EXIT_FAILURE;
  return said == "7 text late hello" && capsules == "world" ? EXIT_SUCCESS
                                                            : EXIT_FAILURE;
}
