// SPDX-License-Identifier: MIT
/// Serves a directory and takes uploads under /upload/NAME.
/// Usage: file_server DIRECTORY UPLOADS [ADDRESS:PORT [FILE]], FILE being for
/// the certificate as in hello_server. Handlers stream both ways: files may be
/// larger than memory.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>

#include <quoin/server.hpp>

int main(int argc, char** argv) {
  if (argc < 3) {
    std::cerr << "usage: file_server DIRECTORY UPLOADS [ADDRESS:PORT [FILE]]\n";
    return EXIT_FAILURE;
  }
  const std::filesystem::path uploads = argv[2];
  const quoin::Tls tls = quoin::Tls::self_signed().value();
  if (argc > 4) std::ofstream{argv[4]} << tls.certificate_pem();

  quoin::Loop loop;
  quoin::Server server{loop, tls};
  if (const auto files = server.files("/", argv[1], {.listing = true});
      !files) {
    std::cerr << "cannot serve: " << files.error().message() << '\n';
    return EXIT_FAILURE;
  }
  server.put("/upload/{name}", [&](quoin::Request request,
                                   quoin::Response response) {
    // The parameter is decoded: take the name only, whatever path it may
    // pretend to be.
    const auto target =
        uploads / std::filesystem::path{request.parameter("name")}.filename();
    auto part = target;
    part += ".part";  // an upload that breaks off never looks complete
    request.on_body([file = std::ofstream{part, std::ios::binary}, part, target,
                     response](quoin::Bytes chunk, bool last) mutable {
      file.write(reinterpret_cast<const char*>(chunk.data()),
                 static_cast<std::streamsize>(chunk.size()));
      if (last) {
        std::error_code failed;
        file.close();
        if (file) std::filesystem::rename(part, target, failed);
        response.status(file && !failed ? 201 : 507).end();
      }
      return chunk.size();  // what is not taken stays under flow control
    });
  });

  const auto address = server.listen(argc > 3 ? argv[3] : "[::]:4433");
  if (!address) {
    std::cerr << "cannot listen: " << address.error().message() << '\n';
    return EXIT_FAILURE;
  }
  std::cout << "listening on port " << address->port() << std::endl;
  loop.run();
}
