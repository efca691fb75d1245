// SPDX-License-Identifier: MIT
/// A server inside an event loop that is not quoin's: Asio's.
/// Usage: as hello_server.
#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include <quoin/server.hpp>

namespace {

/// Turns a quoin loop when its descriptor is readable or its deadline has come.
class LoopInAsio {
 public:
  LoopInAsio(asio::io_context& context, quoin::Loop& loop)
      : loop_(loop), readable_(context, loop.descriptor()), timer_(context) {
    watch();
    turn();
  }

  ~LoopInAsio() { readable_.release(); }  // the descriptor is the loop's

 private:
  void watch() {
    readable_.async_wait(readable_.wait_read,
                         [this](asio::error_code) { turn(), watch(); });
  }

  /// Setting a new time cancels the wait before it.
  void turn() {
    loop_.turn();
    const auto deadline = loop_.deadline();
    if (!deadline) return void(timer_.cancel());
    timer_.expires_after(*deadline - loop_.now());
    timer_.async_wait(
        [this](asio::error_code cancelled) { cancelled ? void() : turn(); });
  }

  quoin::Loop& loop_;
  asio::posix::stream_descriptor readable_;
  asio::steady_timer timer_;
};

}  // namespace

int main(int argc, char** argv) {
  const quoin::Tls tls = quoin::Tls::self_signed().value();
  if (argc > 2) std::ofstream{argv[2]} << tls.certificate_pem();
  asio::io_context context;
  quoin::Loop loop;
  quoin::Server server{loop, tls};
  server.get("/", [](auto, quoin::Response response) {
    response.end("Hello from Asio\n");
  });
  const auto address = server.listen(argc > 1 ? argv[1] : "[::]:4433");
  if (!address) return EXIT_FAILURE;
  std::cout << "listening on port " << address->port() << std::endl;
  const LoopInAsio adapter{context, loop};
  context.run();
}
