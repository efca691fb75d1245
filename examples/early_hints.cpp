// SPDX-License-Identifier: MIT
/// A page that takes its time, and says at once what it will need (103, RFC
/// 8297): the browser fetches it meanwhile. Also takes what the page's scripts
/// post.
/// Usage: early_hints DIRECTORY [ADDRESS:PORT [FILE]], FILE being for the
/// certificate as in hello_server.
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <utility>

#include <quoin/server.hpp>

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: early_hints DIRECTORY [ADDRESS:PORT [FILE]]\n";
    return EXIT_FAILURE;
  }
  const std::filesystem::path root = argv[1];
  const quoin::Tls tls = quoin::Tls::self_signed().value();
  if (argc > 3) std::ofstream{argv[3]} << tls.certificate_pem();

  quoin::Loop loop;
  quoin::Server server{loop, tls};
  server.get("/", [&](quoin::Request, quoin::Response response) {
    response.inform(103, {{"link", "</style.css>; rel=preload; as=style"}});
    // A database thinks about the page.
    loop.after(std::chrono::milliseconds{300}, [&root, response]() mutable {
      const auto page = quoin::SharedBytes::map_file(root / "index.html");
      if (!page) return response.fail(page.error().message());
      response.header("content-type", "text/html; charset=utf-8").end(*page);
    });
  });
  server.post("/echo", [](quoin::Request request, quoin::Response response) {
    request.read_body(16'000'000,
                      [response](quoin::Result<std::string> body) mutable {
                        if (!body) return response.status(413).end();
                        response.end(std::move(*body));
                      });
  });
  // Without a lifetime the browser would ask again whether what it has is still
  // right.
  quoin::FileOptions options;
  options.headers.add("cache-control", "max-age=60");
  if (const auto files = server.files("/", root, options); !files) {
    std::cerr << "cannot serve: " << files.error().message() << '\n';
    return EXIT_FAILURE;
  }
  server.on_access([](const quoin::Access& access) {
    std::cout << access.method << ' ' << access.target << std::endl;
  });

  const auto address = server.listen(argc > 2 ? argv[2] : "[::]:4433");
  if (!address) {
    std::cerr << "cannot listen: " << address.error().message() << '\n';
    return EXIT_FAILURE;
  }
  std::cout << "listening on port " << address->port() << std::endl;
  loop.run();
}
