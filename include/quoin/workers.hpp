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
/// gives datagrams to the thread whose number is in their connection ID, so a client that moves
/// to another address stays with its thread, and no thread waits for another on a packet's way.
/// Linux only. count(), stats(), set_tls(), set_token_secrets() and shutdown() may be called at any
/// time by any thread, by several at once, and by handlers; the others by one thread at a time,
/// which is none of the workers'.
class QUOIN_EXPORT Workers {
 public:
  /// One of them. Once started, only its own thread may use it.
  struct Worker {
    Loop& loop;           ///< for timers; its stop() does nothing
    Server& server;       ///< for routes and callbacks
    unsigned number = 0;  ///< below count()
  };

  /// Gives a worker its routes and callbacks. Called by start() for one after the other; what it
  /// sets is called on the worker's thread. What handlers of several workers share must be safe to
  /// share; what is made for each worker needs no lock.
  using Prepare = std::function<void(const Worker& worker)>;

  /// Makes a worker's backend, for sockets with these options; io::epoll_backend() or
  /// io::uring_backend(), say.
  using MakeBackend = std::function<std::unique_ptr<io::Backend>(const io::SocketOptions& options)>;

  /// `count` is 1 to 128; 0: as many as the machine has cores. Workers share the settings; each
  /// applies limits (Config::max_connections, say) by itself. `config.quic.secret`, if empty,
  /// becomes a random one for all of them, so that tokens and tickets of one are good for all.
  /// What is wrong with the settings is said by listen(). `backends`: none means epoll.
  Workers(unsigned count, Tls tls, ServerConfig config, Prepare prepare, MakeBackend backends = {});
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  /// shutdown() without waiting for requests, and join().
  ~Workers();

  /// How many there are.
  [[nodiscard]] unsigned count() const noexcept;
  /// Opens an address, as Server::listen(), for all workers; only before start(). Errors: those of
  /// Server::listen(); UsageError::invalid_argument for `count` and for
  /// `config.quic.connection_ids`, which is each worker's own; UsageError::closed after start().
  [[nodiscard]] Result<Address> listen(std::string_view address);
  /// Hot restart, instead of listen(): takes the sockets of the process that offers them at `path`,
  /// with as many workers as it has, whatever the constructor was told, and with its secret unless
  /// `config.quic.secret` is set. Returns the addresses. When start() was called this process gets
  /// all new connections, and that one keeps those it has until they are over. Errors: system,
  /// ENOENT or ECONNREFUSED when nobody offers sockets there, EPROTO when it is another version
  /// of quoin; those of listen(). The other process goes on as before until start().
  [[nodiscard]] Result<std::vector<Address>> take_over(const FilePath& path);
  /// Offers the sockets to a later process of the same user, which connects to the Unix socket that
  /// is made at `path`; only after start(). When that has taken over, and no worker here takes new
  /// connections any more, `taken` is called once, on a thread of the library; it should call
  /// shutdown(), with the time that connections may go on. Errors: system, EADDRINUSE when another
  /// process offers its sockets at `path`, unless they were taken over from there;
  /// UsageError::closed before start() or after the sockets were taken.
  [[nodiscard]] Result<> offer(const FilePath& path, std::move_only_function<void()> taken);
  /// Starts the threads. Throws std::system_error when the system has no more of them; later calls
  /// do nothing.
  void start();
  /// No new requests; those in progress may finish within `limit`. Returns at once. Thread-safe;
  /// may be called again with a shorter limit.
  void shutdown(Duration limit);
  /// Returns when all threads have ended after shutdown(), a little after its limit at the latest.
  /// Must not be called by a handler (it returns at once then).
  void join();

  /// New connections get this certificate, as by Server::set_tls(); also before listen(). Waits
  /// until all workers have it, each after its present turn. On a worker's thread it does not wait,
  /// and each has it after its present turn. Errors: UsageError::invalid_argument for a client's
  /// Tls, and no worker changes anything.
  [[nodiscard]] Result<> set_tls(const Tls& tls);
  /// All workers sign tokens with the first of these keys from now on, as by
  /// Server::set_token_secrets(); when that is, and what is waited for, as for set_tls(). Of calls
  /// by several threads the same one is the last for all workers. Errors: those of
  /// quic::Endpoint::set_token_secrets(), and no worker changes anything.
  [[nodiscard]] Result<> set_token_secrets(const std::vector<std::string>& secrets);
  /// The sums over all workers; zeros before start(). Never waits for a worker: each writes its
  /// figures down when its handlers have run, before it sends, and again at the end of its turn. So
  /// what a client has been answered is counted, and what a worker has done since is missing: the
  /// part of a turn, less than a millisecond unless a handler takes longer. The figures of the
  /// worker on whose thread this is called are those of now.
  [[nodiscard]] ServerStats stats() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace quoin::inline v0
