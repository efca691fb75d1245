// SPDX-License-Identifier: MIT
/// Where a body goes: a file that appears only when it is complete, or a stream such as standard
/// output. Not a general file class.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

#include <quoin/bytes.hpp>

#include "common/failure.hpp"
#include "common/unique_fd.hpp"

namespace quoin::tools {

/// One output. A file is written under a temporary name in its own folder and renamed by
/// commit(); without commit() the destructor removes it, so what has the final name is whole.
class Output {
 public:
  /// Standard output. Never blocks: write() takes what a pipe or terminal has room for.
  [[nodiscard]] static Output standard_output();
  /// A file; links are followed. What exists and is no regular file (a device, a named pipe) is
  /// written to directly.
  [[nodiscard]] static Expected<Output> to_file(const std::filesystem::path& target);

  Output(Output&& other) noexcept;
  Output& operator=(Output&&) = delete;
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output();

  /// Takes bytes and says how many; fewer than all: the reader behind a pipe is slow, offer the
  /// rest again a little later.
  [[nodiscard]] Expected<std::size_t> write(Bytes data);
  /// Takes all of `data`, waiting for a slow reader if need be. For headers, which are short.
  [[nodiscard]] Expected<> write_waiting(Bytes data);
  /// Writes what is still held back and gives the file its name.
  [[nodiscard]] Expected<> commit();

  /// The name for messages.
  [[nodiscard]] const std::string& name() const noexcept { return name_; }

 private:
  Output(UniqueFd file, std::string name);

  [[nodiscard]] Expected<std::size_t> write_paced(Bytes data);
  [[nodiscard]] Expected<> write_all(Bytes data);
  [[nodiscard]] std::unexpected<Failure> failure(int error) const;
  void discard() noexcept;

  UniqueFd file_;
  std::string name_;
  std::filesystem::path temporary_;  ///< empty: written to directly
  std::filesystem::path target_;
  std::vector<std::byte> buffer_;  ///< many small chunks become one system call
  bool paced_ = false;             ///< a write could block
};

/// Removes the temporary files of all outputs that are not complete. For an end that runs no
/// destructors; safe on any thread, not in a signal handler.
void remove_unfinished_outputs() noexcept;

}  // namespace quoin::tools
