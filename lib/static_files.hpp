// SPDX-License-Identifier: MIT
/// Answers GET and HEAD with the files of a directory. Routes are the server's business. Not
/// public.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include <quoin/error.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>

#include "io/safe_directory.hpp"

namespace quoin {

/// See Server::files().
class StaticFiles {
 public:
  /// `prefix` is the path of the root without a slash at its end. Errors: system.
  [[nodiscard]] static Result<StaticFiles> create(std::string prefix,
                                                  const std::filesystem::path& root,
                                                  FileOptions options);

  void answer(const Request& request, Response response) const;

 private:
  StaticFiles(std::string prefix, SafeDirectory root, FileOptions options);

  void answer_directory(const Request& request, Response response, const std::string& path) const;
  void send_file(const Request& request, Response response, const std::string& path,
                 OpenedFile file) const;
  void send_page(Response response, int status, std::string_view type, std::string text) const;
  void send_error(Response response, int status) const;
  void add_headers(Response response) const;

  std::string prefix_;
  SafeDirectory root_;
  FileOptions options_;
};

}  // namespace quoin
