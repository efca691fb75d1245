// SPDX-License-Identifier: MIT
/// Sends a file with PUT, as fast as the server takes it.
/// Usage: upload FILE URL [CERTIFICATES]
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <span>
#include <string>
#include <system_error>
#include <utility>

#include <quoin/client.hpp>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: upload FILE URL [CERTIFICATES]\n";
    return EXIT_FAILURE;
  }
  std::error_code error;
  const auto size = std::filesystem::file_size(argv[1], error);
  std::ifstream file{argv[1], std::ios::binary};
  const auto tls =
      argc > 3 ? quoin::Tls::client(argv[3]) : quoin::Tls::client();
  if (error || !file || !tls) {
    std::cerr << "upload: "
              << (tls ? std::string{"cannot read "} + argv[1]
                      : tls.error().message())
              << '\n';
    return EXIT_FAILURE;
  }

  // Called when the connection has room; how much that is decides about the
  // pace.
  quoin::Writer body = [file = std::move(file),
                        left = size](std::span<std::byte> room) mutable {
    file.read(reinterpret_cast<char*>(room.data()),
              static_cast<std::streamsize>(room.size()));
    const auto bytes = static_cast<std::size_t>(file.gcount());
    left -= std::min<std::uintmax_t>(left, bytes);
    return quoin::Filled{
        .bytes = bytes, .last = left == 0, .failed = bytes == 0 && left != 0};
  };

  quoin::Loop loop;
  quoin::Client client{loop, *tls};
  int result = EXIT_FAILURE;
  client.request(
      {.method = "PUT", .url = argv[2], .body = {std::move(body), size}},
      [&](quoin::Result<quoin::Reply> reply) {
        std::cout << (reply ? std::to_string(reply->status)
                            : reply.error().message())
                  << '\n';
        if (reply && reply->status == 201) result = EXIT_SUCCESS;
        loop.stop();
      });
  loop.run();
  return result;
}
