// SPDX-License-Identifier: MIT
/// Static files: from a path in a request to the bytes of a file.
#include "server/files/static_files.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <quoin/error.hpp>
#include <quoin/headers.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>
#include <quoin/streaming.hpp>
#include <quoin/time.hpp>
#include <quoin/url.hpp>

#include "http/date.hpp"
#include "message/status.hpp"
#include "server/files/conditions.hpp"
#include "server/files/content_types.hpp"
#include "server/files/directory_page.hpp"
#include "server/files/file_cache.hpp"
#include "server/files/safe_directory.hpp"
#include "server/server_impl.hpp"

namespace quoin::inline v0 {
namespace {

// Longer names are not worth caching.
constexpr std::size_t max_key = 1024;

int status_for(const Error& error) noexcept {
  switch (static_cast<int>(error.code())) {
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EXDEV:  // it leads out of the root
    case ENAMETOOLONG:
    case EINVAL:
    case ENXIO:
      return status::not_found;
    case EACCES:
    case EPERM:
      return status::forbidden;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EAGAIN:
      return status::service_unavailable;
    default:
      return status::internal_server_error;
  }
}

// `path` without its first segments, as many as `prefix` has: the router found them equal once
// decoded.
std::string_view below(std::string_view prefix, std::string_view path) noexcept {
  for (auto left = std::ranges::count(prefix, '/'); left > 0 && !path.empty(); --left) {
    path.remove_prefix(std::min(path.find('/', 1), path.size()));
  }
  return path;
}

// The path below the root, decoded; none if it names nothing there. Each segment is decoded on its
// own, so that an encoded slash cannot split it in two.
std::optional<std::string> local_path(std::string_view encoded) {
  std::string path;
  while (encoded.starts_with('/')) {
    encoded.remove_prefix(1);
    const std::string_view segment = encoded.substr(0, encoded.find('/'));
    encoded.remove_prefix(segment.size());
    if (segment.empty()) {
      // The slash at the end of a directory; elsewhere it would give one file two names.
      if (encoded.empty()) break;
      return std::nullopt;
    }
    const std::optional<std::string> decoded = percent_decode(segment);
    if (!decoded || *decoded == "." || *decoded == ".." ||
        decoded->find_first_of(std::string_view{"/\0", 2}) != std::string::npos) {
      return std::nullopt;
    }
    if (!path.empty()) path += '/';
    path += *decoded;
  }
  return path;
}

// Sends part of a file. If its end is missing, the stream fails: the file was truncated meanwhile.
class FileWriter {
 public:
  FileWriter(FileDescriptor file, std::uint64_t offset, std::uint64_t size)
      : file_(std::move(file)), offset_(offset), left_(size) {}

  Filled operator()(std::span<std::byte> room) {
    const std::size_t wanted = std::min<std::uint64_t>(room.size(), left_);
    ssize_t got = -1;
    do {
      got = ::pread(file_.number(), room.data(), wanted, static_cast<off_t>(offset_));
    } while (got < 0 && errno == EINTR);
    if (got <= 0) return {.bytes = 0, .last = false, .failed = true};
    const auto bytes = static_cast<std::size_t>(got);
    offset_ += bytes;
    left_ -= bytes;
    return {.bytes = bytes, .last = left_ == 0, .failed = false};
  }

 private:
  FileDescriptor file_;
  std::uint64_t offset_;
  std::uint64_t left_;
};

std::string hexadecimal(std::uint64_t value) {
  std::string text;
  do {
    text += "0123456789abcdef"[value & 15U];
    value >>= 4U;
  } while (value != 0);
  return {text.rbegin(), text.rend()};
}

// The answer depends on more than the file.
bool is_selective(const Headers& request) noexcept {
  return std::ranges::any_of(request, [](const Field& field) {
    return field.name == "range" || field.name.starts_with("if-");
  });
}

// Any change from now on would give the file a new change time. File system clocks move in steps:
// most with the kernel's tick, some every two seconds.
bool is_settled(const FileIdentity& file, const StaticFiles::WallClock& clock) {
  constexpr std::chrono::nanoseconds step = std::chrono::seconds{2};
  if (!clock) return false;
  const std::chrono::nanoseconds latest{std::max(file.modified, file.changed)};
  return latest + step < clock().time_since_epoch();
}

std::string etag_of(const OpenedFile& file) {
  return '"' + hexadecimal(file.inode) + '-' + hexadecimal(file.size) + '-' +
         hexadecimal(static_cast<std::uint64_t>(file.modified)) + '.' +
         hexadecimal(static_cast<std::uint64_t>(file.modified_nanoseconds)) + '"';
}

}  // namespace

Result<StaticFiles> StaticFiles::create(std::string prefix, const std::filesystem::path& root,
                                        FileOptions options) {
  Result<SafeDirectory> directory = SafeDirectory::open(root);
  if (!directory) return std::unexpected(directory.error());
  return StaticFiles{std::move(prefix), std::move(*directory), std::move(options)};
}

StaticFiles::StaticFiles(std::string prefix, SafeDirectory root, FileOptions options)
    : prefix_(std::move(prefix)),
      root_(std::move(root)),
      options_(std::move(options)),
      cache_(options_.cache_bytes) {}

bool StaticFiles::answer(const Request& request, Response response, Time now,
                         const WallClock& clock) {
  const std::string_view rest = below(prefix_, request.path());
  const Asked asked{
      .request = request, .response = response, .key = rest, .now = now, .clock = clock};
  if (answer_from_memory(asked)) return true;
  answer_from_disk(asked);
  return false;
}

void StaticFiles::answer_from_disk(const Asked& asked) {
  const Request& request = asked.request;
  const Response response = asked.response;
  const std::optional<std::string> path = local_path(asked.key);
  if (!path) {
    send_error(response, status::not_found);
    return;
  }
  Result<OpenedFile> file = root_.open_below(*path);
  if (!file) {
    send_error(response, status_for(file.error()));
  } else if (file->is_directory && !asked.key.ends_with('/')) {
    // Relative links in the directory's page need the slash.
    std::string target{request.path()};
    target += '/';
    if (!request.query().empty()) target += '?' + std::string{request.query()};
    response.header("location", target);
    send_error(response, status::moved_permanently);
  } else if (file->is_directory) {
    answer_directory(asked, *path);
  } else if (!file->is_regular) {
    send_error(response, status::forbidden);
  } else if (asked.key.ends_with('/')) {
    send_error(response, status::not_found);
  } else {
    send_file(asked, *path, std::move(*file));
  }
}

bool StaticFiles::answer_from_memory(const Asked& asked) {
  if (!cache_.is_enabled()) return false;
  const KeptFile* const kept = cache_.find(asked.key, root_, asked.now);
  if (kept == nullptr || is_selective(asked.request.headers())) return false;
  const Response response = asked.response;
  response.headers(kept->headers).end(kept->content);
  return true;
}

void StaticFiles::answer_directory(const Asked& asked, const std::string& path) {
  if (!options_.index.empty()) {
    const std::string index = path.empty() ? options_.index : path + '/' + options_.index;
    Result<OpenedFile> file = root_.open_below(index);
    if (file && file->is_regular) {
      send_file(asked, index, std::move(*file));
      return;
    }
  }
  if (!options_.listing) {
    send_error(asked.response, status::not_found);
    return;
  }
  const Result<std::vector<DirectoryEntry>> entries = root_.list(path);
  if (!entries) {
    send_error(asked.response, status_for(entries.error()));
    return;
  }
  const std::string shown = percent_decode(asked.request.path()).value_or("/");
  send_page(asked.response, status::ok, "text/html; charset=utf-8",
            directory_page(shown, *entries));
}

Headers StaticFiles::headers_of(const std::string& path, const OpenedFile& file,
                                const std::string& etag) const {
  Headers headers;
  headers.add("etag", etag);
  headers.add("last-modified", format_http_date(file.modified));
  headers.add("accept-ranges", "bytes");
  for (const Field& field : options_.headers) {
    headers.add(field.name, field.value, field.never_index);
  }
  const std::string_view type = content_type_of(std::string_view{path}.substr(path.rfind('/') + 1));
  headers.add("content-type", type.empty() ? std::string_view{options_.default_type} : type);
  return headers;
}

void StaticFiles::send_file(const Asked& asked, const std::string& path, OpenedFile file) {
  const Representation representation{
      .etag = etag_of(file), .modified = file.modified, .size = file.size};
  const bool is_get = asked.request.method() == "GET";
  const Selection selection = select(representation, asked.request.headers(), is_get);
  Headers headers = headers_of(path, file, representation.etag);
  if (is_get && selection.status == status::ok && keep_and_send(asked, path, file, headers)) return;
  const Response response = asked.response;
  response.status(selection.status);
  if (selection.status == status::range_not_satisfiable) {
    headers.add("content-range", "bytes */" + std::to_string(file.size));
  } else if (selection.status == status::partial_content) {
    headers.add("content-range", "bytes " + std::to_string(selection.offset) + '-' +
                                     std::to_string(selection.offset + selection.size - 1) + '/' +
                                     std::to_string(file.size));
  }
  if (selection.status != status::ok && selection.status != status::partial_content) {
    headers.remove("content-type");
    response.headers(headers).end();
    return;
  }
  headers.add("content-length", std::to_string(selection.size));
  response.headers(headers);
  if (selection.size == 0) {
    response.end();
  } else {
    response.stream(FileWriter{std::move(file.descriptor), selection.offset, selection.size});
  }
}

// A small file that has not just changed is read in full, sent, and kept.
bool StaticFiles::keep_and_send(const Asked& asked, const std::string& path, const OpenedFile& file,
                                Headers headers) {
  if (!cache_.is_enabled() || file.size > FileCache::max_file || asked.key.size() > max_key ||
      !is_settled(file.identity, asked.clock)) {
    return false;
  }
  std::string content = file.read(static_cast<std::size_t>(file.size));
  if (content.size() != file.size || root_.identify(path) != file.identity) return false;
  KeptFile kept{.path = path,
                .identity = file.identity,
                .headers = std::move(headers),
                .content = SharedBytes{std::move(content)}};
  const Response response = asked.response;
  response.headers(kept.headers).end(kept.content);
  cache_.keep(asked.key, std::move(kept), asked.now);
  return true;
}

void StaticFiles::send_page(Response response, int status, std::string_view type,
                            std::string text) const {
  response.status(status).header("content-type", type);
  add_headers(response);
  response.end(std::move(text));
}

void StaticFiles::send_error(Response response, int status) const {
  send_page(response, status, "text/plain; charset=utf-8", status_line(status));
}

void StaticFiles::add_headers(Response response) const {
  for (const Field& field : options_.headers) response.header(field.name, field.value);
}

Result<> Server::files(std::string_view prefix, const FilePath& directory, FileOptions options) {
  if (!prefix.starts_with('/') || prefix.contains('{') || prefix.contains('*') ||
      prefix.contains('%')) {
    return std::unexpected(
        Error{UsageError::invalid_argument, "prefix of static files: " + std::string{prefix}});
  }
  while (prefix.ends_with('/')) prefix.remove_suffix(1);
  Result<StaticFiles> files =
      StaticFiles::create(std::string{prefix}, directory.native(), std::move(options));
  if (!files) return std::unexpected(files.error());
  const auto shared = std::make_shared<StaticFiles>(std::move(*files));
  // The server owns the handler, so it exists whenever the handler is called.
  const auto handler = [shared, server = impl_.get()](Request request, Response response) {
    const bool known = shared->answer(request, response, server->now(), server->config.wall_clock);
    if (known) ++server->counted.files_from_memory;
  };
  get(std::string{prefix} + "/*", handler);
  if (!prefix.empty()) get(prefix, handler);
  return {};
}

}  // namespace quoin::inline v0
