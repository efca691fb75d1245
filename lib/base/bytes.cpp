// SPDX-License-Identifier: MIT
/// Bytes that own themselves: how each kind of owner is kept.
#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <fcntl.h>
#include <memory>
#include <string>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>

namespace quoin::inline v0 {

namespace {

std::unexpected<Error> system_error(int code, std::string_view detail) {
  return std::unexpected(Error{Error::Domain::system, static_cast<std::uint64_t>(code), detail});
}

/// Closes the descriptor when it goes out of scope; a mapping does not need it.
struct Descriptor {
  explicit Descriptor(int descriptor) noexcept : number(descriptor) {}

  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  ~Descriptor() {
    if (number >= 0) ::close(number);
  }

  int number;
};

}  // namespace

SharedBytes::SharedBytes(std::string text) {
  auto owner = std::make_shared<const std::string>(std::move(text));
  view_ = as_bytes(*owner);
  owner_ = std::move(owner);
}

SharedBytes::SharedBytes(std::vector<std::byte> data) {
  auto owner = std::make_shared<const std::vector<std::byte>>(std::move(data));
  view_ = *owner;
  owner_ = std::move(owner);
}

SharedBytes::SharedBytes(std::shared_ptr<const void> owner, Bytes view)
    : owner_(std::move(owner)), view_(view) {}

Result<SharedBytes> SharedBytes::map_file(const FilePath& file) {
  // Non-blocking, so that a FIFO without a writer is refused below instead of blocking.
  const Descriptor descriptor{::open(file.native().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (descriptor.number < 0) return system_error(errno, file.native());
  struct stat status{};

  if (::fstat(descriptor.number, &status) != 0) return system_error(errno, file.native());
  if (S_ISDIR(status.st_mode)) return system_error(EISDIR, file.native());
  if (!S_ISREG(status.st_mode)) {
    return system_error(EINVAL, file.native() + " is not a regular file");
  }
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size == 0) return SharedBytes{};  // mmap refuses to map zero bytes
  void* start = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, descriptor.number, 0);
  if (start == MAP_FAILED) return system_error(errno, file.native());
  std::shared_ptr<const void> owner{
      start, [size](const void* mapped) { ::munmap(const_cast<void*>(mapped), size); }};
  return SharedBytes{std::move(owner), {static_cast<const std::byte*>(start), size}};
}

SharedBytes SharedBytes::part(std::size_t offset, std::size_t size) const {
  const std::size_t begin = std::min(offset, view_.size());
  return {owner_, view_.subspan(begin, std::min(size, view_.size() - begin))};
}

}  // namespace quoin::inline v0
