// SPDX-License-Identifier: MIT
/// Tries what lib/h3/qpack_peer_table.c assumes of nghttp3's insides, on real connections of
/// nghttp3, and says by name what does not hold. Run by ctest, and by cmake/engine_probe.cmake
/// before an nghttp3 that nobody has tried is taken. See docs/decisions/0010.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>
#include <unistd.h>
#include <vector>

#include <nghttp3/nghttp3.h>

#include "h3/qpack_peer_table.h"

namespace {

void expect(bool holds, const std::string& what_broke) {
  if (!holds) throw std::runtime_error(what_broke);
}

void check(int result, const char* what) {
  if (result != 0) throw std::runtime_error(std::string(what) + ": " + nghttp3_strerror(result));
}

using Fields = std::map<std::string, std::string>;

/// One side, with what its connection has told and sent.
struct End {
  nghttp3_conn* conn = nullptr;
  std::map<std::int64_t, Fields> sections;
  std::map<std::int64_t, std::string> sent;
};

End& self(void* user) { return *static_cast<End*>(user); }

std::string text_of(nghttp3_rcbuf* buffer) {
  const nghttp3_vec bytes = nghttp3_rcbuf_get_buf(buffer);
  return {reinterpret_cast<const char*>(bytes.base), bytes.len};
}

/// A client and a server of HTTP/3, and the streams between them.
class Pair {
 public:
  /// The client's encoder uses at most `own` bytes; the server's decoder allows `peer`.
  Pair(std::size_t own, std::size_t peer) {
    nghttp3_callbacks table{};
    table.recv_header = [](nghttp3_conn*, std::int64_t stream, std::int32_t, nghttp3_rcbuf* name,
                           nghttp3_rcbuf* value, std::uint8_t, void* user, void*) {
      self(user).sections[stream][text_of(name)] = text_of(value);
      return 0;
    };
    table.recv_settings2 = [](nghttp3_conn* conn, const nghttp3_proto_settings* settings, void*) {
      quoin_qpack_set_peer_capacity(conn, settings->qpack_max_dtable_capacity);
      return 0;
    };
    nghttp3_settings settings;
    nghttp3_settings_default(&settings);
    settings.qpack_encoder_max_dtable_capacity = own;
    settings.qpack_max_dtable_capacity = 0;
    check(nghttp3_conn_client_new(&client_.conn, &table, &settings, nullptr, &client_), "a client");
    settings.qpack_encoder_max_dtable_capacity = 0;
    settings.qpack_max_dtable_capacity = peer;
    settings.qpack_blocked_streams = 100;
    check(nghttp3_conn_server_new(&server_.conn, &table, &settings, nullptr, &server_), "a server");
    for (End* end : {&client_, &server_}) {
      const std::int64_t first = end == &client_ ? 2 : 3;
      check(nghttp3_conn_bind_control_stream(end->conn, first), "a control stream");
      check(nghttp3_conn_bind_qpack_streams(end->conn, first + 4, first + 8), "QPACK's streams");
    }
    nghttp3_conn_set_max_client_streams_bidi(server_.conn, 1'000'000);
    exchange();
  }

  Pair(const Pair&) = delete;
  Pair& operator=(const Pair&) = delete;

  ~Pair() {
    nghttp3_conn_del(client_.conn);
    nghttp3_conn_del(server_.conn);
  }

  /// Sends a request with a field of its own, twice; the second time it is in the table, if there
  /// is room for one.
  void ask(unsigned number) {
    const std::string value = "value-" + std::to_string(number) + std::string(40, 'v');
    for (int twice = 0; twice < 2; ++twice) {
      const std::int64_t stream = next_;
      next_ += 4;
      const Fields fields{{":method", "GET"},
                          {":scheme", "https"},
                          {":authority", "localhost"},
                          {":path", "/"},
                          {"x-probe", value}};
      std::vector<nghttp3_nv> section;
      for (const auto& [name, text] : fields) {
        section.push_back(
            {.name = reinterpret_cast<const std::uint8_t*>(name.data()),
             .value = reinterpret_cast<const std::uint8_t*>(text.data()),
             .namelen = name.size(),
             .valuelen = text.size(),
             .flags = static_cast<std::uint8_t>(name == "x-probe" ? NGHTTP3_NV_FLAG_TRY_INDEX
                                                                  : NGHTTP3_NV_FLAG_NONE)});
      }
      check(nghttp3_conn_submit_request(client_.conn, stream, section.data(), section.size(),
                                        nullptr, nullptr),
            "a request");
      exchange();
      expect(server_.sections[stream] == fields,
             "the fields of request " + std::to_string(stream / 4) + " arrive as they were sent");
      size_of_last_ = client_.sent[stream].size();
      for (End* end : {&client_, &server_}) {
        (void)nghttp3_conn_close_stream(end->conn, stream, NGHTTP3_H3_NO_ERROR);
      }
    }
  }

  [[nodiscard]] std::size_t size_of_last() const { return size_of_last_; }

  /// What the client's encoder has told of its table's capacity (RFC 9204 §4.3.1), or -1.
  [[nodiscard]] std::int64_t capacity_told() {
    const std::string& bytes = client_.sent[6];
    const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes.at(i)); };
    if (bytes.size() < 2 || (byte(1) & 0xe0U) != 0x20U) return -1;
    std::int64_t capacity = byte(1) & 0x1fU;
    if (capacity < 31) return capacity;
    for (unsigned i = 2, shift = 0;; ++i, shift += 7) {
      capacity += static_cast<std::int64_t>(byte(i) & 0x7fU) << shift;
      if ((byte(i) & 0x80U) == 0) return capacity;
    }
  }

 private:
  void exchange() {
    while (pass(client_, server_) || pass(server_, client_)) {
    }
  }

  bool pass(End& from, End& to) {
    std::array<nghttp3_vec, 16> views{};
    std::int64_t stream = -1;
    int fin = 0;
    const nghttp3_ssize count =
        nghttp3_conn_writev_stream(from.conn, &stream, &fin, views.data(), views.size());
    if (count < 0) check(static_cast<int>(count), "writing");
    if (stream < 0) return false;
    std::string bytes;
    for (nghttp3_ssize i = 0; i < count; ++i) {
      const nghttp3_vec& view = views.at(static_cast<std::size_t>(i));
      bytes.append(reinterpret_cast<const char*>(view.base), view.len);
    }
    from.sent[stream] += bytes;
    check(nghttp3_conn_add_write_offset(from.conn, stream, bytes.size()), "what was written");
    const nghttp3_ssize read = nghttp3_conn_read_stream2(
        to.conn, stream, reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), fin, 1);
    if (read < 0) check(static_cast<int>(read), "reading");
    check(nghttp3_conn_add_ack_offset(from.conn, stream, bytes.size()), "what was acknowledged");
    return true;
  }

  End client_;
  End server_;
  std::int64_t next_ = 0;
  std::size_t size_of_last_ = 0;
};

void the_modulus_follows_the_peer() {
  // In a table of half the size that the peer allows, and in one that the peer allows a quarter of:
  // the numbers wrap at the peer's modulus, several times.
  for (const auto& [own, peer] : {std::pair<std::size_t, std::size_t>{2048, 4096}, {4096, 1024}}) {
    Pair pair{own, peer};
    for (unsigned number = 0; number < 700; ++number) pair.ask(number);
    expect(pair.size_of_last() < 30, "the table is used");
  }
}

void the_encoders_own_limit_stays() {
  Pair pair{2048, 65536};
  pair.ask(0);
  expect(pair.capacity_told() == 2048,
         "the encoder uses no more than its own limit of 2048 bytes, not " +
             std::to_string(pair.capacity_told()));
}

struct Assumption {
  const char* sentence;
  void (*holds)();
};

constexpr Assumption assumptions[] = {
    {"insert counts are encoded modulo what the peer's capacity makes",
     the_modulus_follows_the_peer},
    {"the encoder's own limit stays when the peer's capacity is known",
     the_encoders_own_limit_stays},
};

}  // namespace

int main() {
  // A version in which something goes round for ever fails too.
  alarm(60);
  int broken = 0;
  std::printf("nghttp3 %s\n", nghttp3_version(0)->version_str);
  for (const Assumption& assumption : assumptions) {
    // Before it is tried: what dies leaves a line that says in what.
    std::printf("%s (lib/h3/qpack_peer_table.c): ", assumption.sentence);
    std::fflush(stdout);
    try {
      assumption.holds();
      std::printf("holds\n");
    } catch (const std::exception& what) {
      ++broken;
      std::printf("BROKEN, not so: %s\n", what.what());
    }
    std::fflush(stdout);
  }
  return broken == 0 ? 0 : 1;
}
