// SPDX-License-Identifier: MIT
/// Moves a file over UDP with the least that any QUIC must do: a copy of the data into the packet,
/// AES-128-GCM for each packet on both sides, and system calls with segmentation and receive
/// offload. No header protection, no streams, no recovery worth the name. What it takes is the
/// limit that others are measured against. Not a protocol for users: the key is known.

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <iostream>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <system_error>
#include <unistd.h>
#include <vector>

#include <openssl/aead.h>

namespace {

constexpr std::size_t packet_size = 1350;  // UDP payload, as QUIC packets have it
constexpr std::size_t header_size = sizeof(std::uint64_t);
constexpr std::size_t tag_size = 16;
constexpr std::size_t data_size = packet_size - header_size - tag_size;
constexpr std::size_t train_packets = 65507 / packet_size;
constexpr std::uint64_t window = 1024;  // packets
constexpr std::uint64_t ack_every = window / 4;
constexpr std::uint64_t request_flag = std::uint64_t{1} << 63;  // tells it from an acknowledgement
constexpr int socket_buffer = 8 << 20;
constexpr auto patience = std::chrono::milliseconds{20};

[[noreturn]] void fail(std::string_view what) {
  std::cerr << "quoin-bench-ideal: " << what << ": " << std::generic_category().message(errno)
            << '\n';
  std::exit(EXIT_FAILURE);
}

/// Seals and opens packets in place: number, data, tag.
class Aead {
 public:
  Aead() {
    constexpr std::array<std::uint8_t, 16> key{1, 2, 3};
    if (EVP_AEAD_CTX_init(&context_, EVP_aead_aes_128_gcm(), key.data(), key.size(), tag_size,
                          nullptr) == 0) {
      fail("AES-128-GCM");
    }
  }

  Aead(const Aead&) = delete;
  Aead& operator=(const Aead&) = delete;

  ~Aead() { EVP_AEAD_CTX_cleanup(&context_); }

  /// `packet` has its header and its data, and room for the tag.
  void seal(std::span<std::uint8_t> packet, std::uint64_t number) {
    const auto body = packet.subspan(header_size);
    const auto nonce = nonce_of(number);
    std::size_t length = 0;
    if (EVP_AEAD_CTX_seal(&context_, body.data(), &length, body.size(), nonce.data(), nonce.size(),
                          body.data(), body.size() - tag_size, packet.data(), header_size) == 0) {
      fail("sealing");
    }
  }

  [[nodiscard]] bool open(std::span<std::uint8_t> packet, std::uint64_t number) {
    const auto body = packet.subspan(header_size);
    const auto nonce = nonce_of(number);
    std::size_t length = 0;
    return EVP_AEAD_CTX_open(&context_, body.data(), &length, body.size(), nonce.data(),
                             nonce.size(), body.data(), body.size(), packet.data(),
                             header_size) != 0;
  }

 private:
  static std::array<std::uint8_t, 12> nonce_of(std::uint64_t number) {
    std::array<std::uint8_t, 12> nonce{};
    std::memcpy(nonce.data() + 4, &number, sizeof number);
    return nonce;
  }

  EVP_AEAD_CTX context_;
};

class Socket {
 public:
  Socket() : descriptor_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    if (descriptor_ < 0) fail("socket");
    // More than the system's limit is for root only; the limit will do then.
    for (const int option : {SO_SNDBUFFORCE, SO_RCVBUFFORCE, SO_SNDBUF, SO_RCVBUF}) {
      (void)::setsockopt(descriptor_, SOL_SOCKET, option, &socket_buffer, sizeof socket_buffer);
    }
    const timeval wait{.tv_sec = 0, .tv_usec = std::chrono::microseconds{patience}.count()};
    set(SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait, "SO_RCVTIMEO");
  }

  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  ~Socket() { ::close(descriptor_); }

  void bind(const sockaddr_in& address) {
    if (::bind(descriptor_, generic(address), sizeof address) != 0) fail("bind");
  }

  void connect(const sockaddr_in& address) {
    if (::connect(descriptor_, generic(address), sizeof address) != 0) fail("connect");
  }

  void segment_what_is_sent() {
    const int size = packet_size;
    set(SOL_UDP, UDP_SEGMENT, &size, sizeof size, "UDP_SEGMENT");
  }

  void coalesce_what_arrives() {
    const int on = 1;
    set(SOL_UDP, UDP_GRO, &on, sizeof on, "UDP_GRO");
  }

  void send(std::span<const std::uint8_t> data, const sockaddr_in* to = nullptr) {
    const auto sent =
        ::sendto(descriptor_, data.data(), data.size(), 0, to == nullptr ? nullptr : generic(*to),
                 to == nullptr ? 0 : sizeof *to);
    if (sent < 0 && errno != ECONNREFUSED) fail("send");
  }

  /// A number that the peer sent, with its address; none when none came within `patience`, or is
  /// there if `flags` has MSG_DONTWAIT.
  std::optional<std::uint64_t> receive_number(int flags, sockaddr_in* from = nullptr) {
    std::uint64_t number = 0;
    socklen_t size = sizeof *from;
    const auto got = ::recvfrom(descriptor_, &number, sizeof number, flags,
                                from == nullptr ? nullptr : reinterpret_cast<sockaddr*>(from),
                                from == nullptr ? nullptr : &size);
    return got == sizeof number ? std::optional{number} : std::nullopt;
  }

  /// A train in `buffer` and its packets' size; nothing when none came within `patience`.
  std::size_t receive_train(std::span<std::uint8_t> buffer, std::size_t& segment) {
    iovec place{.iov_base = buffer.data(), .iov_len = buffer.size()};
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(int))> control{};
    msghdr message{};
    message.msg_iov = &place;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const auto got = ::recvmsg(descriptor_, &message, 0);
    if (got <= 0) return 0;
    segment = static_cast<std::size_t>(got);
    for (auto* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
      if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
        int size = 0;
        std::memcpy(&size, CMSG_DATA(c), sizeof size);
        segment = static_cast<std::size_t>(size);
      }
    }
    return static_cast<std::size_t>(got);
  }

 private:
  static const sockaddr* generic(const sockaddr_in& address) {
    return reinterpret_cast<const sockaddr*>(&address);
  }

  void set(int level, int name, const void* value, socklen_t size, std::string_view what) {
    if (::setsockopt(descriptor_, level, name, value, size) != 0) fail(what);
  }

  int descriptor_;
};

std::span<const std::uint8_t> bytes_of(const std::uint64_t& number) {
  return {reinterpret_cast<const std::uint8_t*>(&number), sizeof number};
}

std::uint64_t packets_of(std::uint64_t size) { return (size + data_size - 1) / data_size; }

/// Sends a file to whoever asks for so many bytes of it, one after the other.
class Sender {
 public:
  Sender(const sockaddr_in& address, std::span<const std::uint8_t> data) : data_(data) {
    socket_.bind(address);
    socket_.segment_what_is_sent();
  }

  [[noreturn]] void run() {
    while (true) {
      const std::uint64_t number = socket_.receive_number(0, &peer_).value_or(0);
      const std::uint64_t size = number & ~request_flag;
      if (size != number && size <= data_.size()) send(size);
    }
  }

 private:
  void send(std::uint64_t size) {
    const std::uint64_t count = packets_of(size);
    std::uint64_t acked = 0;
    unsigned silences = 0;
    for (std::uint64_t next = 0; acked < count && silences < 100;) {
      const std::uint64_t end = std::min(count, acked + window);
      while (next < end) {
        const std::uint64_t until = std::min(end, next + train_packets);
        send_train(next, until, size);
        next = until;
      }
      auto ack = socket_.receive_number(0);
      silences = ack ? 0 : silences + 1;
      if (!ack) next = acked;
      for (; ack; ack = socket_.receive_number(MSG_DONTWAIT)) {
        if (*ack <= count) acked = std::max(acked, *ack);
      }
      next = std::max(next, acked);
    }
  }

  void send_train(std::uint64_t from, std::uint64_t to, std::uint64_t size) {
    std::size_t used = 0;
    for (std::uint64_t number = from; number < to; ++number) {
      const std::uint64_t offset = number * data_size;
      const std::size_t length = std::min<std::uint64_t>(data_size, size - offset);
      const auto packet = std::span{train_}.subspan(used, header_size + length + tag_size);
      std::memcpy(packet.data(), &number, header_size);
      std::memcpy(packet.data() + header_size, data_.data() + offset, length);
      aead_.seal(packet, number);
      used += packet.size();
    }
    socket_.send(std::span{train_}.first(used), &peer_);
  }

  std::span<const std::uint8_t> data_;
  Socket socket_;
  sockaddr_in peer_{};
  Aead aead_;
  std::array<std::uint8_t, train_packets * packet_size> train_{};
};

class Receiver {
 public:
  explicit Receiver(const sockaddr_in& server) {
    socket_.connect(server);
    socket_.coalesce_what_arrives();
  }

  /// Returns the exit code.
  int run(std::uint64_t size) {
    const std::uint64_t count = packets_of(size);
    std::uint64_t acked = 0;
    unsigned silences = 0;
    socket_.send(bytes_of(size | request_flag));
    while (expected_ < count) {
      std::size_t segment = 0;
      const std::size_t got = socket_.receive_train(buffer_, segment);
      const bool is_repeated = got != 0 && !take(std::span{buffer_}.first(got), segment);
      silences = got == 0 ? silences + 1 : 0;
      if (silences == 100) fail("the server is silent");
      if (got == 0 && expected_ == 0) {
        socket_.send(bytes_of(size | request_flag));
      } else if (got == 0 || is_repeated || expected_ - acked >= ack_every || expected_ == count) {
        acked = expected_;
        socket_.send(bytes_of(acked));
      }
    }
    return EXIT_SUCCESS;
  }

 private:
  /// Opens the packets that are next in order; false if there was another.
  bool take(std::span<std::uint8_t> train, std::size_t segment) {
    bool is_in_order = true;
    while (train.size() > header_size + tag_size) {
      const auto packet = train.first(std::min(segment, train.size()));
      train = train.subspan(packet.size());
      std::uint64_t number = 0;
      std::memcpy(&number, packet.data(), header_size);
      if (number != expected_) {
        is_in_order = false;
      } else if (aead_.open(packet, number)) {
        ++expected_;
      } else {
        fail("a packet was forged");
      }
    }
    return is_in_order;
  }

  Socket socket_;
  Aead aead_;
  std::uint64_t expected_ = 0;
  std::array<std::uint8_t, 65536> buffer_{};
};

/// In memory beforehand, so that no page fault counts. Stays for as long as the process.
std::span<const std::uint8_t> map_file(const std::string& name) {
  const int file = ::open(name.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat about{};
  if (file < 0 || ::fstat(file, &about) != 0) fail(name);
  const auto size = static_cast<std::size_t>(about.st_size);
  void* const data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, file, 0);
  if (data == MAP_FAILED) fail(name);
  ::close(file);
  return {static_cast<const std::uint8_t*>(data), size};
}

template <typename Number>
bool read_number(std::string_view text, Number& out) {
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, out);
  return parsed.ec == std::errc{} && parsed.ptr == end && out > 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  const bool serves = arguments.size() == 4 && arguments[0] == "--serve";
  sockaddr_in address{};
  address.sin_family = AF_INET;
  std::uint16_t port = 0;
  std::uint64_t size = 0;
  if ((!serves && arguments.size() != 3) || !read_number(arguments[serves ? 2 : 1], port) ||
      ::inet_pton(AF_INET, arguments[serves ? 1 : 0].c_str(), &address.sin_addr) != 1 ||
      (!serves && !read_number(arguments[2], size))) {
    std::cerr << "usage: quoin-bench-ideal --serve ADDRESS PORT FILE | ADDRESS PORT BYTES\n";
    return 2;
  }
  address.sin_port = htons(port);
  if (!serves) return Receiver{address}.run(size);
  Sender{address, map_file(arguments[3])}.run();
}
