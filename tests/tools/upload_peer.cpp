// SPDX-License-Identifier: MIT
/// An HTTP/3 server that keeps what is sent to it, for the tests of quoin-client's uploads.
/// Usage: quoin_tools_upload_peer CERT KEY FOLDER; prints "listening on ADDR:PORT", writes the body
/// of a PUT or POST for /NAME to FOLDER/NAME and answers with its size. /to/NAME redirects to
/// /NAME, /round to itself, /plain to an http URL. GET of
/// /coded/CODING/NAME sends FOLDER/NAME as being in that content coding, if the client takes it.
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <ios>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/error.hpp>
#include <quoin/loop.hpp>
#include <quoin/request.hpp>
#include <quoin/server.hpp>
#include <quoin/tls.hpp>

namespace {

void keep(const std::filesystem::path& folder, quoin::Request request, quoin::Response response) {
  // A name that percent-decodes to more than a name is not for this peer.
  const std::string name{request.parameter("name")};
  if (name.find('/') != std::string::npos) {
    response.status(400).end();
    return;
  }
  request.on_body([file = std::ofstream{folder / name, std::ios::binary}, size = std::size_t{0},
                   response](quoin::Bytes chunk, bool last) mutable {
    file.write(reinterpret_cast<const char*>(chunk.data()),
               static_cast<std::streamsize>(chunk.size()));
    size += chunk.size();
    if (last) {
      file.close();
      response.status(file ? 201 : 500).end(std::to_string(size) + "\n");
    }
    return chunk.size();
  });
}

void send_coded(const std::filesystem::path& folder, quoin::Request request,
                quoin::Response response) {
  const std::string coding{request.parameter("coding")};
  if (request.header("accept-encoding").find(coding) == std::string_view::npos) {
    response.status(406).end("in " + coding + " only\n");
    return;
  }
  std::ifstream file{folder / request.parameter("name"), std::ios::binary};
  const std::string content{std::istreambuf_iterator<char>{file}, {}};
  response.header("content-encoding", coding).end(content);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fputs("usage: quoin_tools_upload_peer CERT KEY FOLDER\n", stderr);
    return EXIT_FAILURE;
  }
  const std::filesystem::path folder{argv[3]};
  quoin::Result<quoin::Tls> tls = quoin::Tls::server(argv[1], argv[2]);
  if (!tls) {
    std::fprintf(stderr, "%s\n", tls.error().message().c_str());
    return EXIT_FAILURE;
  }
  quoin::Loop loop;
  quoin::Server server{loop, std::move(*tls)};
  const auto handler = [&folder](quoin::Request request, quoin::Response response) {
    keep(folder, request, response);
  };
  server.put("/{name}", handler);
  server.post("/{name}", handler);
  for (const std::string method : {"GET", "POST", "PUT"}) {
    server.route(method, "/to/{name}", [](quoin::Request request, quoin::Response response) {
      response.status(307).header("location", "../" + std::string{request.parameter("name")}).end();
    });
  }
  server.get("/coded/{coding}/{name}", [&folder](quoin::Request request, quoin::Response response) {
    send_coded(folder, request, response);
  });
  server.get("/round", [](quoin::Request, quoin::Response response) {
    response.status(302).header("location", "round").end();
  });
  server.get("/plain", [](quoin::Request, quoin::Response response) {
    response.status(302).header("location", "http://localhost/").end("moved\n");
  });
  const quoin::Result<quoin::Address> address = server.listen("127.0.0.1:0");
  if (!address) {
    std::fprintf(stderr, "%s\n", address.error().message().c_str());
    return EXIT_FAILURE;
  }
  std::printf("listening on %s\n", address->to_string().c_str());
  std::fflush(stdout);
  loop.run();
}
