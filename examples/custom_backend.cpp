// SPDX-License-Identifier: MIT
/// A backend of your own, which counts what arrives at another, put to the test
/// for backends.
#include <cstdio>

#include <quoin/io/conformance.hpp>
#include <quoin/io/epoll.hpp>

using namespace quoin;

class Counting final : public io::Backend {
 public:
  std::size_t received = 0;  // bytes

  Time now() const noexcept override { return inner_->now(); }
  void fill_random(std::span<std::byte> out) noexcept override {
    inner_->fill_random(out);
  }
  Result<Address> open(const Address& local) override {
    return inner_->open(local);
  }
  Result<Address> source_for(const Address& to) override {
    return inner_->source_for(to);
  }
  void close(const Address& local) noexcept override { inner_->close(local); }
  io::Capabilities capabilities() const noexcept override {
    return inner_->capabilities();
  }
  void wait(std::optional<Time> deadline) override { inner_->wait(deadline); }
  std::span<const io::PathError> errors() override { return inner_->errors(); }
  void wake() noexcept override { inner_->wake(); }
  int descriptor() const noexcept override { return inner_->descriptor(); }
  std::string describe() const override {
    return "counting " + inner_->describe();
  }

  std::span<const Datagram> receive() override {
    const std::span<const Datagram> batch = inner_->receive();
    for (const Datagram& datagram : batch) received += datagram.payload.size();
    return batch;
  }

  std::size_t send(std::span<const Datagram> batch) override {
    return inner_->send(batch);
  }

 private:
  std::unique_ptr<io::Backend> inner_ = io::epoll_backend();
};

int main() {
  // A program would give it to its loop: Loop{std::make_unique<Counting>()}.
  Counting a, b;
  const Address one = *Address::parse("127.0.0.1:0");
  const Address two = *Address::parse("127.0.0.2:0");
  const io::ConformanceSubject subject{.a = a, .b = b, .hosts = {{one, two}}};
  const auto report = [](const io::ConformanceResult& result) {
    std::printf("%s: %s\n", result.requirement.c_str(), result.detail.c_str());
  };
  const auto failures = io::check_conformance(subject, report);
  std::printf("%zu failures, %zu bytes received\n", failures,
              a.received + b.received);
  return failures == 0 ? 0 : 1;
}
