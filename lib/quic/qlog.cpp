// SPDX-License-Identifier: MIT
/// Writing qlog files.

#include "quic/qlog.hpp"

#include <string>

namespace quoin::inline v0::quic {

bool QlogFile::open(const std::filesystem::path& directory, std::string_view name) {
  const std::filesystem::path file = directory / (std::string{name} + ".sqlog");
  file_.reset(std::fopen(file.c_str(), "wbe"));
  return is_open();
}

void QlogFile::write(const void* data, std::size_t size, bool last) noexcept {
  if (!is_open()) return;
  if (std::fwrite(data, 1, size, file_.get()) != size || last) {
    file_.reset();
  }
}

}  // namespace quoin::inline v0::quic
