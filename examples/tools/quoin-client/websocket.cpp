// SPDX-License-Identifier: MIT
/// See websocket.hpp.
#include "quoin-client/websocket.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <poll.h>
#include <semaphore>
#include <string>
#include <string_view>
#include <sys/eventfd.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

#include <quoin/alt_svc.hpp>
#include <quoin/client.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/time.hpp>
#include <quoin/tls.hpp>
#include <quoin/websocket.hpp>

#include "common/failure.hpp"
#include "common/signals.hpp"
#include "common/text.hpp"
#include "common/unique_fd.hpp"
#include "quoin-client/alt_svc_file.hpp"
#include "quoin-client/exit_code.hpp"
#include "quoin-client/options.hpp"
#include "quoin-client/plan.hpp"
#include "quoin-client/report.hpp"

namespace quoin::tools {

namespace {

/// Reads standard input on a thread of its own, a line at a time: the next when the last was taken.
class LineReader {
 public:
  /// Called on the reader's thread with a line, or with none at the end.
  using Handler = std::move_only_function<void(const std::string* line)>;

  explicit LineReader(Handler handler)
      : handler_(std::move(handler)),
        end_(::eventfd(0, EFD_CLOEXEC)),
        thread_([this] { read(); }) {}

  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  ~LineReader() {
    ending_ = true;
    const std::uint64_t one = 1;
    (void)!::write(end_.value(), &one, sizeof one);
    taken_.release();
    thread_.join();
  }

  /// The line was taken.
  void go_on() { taken_.release(); }

 private:
  void read() {
    std::array<pollfd, 2> wanted{pollfd{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0},
                                 pollfd{.fd = end_.value(), .events = POLLIN, .revents = 0}};
    std::array<char, 65536> buffer{};
    while (!ending_) {
      if (::poll(wanted.data(), wanted.size(), -1) < 0) continue;  // EINTR
      if (wanted[1].revents != 0) return;
      const ssize_t size = ::read(STDIN_FILENO, buffer.data(), buffer.size());
      if (size < 0 && errno == EINTR) continue;
      if (size > 0) pending_.append(buffer.data(), static_cast<std::size_t>(size));
      if (size <= 0 && !pending_.empty()) pending_ += '\n';  // a last line without an end
      hand_out();
      if (size <= 0) return handler_(nullptr);
    }
  }

  void hand_out() {
    for (std::size_t end = pending_.find('\n'); end != std::string::npos && !ending_;
         end = pending_.find('\n')) {
      const std::string line = pending_.substr(0, end);
      pending_.erase(0, end + 1);
      handler_(&line);
      taken_.acquire();
    }
  }

  Handler handler_;
  UniqueFd end_;
  std::string pending_;
  std::counting_semaphore<> taken_{0};
  std::atomic<bool> ending_ = false;
  std::thread thread_;
};

/// The WebSocket, on the loop's thread.
class Terminal {
 public:
  Terminal(Loop& loop, const ClientOptions& options, const PlannedTransfer& plan)
      : loop_(loop), options_(options), plan_(plan) {}

  void begin(Client& client) {
    WebSocketRequest request;
    request.url = plan_.url.to_string();
    request.headers = plan_.headers;
    request.options.subprotocols = options_.subprotocols;
    begun_ = loop_.now();
    open_websocket(loop_, client, std::move(request), [this](Result<WebSocket> opened) {
      if (!opened) return fail(opened.error());
      use(*opened);
    });
  }

  void close() {
    if (!socket_.close()) loop_.stop();
  }

  [[nodiscard]] int exit_code() const noexcept { return exit_code_; }

  /// Standard input, once there is a WebSocket.
  std::optional<LineReader> input;

 private:
  void use(WebSocket opened) {
    socket_ = opened;
    if (options_.verbose) {
      std::fprintf(stderr, "* open%s%s\n", socket_.subprotocol().empty() ? "" : ", speaks ",
                   without_controls(socket_.subprotocol()).c_str());
    }
    socket_.on_message([this](const WebSocketMessage& message) { show(message); });
    socket_.on_writable([this] { send_line(); });
    socket_.on_closed([this](const WebSocketEnd& end) { finish(end); });
    input.emplace([this](const std::string* line) {
      loop_.post([this, text = line == nullptr ? std::optional<std::string>{} : *line] {
        if (!text) return close();
        line_ = *text;
        send_line();
      });
    });
  }

  void send_line() {
    if (!line_) return;
    const Result<> sent = socket_.send_text(*line_);
    if (!sent && sent.error() == Error{UsageError::limit_reached}) return;  // until writable
    if (!sent && sent.error() == Error{UsageError::invalid_argument}) {
      std::fputs("quoin-client: a line that is not UTF-8 was not sent\n", stderr);
    }
    line_.reset();
    input->go_on();
  }

  void show(const WebSocketMessage& message) {
    const bool raw = ::isatty(STDOUT_FILENO) == 0;
    const std::string text = message.type == MessageType::binary && !raw
                                 ? "(" + std::to_string(message.data.size()) + " bytes)"
                             : raw ? message.data
                                   : without_controls(message.data);
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fputc('\n', stdout);
    if (std::fflush(stdout) != 0) {
      exit_code_ = number(ClientExit::write_error);
      (void)socket_.close(CloseCode::going_away);
    }
  }

  void finish(const WebSocketEnd& end) {
    const bool good =
        end.clean && (end.code == CloseCode::normal || end.code == CloseCode::going_away ||
                      end.code == CloseCode::no_status);
    if (!good || options_.verbose) {
      const std::string why = end.clean ? end.reason : end.error.message();
      std::fprintf(stderr, "quoin-client: closed with code %d%s%s\n", static_cast<int>(end.code),
                   why.empty() ? "" : ": ", without_controls(why).c_str());
    }
    if (!good && exit_code_ == 0) exit_code_ = number(ClientExit::websocket_closed);
    loop_.stop();
  }

  void fail(const Error& error) {
    const bool refused = error == Error{HttpError::connect_error};
    const Failure failure = explain(error, {.url = plan_.url, .elapsed = loop_.now() - begun_});
    std::fprintf(stderr, "quoin-client: %s\n",
                 refused ? without_controls(error.detail()).c_str() : failure.message.c_str());
    exit_code_ = refused ? number(ClientExit::http_error) : failure.exit_code;
    loop_.stop();
  }

  Loop& loop_;
  const ClientOptions& options_;
  const PlannedTransfer& plan_;
  WebSocket socket_;
  std::optional<std::string> line_;  // until there is room for it
  Time begun_;
  int exit_code_ = 0;
};

}  // namespace

Expected<int> run_websocket(const ClientOptions& options, const PlannedTransfer& plan,
                            const std::vector<PinnedAddress>& pinned, const Tls& tls) {
  const auto alternatives = kept_alternatives(options.alt_svc_file);
  if (!alternatives) return std::unexpected(alternatives.error());
  Loop loop;
  Terminal terminal{loop, options, plan};
  std::atomic<int> signalled = 0;
  const SignalWatcher watcher{{SIGINT, SIGTERM, SIGHUP}, [&](int signal) {
                                // The second one does not wait for the server.
                                if (signalled.exchange(signal) != 0) return loop.stop();
                                loop.post([&] { terminal.close(); });
                              }};
  ClientConfig config;
  if (options.connect_timeout) config.connect_timeout = *options.connect_timeout;
  config.quic.qlog_directory = options.qlog_directory;
  config.alternatives = !options.alt_svc_file.empty();
  Client client{loop, tls, std::move(config)};
  for (const PinnedAddress& each : pinned) {
    (void)client.resolve(each.host, each.address.port(), each.address);
  }
  for (const AltSvcEntry& entry : *alternatives) client.alternatives().put(entry, loop.now());
  terminal.begin(client);
  loop.run();
  terminal.input.reset();
  constexpr int signal_exit = 128;
  if (signalled != 0) return signal_exit + signalled;
  const Expected<> kept =
      keep_alternatives(options.alt_svc_file, client.alternatives().entries(loop.now()));
  if (!kept && terminal.exit_code() == 0) return std::unexpected(kept.error());
  return terminal.exit_code();
}

}  // namespace quoin::tools
