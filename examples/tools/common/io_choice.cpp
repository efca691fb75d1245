// SPDX-License-Identifier: MIT
/// See io_choice.hpp.
#include "common/io_choice.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/epoll.hpp>
#include <quoin/io/socket_options.hpp>
#include <quoin/io/uring.hpp>

#include "common/text.hpp"

namespace quoin::tools {

void add_io_option(CLI::App& app, Io& choice, const std::string& group) {
  const std::map<std::string, Io> choices{
      {"auto", Io::automatic}, {"epoll", Io::epoll}, {"io_uring", Io::io_uring}};
  const auto set = [&choice, choices](const std::string& name) {
    const auto found = choices.find(name);
    if (found == choices.end()) {
      throw CLI::ValidationError("--io",
                                 in_quotes(name) + " is unknown; write auto, epoll or io_uring");
    }
    choice = found->second;
  };
  app.add_option_function<std::string>("--io", set,
                                       "How datagrams are sent and received; default: auto,\n"
                                       "which is epoll. If io_uring is unavailable, epoll is\n"
                                       "used, and a message says why")
      ->type_name("auto|epoll|io_uring")
      ->group(group);
}

std::unique_ptr<io::Backend> make_backend(Io choice, const io::SocketOptions& options) {
  return choice == Io::io_uring ? io::uring_backend(options) : io::epoll_backend(options);
}

void tell_about_io(Io choice, const std::string& tool, bool verbose) {
  if (choice == Io::io_uring) {
    if (const Result<void> support = io::uring_support(); !support) {
      std::fprintf(stderr, "%s: --io io_uring: %s; using epoll\n", tool.c_str(),
                   support.error().message().c_str());
    }
  }
  if (verbose) {
    std::fprintf(stderr, "* io: %s\n", make_backend(choice)->describe().c_str());
  }
}

}  // namespace quoin::tools
