// SPDX-License-Identifier: MIT
/// What is special about the io_uring backend: that it is there, what is used if not, and threads.

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <memory>
#include <string>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

#include <quoin/bytes.hpp>
#include <quoin/datagram.hpp>
#include <quoin/error.hpp>
#include <quoin/io/backend.hpp>
#include <quoin/io/uring.hpp>
#include <quoin/time.hpp>

#include "io/fakes.hpp"
#include "io/sockets.hpp"
#include "io/uring/backend.hpp"

namespace quoin::test {

namespace {

/// As a sandbox does it: io_uring_setup() fails in this process from now on.
bool refuse_io_uring(int failure) {
  std::array<sock_filter, 4> rules{{
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(failure)),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  }};
  const sock_fprog program{.len = rules.size(), .filter = rules.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/// What a child process, to which io_uring is refused, makes of it; empty if it cannot be refused.
std::string described_without_io_uring(int failure) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::string text;
    if (refuse_io_uring(failure)) {
      const auto backend = io::uring_backend();
      text = backend->open(address("127.0.0.1:0")) ? backend->describe() : "cannot open";
    }
    (void)!::write(ends[1], text.data(), text.size());
    ::_exit(0);
  }
  ::close(ends[1]);
  std::string text(4096, '\0');
  const ssize_t size = ::read(ends[0], text.data(), text.size());
  ::close(ends[0]);
  int status = 0;
  (void)::waitpid(child, &status, 0);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

void skip_without_io_uring() {
  if (const auto support = io::uring_support(); !support) {
    std::fprintf(stderr, "no io_uring here: %s\n", support.error().message().c_str());
    SKIP(support.error().message());
  }
  kind = Kind::io_uring;
}

}  // namespace

TEST_CASE("an io_uring backend says that it is one") {
  skip_without_io_uring();
  CHECK(io::uring_backend()->describe().starts_with("io_uring on Linux "));
}

TEST_CASE("where io_uring is refused there is an epoll backend, which says why") {
  const int failure = GENERATE(EPERM, ENOSYS);
  const std::string text = described_without_io_uring(failure);
  if (text.empty()) {
    SKIP("no seccomp filters here");
  }
  CAPTURE(text);
  CHECK(text.starts_with("epoll (io_uring cannot be used: no io_uring"));
  CHECK(text.find(failure == EPERM ? "a sandbox" : "not implemented") != std::string::npos);
  CHECK(text.find("127.0.0.1:") != std::string::npos);
}

TEST_CASE("an io_uring backend moves from thread to thread with its sockets") {
  skip_without_io_uring();
  Sockets sockets;
  for (int i = 0; i < 3; ++i) {
    REQUIRE(sockets.send(sockets.datagram("before")) == 1);
    std::size_t there = 0;
    std::jthread{[&] {
      there = receive(*sockets.receiver, 1).size();
      const Datagram reply{.path = {.local = sockets.to, .remote = sockets.from},
                           .payload = as_bytes("reply")};
      (void)sockets.receiver->send({&reply, 1});
    }}.join();
    REQUIRE(there == 1);
    REQUIRE(receive(*sockets.sender, 1).size() == 1);
    REQUIRE(sockets.send(sockets.datagram("after")) == 1);
    REQUIRE(receive(*sockets.receiver, 1).size() == 1);
  }
  sockets.receiver->close(sockets.to);
  const Time end = sockets.receiver->now() + patience;  // the ring before goes in its own time
  while (!sockets.receiver->open(sockets.to) && sockets.receiver->now() < end) {
    std::this_thread::yield();
  }
  CHECK(sockets.receiver->open(sockets.to).error() == Error{Error::Domain::system, EADDRINUSE});
}

TEST_CASE("what an io_uring backend has not handed out goes with it to another thread") {
  skip_without_io_uring();
  Sockets sockets;
  for (int i = 0; i < 20; ++i) {
    REQUIRE(sockets.send(sockets.datagram(std::to_string(i))) == 1);
  }
  sockets.receiver->wait(sockets.receiver->now() + patience);
  std::size_t count = 0;
  std::jthread{[&] { count = receive(*sockets.receiver, 20).size(); }}.join();
  CHECK(count == 20);
}

TEST_CASE("an io_uring backend leaves its ports free when it is gone") {
  skip_without_io_uring();
  for (int i = 0; i < 20; ++i) {
    Address used;
    {
      const Sockets sockets;
      used = sockets.from;
    }
    REQUIRE(make_backend()->open(used) == used);
  }
}

TEST_CASE("receives that the kernel ended go on: more has arrived than there are buffers") {
  skip_without_io_uring();
  Sockets sockets;
  for (int i = 0; i < 150; ++i) {
    REQUIRE(sockets.send(sockets.datagram(std::to_string(i))) == 1);
  }
  const auto arrivals = receive(*sockets.receiver, 150);
  REQUIRE(arrivals.size() == 150);
  for (std::size_t i = 0; i < arrivals.size(); ++i) {
    CHECK(arrivals[i].payload == std::to_string(i));
  }
}

}  // namespace quoin::test
