// SPDX-License-Identifier: MIT
/// One UDP socket with offloads, ECN, true addresses and its error queue. It does not wait: its
/// owner watches the descriptor.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <memory>
#include <netinet/in.h>
#include <span>
#include <sys/socket.h>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/socket_options.hpp>

#include "io/udp/socket_address.hpp"
#include "io/udp/socket_calls.hpp"

namespace quoin::inline v0::io {

/// The kernel's limits for one train (UDP_MAX_SEGMENTS and the largest IPv4 payload).
inline constexpr std::size_t max_train_segments = 64;
inline constexpr std::size_t max_train_bytes = 65507;

/// The most bytes of control messages that come with a datagram.
inline constexpr std::size_t max_receive_control = 192;

/// What a received message (its name and control data) tells about `payload`, received on the
/// socket bound to `bound`.
[[nodiscard]] Datagram to_datagram(const msghdr& header, Bytes payload, const Address& bound);

/// Room for what one system call receives; shared by the sockets of a backend.
class ReceiveBatch {
 public:
  static constexpr std::size_t max_messages = 16;
  static constexpr std::size_t max_message = 65536;  // a whole train of receive offload

  ReceiveBatch();
  ReceiveBatch(const ReceiveBatch&) = delete;
  ReceiveBatch& operator=(const ReceiveBatch&) = delete;
  ~ReceiveBatch() = default;

  /// Prepares the headers for the next call and returns them.
  [[nodiscard]] std::span<mmsghdr> prepare() noexcept;
  /// Reads the first `count` messages, which came to the socket bound to `bound`.
  void parse(std::size_t count, const Address& bound);

  void clear() noexcept { datagrams_.clear(); }

  /// Without the empty ones. The views are valid until prepare().
  [[nodiscard]] std::span<const Datagram> datagrams() const noexcept { return datagrams_; }

 private:
  struct Envelope {
    alignas(cmsghdr) std::array<std::byte, max_receive_control> control;
    SocketAddress remote;
    iovec data;
  };

  std::vector<std::byte> bytes_;
  std::array<Envelope, max_messages> envelopes_{};
  std::array<mmsghdr, max_messages> messages_{};
  std::vector<Datagram> datagrams_;
};

/// Room for the headers of what one system call sends; shared like ReceiveBatch.
class SendBatch {
 public:
  static constexpr std::size_t max_messages = 32;

  /// How to send a piece of a datagram.
  struct Piece {
    const Datagram* datagram;
    std::size_t offset;  // into the payload
    std::size_t size;
    bool is_train;      // needs UDP_SEGMENT
    bool marks_ecn;     // needs IP_TOS or IPV6_TCLASS
    bool names_source;  // needs IP_PKTINFO or IPV6_PKTINFO
  };

  void clear() noexcept { count_ = 0; }

  [[nodiscard]] bool is_full() const noexcept { return count_ == max_messages; }

  /// Adds a message for a socket of `family`.
  void add(const Piece& piece, int family) noexcept;

  [[nodiscard]] std::span<mmsghdr> messages() noexcept { return {messages_.data(), count_}; }

  [[nodiscard]] std::span<const Piece> pieces() const noexcept { return {pieces_.data(), count_}; }

 private:
  struct Envelope {
    alignas(cmsghdr) std::array<std::byte, 128> control;
    SocketAddress remote;
    iovec data;
  };

  std::array<Envelope, max_messages> envelopes_{};
  std::array<mmsghdr, max_messages> messages_{};
  std::array<Piece, max_messages> pieces_{};
  std::size_t count_ = 0;
};

/// The socket. Features that the kernel or the device turns out to lack are turned off permanently.
class UdpSocket {
 public:
  /// What works at present.
  struct Features {
    bool segmentation_offload = false;
    bool receive_offload = false;
    bool ecn = false;
    bool dont_fragment = false;

    friend bool operator==(const Features&, const Features&) = default;
  };

  /// Opens and binds. `ipv6_only` keeps [::] from taking IPv4. Errors: system, with the address.
  [[nodiscard]] static Result<std::unique_ptr<UdpSocket>> open(const Address& local, bool ipv6_only,
                                                               const SocketOptions& options,
                                                               SocketCalls& calls);
  /// Continues a socket that another process opened; takes the descriptor. Errors: system.
  [[nodiscard]] static Result<std::unique_ptr<UdpSocket>> adopt(int fd,
                                                                const SocketOptions& options,
                                                                SocketCalls& calls);
  UdpSocket(const UdpSocket&) = delete;
  UdpSocket& operator=(const UdpSocket&) = delete;
  ~UdpSocket();

  [[nodiscard]] int descriptor() const noexcept { return fd_; }

  [[nodiscard]] const Address& local() const noexcept { return local_; }

  [[nodiscard]] const Features& features() const noexcept { return features_; }

  /// One system call's worth into `batch`; false if there is (probably) no more.
  [[nodiscard]] bool receive(ReceiveBatch& batch);

  /// Sends from the front of `batch` and returns how many were taken.
  [[nodiscard]] std::size_t send(std::span<const Datagram> batch, SendBatch& scratch);
  /// The kernel has room again: sends the rest of a train.
  void handle_writable(SendBatch& scratch);

  /// The kernel refused to take more; nothing can be sent before handle_writable().
  [[nodiscard]] bool is_blocked() const noexcept { return is_blocked_; }

  /// The error queue has something (or sending did).
  void handle_error() noexcept { has_errors_ = true; }

  [[nodiscard]] bool has_errors() const noexcept { return has_errors_; }

  /// Appends what went wrong since the last call.
  void take_errors(std::vector<PathError>& out);

  /// Datagrams that could not be sent and count as lost on the way.
  [[nodiscard]] std::uint64_t lost() const noexcept { return lost_; }

  /// The size in bytes that the kernel gave to SO_RCVBUF or SO_SNDBUF.
  [[nodiscard]] int buffer_size(int option) const noexcept;

  bool is_readable = false;          ///< for the owner: there may be something to receive
  bool is_watched_writable = false;  ///< for the owner: registered for writability
  bool is_send_only = false;         ///< for the owner: another process receives
  bool is_failing = false;           ///< for the owner: in its list of those with errors
  Features known_features;           ///< for the owner: what it has accounted for

 private:
  /// A place in a batch.
  struct Cursor {
    std::size_t index = 0;
    std::size_t offset = 0;
  };

  /// What is being tried to get the current piece through.
  struct Trial {
    bool without_offload = false;
    bool without_ecn = false;
    bool once_more = false;
  };

  UdpSocket(int fd, SocketCalls& calls) noexcept : fd_(fd), calls_(calls) {}

  [[nodiscard]] bool set(int level, int name, int value) noexcept;
  [[nodiscard]] bool steer(unsigned workers) noexcept;
  void configure(const SocketOptions& options) noexcept;
  void configure_buffer(int option, int forced_option, std::size_t size) noexcept;
  [[nodiscard]] SendBatch::Piece piece_at(std::span<const Datagram> batch,
                                          Cursor at) const noexcept;
  void prepare(std::span<const Datagram> batch, Cursor at, SendBatch& scratch) const noexcept;
  [[nodiscard]] Cursor send_from(std::span<const Datagram> batch, Cursor at, SendBatch& scratch);
  [[nodiscard]] Cursor handle_failure(int failure, const SendBatch::Piece& piece, Cursor at);
  [[nodiscard]] bool try_differently(int failure, const SendBatch::Piece& piece);
  [[nodiscard]] bool try_once_more();
  void hold(const Datagram& datagram, std::size_t offset);
  bool drain_error_queue();
  void report(const Path& path, int failure);

  int fd_;
  SocketCalls& calls_;
  int family_ = 0;
  Address local_;
  Features features_;
  bool is_blocked_ = false;
  bool has_errors_ = false;
  Trial trial_;
  Datagram held_;                      // the rest of a train; its payload is in held_bytes_
  std::vector<std::byte> held_bytes_;  // empty: nothing is held
  std::size_t held_offset_ = 0;        // of the bytes already sent
  std::vector<PathError> errors_;
  std::uint64_t lost_ = 0;
};

}  // namespace quoin::inline v0::io
