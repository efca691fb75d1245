// SPDX-License-Identifier: MIT
/// Answers GET and HEAD with the files of a directory. Routes are the server's business. Not
/// public.
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include <quoin/error.hpp>
#include <quoin/headers.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>
#include <quoin/time.hpp>

#include "server/files/file_cache.hpp"
#include "server/files/safe_directory.hpp"

namespace quoin::inline v0 {

/// See Server::files().
class StaticFiles {
 public:
  /// `prefix` is the root's path without a trailing slash. Errors: system.
  [[nodiscard]] static Result<StaticFiles> create(std::string prefix,
                                                  const std::filesystem::path& root,
                                                  FileOptions options);

  /// The clock that the file system uses, too; may be empty.
  using WallClock = std::function<std::chrono::system_clock::time_point()>;

  /// `now` is the time of the turn. Returns whether the answer was in memory.
  bool answer(const Request& request, Response response, Time now, const WallClock& clock);

 private:
  StaticFiles(std::string prefix, SafeDirectory root, FileOptions options);

  /// A request and its related data on the way through this class.
  struct Asked {
    const Request& request;
    Response response;
    std::string_view key;  ///< in the cache
    Time now;
    const WallClock& clock;
  };

  void answer_from_disk(const Asked& asked);
  [[nodiscard]] bool answer_from_memory(const Asked& asked);
  void answer_directory(const Asked& asked, const std::string& path);
  void send_file(const Asked& asked, const std::string& path, OpenedFile file);
  [[nodiscard]] bool keep_and_send(const Asked& asked, const std::string& path,
                                   const OpenedFile& file, Headers headers);
  [[nodiscard]] Headers headers_of(const std::string& path, const OpenedFile& file,
                                   const std::string& etag) const;
  void send_page(Response response, int status, std::string_view type, std::string text) const;
  void send_error(Response response, int status) const;
  void add_headers(Response response) const;

  std::string prefix_;
  SafeDirectory root_;
  FileOptions options_;
  FileCache cache_;
};

}  // namespace quoin::inline v0
