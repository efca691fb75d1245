// SPDX-License-Identifier: MIT
/// The option --io, which all tools have: what moves the datagrams.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <quoin/io/backend.hpp>
#include <quoin/io/socket_options.hpp>

namespace CLI {
class App;
}

namespace quoin::tools {

/// What --io was given.
enum class Io : std::uint8_t { automatic, epoll, io_uring };

/// Adds --io to the options in `group`.
void add_io_option(CLI::App& app, Io& choice, const std::string& group);

/// The backend for it; epoll if the requested io_uring cannot be used.
[[nodiscard]] std::unique_ptr<io::Backend> make_backend(Io choice,
                                                        const io::SocketOptions& options = {});

/// Prints to standard error if `tool` must do without the requested io_uring; with `verbose`,
/// always prints what is used.
void tell_about_io(Io choice, const std::string& tool, bool verbose);

}  // namespace quoin::tools
