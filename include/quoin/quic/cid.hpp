// SPDX-License-Identifier: MIT
/// Connection IDs that tell where a packet belongs (RFC 9000 §5.1): to a thread of this process, or
/// to a machine behind a load balancer. The routing itself is done by the kernel
/// (io::SocketOptions::workers) or the balancer.
#pragma once

#include <quoin/version.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>

namespace quoin::inline v0::quic {

/// Makes the connection IDs that an endpoint issues. One object may serve several endpoints of one
/// thread. Implement it for your own scheme; see Config::connection_ids.
class QUOIN_EXPORT CidGenerator {
 public:
  CidGenerator() = default;
  CidGenerator(const CidGenerator&) = delete;
  CidGenerator& operator=(const CidGenerator&) = delete;
  virtual ~CidGenerator() = default;

  /// The length of all IDs, always the same; 6 to 20 bytes.
  [[nodiscard]] virtual std::size_t size() const noexcept = 0;
  /// Makes an ID in `cid`, which has size() bytes and unpredictable content: overwrite the part
  /// with a meaning and leave the rest, so that nobody can guess an ID or link two of them (RFC
  /// 9000 §5.1). IDs must not repeat.
  virtual void generate(std::span<std::byte> cid) noexcept = 0;
};

/// IDs for worker number `worker` of `workers`: 12 bytes, of which the first one modulo `workers`
/// is the number and everything else is random. What io::SocketOptions::workers steers by; first
/// packets of new clients are spread over the workers by the same rule. `workers` is 1 to 128,
/// `worker` below it; else UsageError::invalid_argument.
[[nodiscard]] QUOIN_EXPORT Result<std::shared_ptr<CidGenerator>> worker_cids(unsigned worker,
                                                                             unsigned workers);

/// How machines behind a load balancer mark their IDs, after draft-ietf-quic-load-balancers-21:
/// one octet with the configuration and the length, the machine's ID, and a nonce.
struct RoutableCids {
  /// The number of the configuration by which the balancer reads the ID; 0 to 6.
  unsigned config_rotation = 0;
  /// The machine's ID for the balancer; 1 to 15 bytes, the same length on all machines.
  std::string server_id{};
  /// 4 to 18 bytes; with `server_id` at most 19. Less than 8 lets others guess IDs in use.
  std::size_t nonce_size = 8;
  /// 16 bytes shared with the balancer: the machine's ID is encrypted with AES-128, so that nobody
  /// else sees which connections go to the same machine. Empty: it is not encrypted.
  std::string key{};
};

/// Makes Makes IDs that a balancer can route. Errors: UsageError::invalid_argument with the
/// member's name.
[[nodiscard]] QUOIN_EXPORT Result<std::shared_ptr<CidGenerator>> routable_cids(
    const RoutableCids& settings);

/// Reads the machine's ID from `cid`, as a balancer does; none if the ID was not made with these
/// settings. Only the length of `server_id` matters here.
[[nodiscard]] QUOIN_EXPORT std::optional<std::string> server_id_of(Bytes cid,
                                                                   const RoutableCids& settings);

}  // namespace quoin::inline v0::quic
