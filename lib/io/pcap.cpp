// SPDX-License-Identifier: MIT
/// The capture file: pcap's two headers, and the IP and UDP headers that the datagrams had.

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <fstream>
#include <ios>
#include <string>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/pcap.hpp>
#include <quoin/time.hpp>

namespace quoin::inline v0::io {

namespace {

constexpr std::size_t udp_header = 8;
constexpr std::size_t ipv4_header = 20;
constexpr std::uint8_t protocol_udp = 17;
constexpr std::uint8_t hop_limit = 64;
constexpr std::uint32_t snap_length = 65535 + 40 + udp_header;

/// Numbers in network order, one after the other.
class Packer {
 public:
  Packer& u8(std::uint8_t value) {
    bytes_.push_back(static_cast<std::byte>(value));
    return *this;
  }

  Packer& u16(std::uint16_t value) {
    return u8(static_cast<std::uint8_t>(value >> 8U)).u8(static_cast<std::uint8_t>(value));
  }

  Packer& u32(std::uint32_t value) {
    return u16(static_cast<std::uint16_t>(value >> 16U)).u16(static_cast<std::uint16_t>(value));
  }

  Packer& data(Bytes data) {
    bytes_.insert(bytes_.end(), data.begin(), data.end());
    return *this;
  }

  void set_u16(std::size_t place, std::uint16_t value) {
    bytes_[place] = static_cast<std::byte>(value >> 8U);
    bytes_[place + 1] = static_cast<std::byte>(value);
  }

  [[nodiscard]] const std::vector<std::byte>& bytes() const noexcept { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

/// The Internet checksum (RFC 1071).
std::uint16_t checksum(Bytes data) noexcept {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    sum += std::to_integer<std::uint64_t>(data[i]) << (i % 2 == 0 ? 8U : 0U);
  }
  while (sum > 0xffff) {
    sum = (sum & 0xffffU) + (sum >> 16U);
  }
  return static_cast<std::uint16_t>(~sum);
}

/// Never 0, which would mean no checksum (RFC 768, RFC 8200 §8.1).
std::uint16_t udp_checksum(const Path& path, Bytes udp) {
  Packer covered;
  covered.data(path.local.ip()).data(path.remote.ip());
  covered.u32(protocol_udp).u32(static_cast<std::uint32_t>(udp.size())).data(udp);
  const std::uint16_t sum = checksum(covered.bytes());
  return sum == 0 ? 0xffff : sum;
}

Packer ip_packet(const Path& path, Ecn ecn, Bytes payload) {
  Packer udp;
  udp.u16(path.local.port()).u16(path.remote.port());
  udp.u16(static_cast<std::uint16_t>(udp_header + payload.size())).u16(0).data(payload);
  udp.set_u16(6, udp_checksum(path, udp.bytes()));

  Packer ip;
  const auto mark = static_cast<std::uint8_t>(ecn);
  const auto size = static_cast<std::uint16_t>(udp.bytes().size());
  if (path.local.is_ipv4()) {
    constexpr std::uint16_t do_not_fragment = 0x4000;
    ip.u8(0x45).u8(mark).u16(static_cast<std::uint16_t>(ipv4_header + size)).u16(0);
    ip.u16(do_not_fragment).u8(hop_limit).u8(protocol_udp).u16(0);
    ip.data(path.local.ip()).data(path.remote.ip());
    ip.set_u16(10, checksum(ip.bytes()));
  } else {
    ip.u32(0x60000000U | (std::uint32_t{mark} << 20U)).u16(size).u8(protocol_udp).u8(hop_limit);
    ip.data(path.local.ip()).data(path.remote.ip());
  }
  return std::move(ip.data(udp.bytes()));
}

void append(std::ofstream& file, const Packer& what) {
  file.write(reinterpret_cast<const char*>(what.bytes().data()),
             static_cast<std::streamsize>(what.bytes().size()));
}

std::unexpected<Error> failure(const std::string& name) {
  return std::unexpected(Error{Error::Domain::system,
                               static_cast<std::uint64_t>(errno == 0 ? EIO : errno),
                               "cannot write the capture " + name});
}

}  // namespace

struct PcapWriter::Impl {
  std::string name;
  std::ofstream file;
};

PcapWriter::PcapWriter(std::unique_ptr<Impl> impl) noexcept : impl_(std::move(impl)) {}

PcapWriter::PcapWriter(PcapWriter&&) noexcept = default;
PcapWriter& PcapWriter::operator=(PcapWriter&&) noexcept = default;
PcapWriter::~PcapWriter() = default;

Result<PcapWriter> PcapWriter::create(const FilePath& file) {
  constexpr std::uint32_t nanosecond_magic = 0xa1b23c4d;
  constexpr std::uint32_t link_type_raw = 101;
  errno = 0;
  std::ofstream stream{file.native(), std::ios::binary | std::ios::trunc};
  if (!stream) return failure(file.native());
  Packer header;
  header.u32(nanosecond_magic).u16(2).u16(4).u32(0).u32(0).u32(snap_length).u32(link_type_raw);
  append(stream, header);
  return PcapWriter{std::make_unique<Impl>(file.native(), std::move(stream))};
}

void PcapWriter::write(Time time, const Datagram& datagram) {
  const Path& path = datagram.path;
  if (!impl_ || path.local.is_none() || path.local.is_ipv4() != path.remote.is_ipv4()) return;
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  Bytes rest = datagram.payload;
  const std::size_t segment = datagram.segment_size == 0 ? rest.size() : datagram.segment_size;
  do {
    const Bytes payload = rest.first(std::min(segment, rest.size()));
    rest = rest.subspan(payload.size());
    const Packer packet = ip_packet(path, datagram.ecn, payload);
    const auto size = static_cast<std::uint32_t>(packet.bytes().size());
    Packer record;
    record.u32(static_cast<std::uint32_t>(seconds.count()));
    record.u32(static_cast<std::uint32_t>((since - seconds).count())).u32(size).u32(size);
    append(impl_->file, record.data(packet.bytes()));
  } while (!rest.empty());
}

Result<> PcapWriter::close() {
  if (!impl_) return std::unexpected(Error{UsageError::closed, "the capture was moved away"});
  errno = 0;
  const bool was_good = impl_->file.good();
  impl_->file.close();
  if (!was_good || impl_->file.fail()) return failure(impl_->name);
  return {};
}

}  // namespace quoin::inline v0::io
