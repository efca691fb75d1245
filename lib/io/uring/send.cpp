// SPDX-License-Identifier: MIT
/// Sending through a ring: one submission for many messages.
///
/// A backend has copied or sent what it takes, so nothing may stay in flight. MSG_DONTWAIT makes
/// the kernel try each message once, within the submission, and a link makes it stop at the first
/// failure, as sendmmsg() does. The receives have a separate ring, so that completions need not be
/// told apart.

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <memory>
#include <sys/socket.h>

#include "io/udp/socket_calls.hpp"
#include "io/udp/udp_socket.hpp"
#include "io/uring/backend.hpp"
#include "io/uring/ring.hpp"

namespace quoin::inline v0::io {

namespace {

constexpr unsigned max_messages = SendBatch::max_messages;
constexpr int max_refusals = 8;  // of a submission, by a kernel that has no memory just now

class UringCalls final : public SocketCalls {
 public:
  UringCalls() noexcept {
    (void)ring_.open(max_messages, 2 * max_messages, IORING_SETUP_COOP_TASKRUN);
  }

  int send_messages(int fd, mmsghdr* messages, unsigned count) override;

 private:
  [[nodiscard]] bool submit(unsigned count);

  Ring ring_;
  std::array<int, max_messages> results_{};
};

int UringCalls::send_messages(int fd, mmsghdr* messages, unsigned count) {
  count = std::min(count, max_messages);
  if (!ring_.is_open() || count < 2) {  // one message is sent with the cheaper call
    return SocketCalls::send_messages(fd, messages, count);
  }
  for (unsigned i = 0; i < count; ++i) {
    io_uring_sqe* const entry = io_uring_get_sqe(ring_.get());  // there is room for a batch
    io_uring_prep_sendmsg(entry, fd, &messages[i].msg_hdr, MSG_DONTWAIT);
    entry->user_data = i;
    if (i + 1 < count) {
      entry->flags |= IOSQE_IO_LINK;
    }
  }
  if (!submit(count)) {
    ring_.close();  // with what it holds
  }
  const auto* const failure =
      std::ranges::find_if(results_.begin(), results_.begin() + count, [](int r) { return r < 0; });
  const auto sent = static_cast<int>(failure - results_.begin());
  if (sent == 0) {
    errno = -results_.front();
    return -1;
  }
  return sent;
}

/// Collects the results of the messages, which are ready at once. False: the ring is unusable.
bool UringCalls::submit(unsigned count) {
  results_.fill(-ENOBUFS);
  int refusals = 0;
  for (unsigned done = 0; done < count;) {
    const int result = io_uring_submit_and_wait(ring_.get(), count - done);
    if (result < 0 && result != -EINTR && ++refusals > max_refusals) return false;
    io_uring_cqe* completion = nullptr;
    while (io_uring_peek_cqe(ring_.get(), &completion) == 0) {
      results_[static_cast<std::size_t>(completion->user_data)] = completion->res;
      io_uring_cqe_seen(ring_.get(), completion);
      ++done;
    }
  }
  return true;
}

}  // namespace

std::unique_ptr<SocketCalls> uring_calls() { return std::make_unique<UringCalls>(); }

}  // namespace quoin::inline v0::io
