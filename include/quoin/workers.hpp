// SPDX-License-Identifier: MIT
/// The same server on several threads, for machines with more cores than one loop can use. Not a
/// thread pool: each connection belongs to one thread from its first packet to its last.
#pragma once

#include <quoin/version.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/error.hpp>
#include <quoin/export.hpp>
#include <quoin/file_path.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/socket_options.hpp>
#include <quoin/loop.hpp>
#include <quoin/server.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>

namespace quoin::inline v0 {

/// Several Servers, each with a Loop and a thread of its own, on the same addresses. The kernel
/// gives each datagram to the thread whose number is in its connection ID, so a client that moves
/// to another address stays with its thread, and no thread waits for another to handle a packet.
/// Linux only. count(), stats(), set_tls(), set_token_secrets() and shutdown() may be called at any
/// time by any thread, by several at once, and by handlers; the others by one thread at a time, but
/// not by a worker's.
class QUOIN_EXPORT Workers {
 public:
  /// One worker. Once started, only its own thread may use it.
  struct Worker {
    Loop& loop;           ///< for timers; its stop() does nothing
    Server& server;       ///< for routes and callbacks
    unsigned number = 0;  ///< below count()
  };

  /// Gives a worker its routes and callbacks. start() calls it for one worker after the other; the
  /// handlers it sets run on the worker's thread. What handlers of several workers share must be
  /// thread-safe; what is made for each worker needs no lock.
  using Prepare = std::function<void(const Worker& worker)>;

  /// Makes a worker's backend, for sockets with these options, for example io::epoll_backend() or
  /// io::uring_backend().
  using MakeBackend = std::function<std::unique_ptr<io::Backend>(const io::SocketOptions& options)>;

  /// `count` is 1 to 128; 0: as many as the machine has cores. Workers share the settings; limits
  /// such as Config::max_connections apply to each worker. `config.quic.secret`, if empty, becomes
  /// a random one for all of them, so that tokens and tickets of one are valid for all. Wrong
  /// settings are reported by listen(). `backends`: none means epoll.
  Workers(unsigned count, Tls tls, ServerConfig config, Prepare prepare, MakeBackend backends = {});
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  /// shutdown() without waiting for requests, and join().
  ~Workers();

  /// The number of workers.
  [[nodiscard]] unsigned count() const noexcept;
  /// Opens an address, as Server::listen(), for all workers; only before start(). Errors: those of
  /// Server::listen(); UsageError::invalid_argument for `count` and for
  /// `config.quic.connection_ids`, which is each worker's own; UsageError::closed after start().
  [[nodiscard]] Result<Address> listen(std::string_view address);
  /// Hot restart, instead of listen(): takes the sockets of the process that offers them at `path`,
  /// with as many workers as it has, whatever the constructor was given, and with its secret unless
  /// `config.quic.secret` is set. Returns the addresses. After start() this process gets all new
  /// connections, and the other one keeps its own until they are over. Errors: system, ENOENT or
  /// ECONNREFUSED when no process offers sockets there, EPROTO when it runs another version of
  /// quoin; those of listen(). The other process goes on unchanged until start().
  [[nodiscard]] Result<std::vector<Address>> take_over(const FilePath& path);
  /// Offers the sockets to a later process of the same user, which connects to the Unix socket made
  /// at `path`; only after start(). Once it has taken over, and no worker here takes new
  /// connections any more, `taken` is called once, on a thread of the library; it should call
  /// shutdown(), with the time that connections may still have. Errors: system, EADDRINUSE when
  /// another process offers its sockets at `path`, unless they were taken over from it;
  /// UsageError::closed before start() or after the sockets were taken.
  [[nodiscard]] Result<> offer(const FilePath& path, std::move_only_function<void()> taken);
  /// Starts the threads. Throws std::system_error when the system cannot create them; later calls
  /// do nothing.
  void start();
  /// No new requests; those in progress may finish within `limit`. Returns at once. Thread-safe;
  /// may be called again with a shorter limit.
  void shutdown(Duration limit);
  /// Returns when all threads have ended after shutdown(), at most a little after its limit. Must
  /// not be called by a handler (it would return at once).
  void join();

  /// New connections get this certificate, as by Server::set_tls(); also before listen(). Waits
  /// until all workers have it, each after its present turn. On a worker's thread it does not wait,
  /// and each has it after its present turn. Errors: UsageError::invalid_argument for a client's
  /// Tls; no worker changes then.
  [[nodiscard]] Result<> set_tls(const Tls& tls);
  /// All workers sign tokens with the first of these keys from now on, as by
  /// Server::set_token_secrets(); when it happens, and whether it waits, is as for set_tls(). If
  /// several threads call it, the same call is the last one for all workers. Errors: those of
  /// quic::Endpoint::set_token_secrets(); no worker changes then.
  [[nodiscard]] Result<> set_token_secrets(const std::vector<std::string>& secrets);
  /// The sums over all workers; zeros before start(). Never waits for a worker: each publishes its
  /// figures when its handlers have run, before it sends, and again at the end of its turn. So
  /// every answer a client has received is counted; only what a worker has done since is missing:
  /// part of a turn, less than a millisecond unless a handler takes longer. For the worker on whose
  /// thread this is called the figures are current.
  [[nodiscard]] ServerStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quoin::inline v0
