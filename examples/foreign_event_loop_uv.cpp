// SPDX-License-Identifier: MIT
/// A server inside an event loop that is not quoin's: libuv's.
/// Usage: as hello_server.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <uv.h>

#include <quoin/server.hpp>

namespace {

/// Turns a quoin loop when its descriptor is readable or its deadline has come.
class LoopInUv {
 public:
  LoopInUv(uv_loop_t* context, quoin::Loop& loop) : loop_(loop) {
    uv_poll_init(context, &poll_, loop.descriptor());
    uv_timer_init(context, &timer_);
    poll_.data = timer_.data = this;
    uv_poll_start(&poll_, UV_READABLE,
                  [](uv_poll_t* poll, int, int) { turn(poll->data); });
    arm();
  }

 private:
  static void turn(void* self) {
    static_cast<LoopInUv*>(self)->loop_.turn();
    static_cast<LoopInUv*>(self)->arm();
  }

  /// Milliseconds, rounded up: too early would be a turn for nothing.
  void arm() {
    using Milliseconds = std::chrono::milliseconds;
    const auto deadline = loop_.deadline();
    if (!deadline) return void(uv_timer_stop(&timer_));
    const auto left =
        std::chrono::ceil<Milliseconds>(*deadline - loop_.now()).count();
    const auto delay =
        static_cast<std::uint64_t>(std::max<Milliseconds::rep>(left, 0));
    uv_timer_start(
        &timer_, [](uv_timer_t* timer) { turn(timer->data); }, delay, 0);
  }

  quoin::Loop& loop_;
  uv_poll_t poll_{};
  uv_timer_t timer_{};
};

}  // namespace

int main(int argc, char** argv) {
  const quoin::Tls tls = quoin::Tls::self_signed().value();
  if (argc > 2) std::ofstream{argv[2]} << tls.certificate_pem();
  quoin::Loop loop;
  quoin::Server server{loop, tls};
  server.get("/", [](auto, quoin::Response response) {
    response.end("Hello from libuv\n");
  });
  const auto address = server.listen(argc > 1 ? argv[1] : "[::]:4433");
  if (!address) return EXIT_FAILURE;
  std::cout << "listening on port " << address->port() << std::endl;
  const LoopInUv adapter{uv_default_loop(), loop};
  return uv_run(uv_default_loop(), UV_RUN_DEFAULT);
}
