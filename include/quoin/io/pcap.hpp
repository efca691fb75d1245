// SPDX-License-Identifier: MIT
/// Datagrams in a capture file that Wireshark and tcpdump open. Not a way to capture from a real
/// interface: it writes what it is given, by a tap of the simulated network for example.
#pragma once

#include <quoin/version.hpp>

#include <memory>

#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/file_path.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0::io {

/// A capture file: pcap with nanoseconds, IP packets without a link layer. To see inside the
/// packets, give Wireshark the secrets too (Tls::set_key_log()).
class QUOIN_EXPORT PcapWriter {
 public:
  /// Makes the file, or empties it. Errors: system, with its name.
  [[nodiscard]] static Result<PcapWriter> create(const FilePath& file);
  /// Moves the file; the other object writes nothing from then on.
  PcapWriter(PcapWriter&&) noexcept;
  /// Closes its own file.
  PcapWriter& operator=(PcapWriter&&) noexcept;
  /// Closes the file.
  ~PcapWriter();

  /// Appends a datagram, or each of a train, as a packet from `path.local` to `path.remote`. Both
  /// must be addresses of one family; others are not written. `time` counts from 1970 in the
  /// capture.
  void write(Time time, const Datagram& datagram);
  /// Writes everything to the file and closes it; later datagrams are lost. Errors: system, with
  /// the file's name, if anything could not be written; UsageError::closed if it was moved from.
  /// The destructor closes too, but does not report errors.
  [[nodiscard]] Result<> close();

 private:
  struct Impl;
  explicit PcapWriter(std::unique_ptr<Impl> impl) noexcept;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quoin::inline v0::io
