// SPDX-License-Identifier: MIT
/// Fetches URLs, all at a time, in a coroutine.
/// Usage: get_coroutine CERTIFICATES URL..., where CERTIFICATES is a PEM file
/// of whom to trust.
#include <chrono>
#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <utility>
#include <vector>

#include <quoin/client.hpp>
#include <quoin/coro.hpp>

namespace {

using namespace std::chrono_literals;

/// The length of what is there, once it is there.
quoin::Task<std::size_t> fetch(quoin::Client& client, const char* url) {
  const quoin::Result<quoin::Reply> reply = co_await quoin::get(client, url);
  if (!reply) throw std::runtime_error{reply.error().message()};
  std::cout << url << ": status " << reply->status << ", " << reply->body.size()
            << " bytes\n";
  co_return reply->body.size();
}

quoin::Task<> fetch_all(quoin::Client& client, std::vector<const char*> urls) {
  std::vector<quoin::Task<std::size_t>> tasks;
  tasks.reserve(urls.size());
  for (const char* const url : urls) tasks.push_back(fetch(client, url));
  std::size_t sum = 0;
  for (const std::size_t size : co_await quoin::when_all(std::move(tasks))) {
    sum += size;
  }
  std::cout << "together " << sum << " bytes\n";
}

}  // namespace

int main(int argc, char** argv) try {
  if (argc < 3) {
    throw std::runtime_error{"usage: get_coroutine CERTIFICATES URL..."};
  }
  quoin::Loop loop;
  quoin::Client client{loop, quoin::Tls::client(argv[1]).value()};
  auto all =
      quoin::within(loop, 10s, fetch_all(client, {argv + 2, argv + argc}));
  if (!quoin::run_task(loop, std::move(all))) {
    throw std::runtime_error{"ten seconds are over"};
  }
} catch (const std::exception& error) {
  std::cerr << "get_coroutine: " << error.what() << '\n';
  return EXIT_FAILURE;
}
