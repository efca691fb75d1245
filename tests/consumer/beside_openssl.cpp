// SPDX-License-Identifier: MIT
/// quoin in a program that is full of OpenSSL: libcurl, and an HTTPS server written straight on
/// libssl for curl to talk to. Both libraries take turns, so that a call that went to the wrong one
/// would crash or fail. Not an example of how to use either.
#include <arpa/inet.h>
#include <cstdio>
#include <cstdlib>
#include <curl/curl.h>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "exchange.hpp"

namespace {

[[noreturn]] void fail(const char* what) {
  std::fprintf(stderr, "failed: %s\n", what);
  std::exit(1);
}

/// An OpenSSL context with a fresh self-signed certificate.
SSL_CTX* make_openssl_server() {
  EVP_PKEY* const key = EVP_EC_gen("P-256");
  X509* const certificate = X509_new();
  if (key == nullptr || certificate == nullptr) fail("OpenSSL key and certificate");
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_NAME* const name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("localhost"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  if (X509_sign(certificate, key, EVP_sha256()) == 0) fail("X509_sign");
  SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
  if (context == nullptr || SSL_CTX_use_certificate(context, certificate) != 1 ||
      SSL_CTX_use_PrivateKey(context, key) != 1) {
    fail("OpenSSL server context");
  }
  X509_free(certificate);
  EVP_PKEY_free(key);
  return context;
}

/// A TCP socket that listens on a free port of 127.0.0.1.
int listen_on_loopback(std::string& port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  if (listener < 0 || bind(listener, generic, size) != 0 || listen(listener, 8) != 0 ||
      getsockname(listener, generic, &size) != 0) {
    fail("TCP listener");
  }
  port = std::to_string(ntohs(address.sin_port));
  return listener;
}

/// Answers `count` HTTPS requests, one connection each.
void serve_https(SSL_CTX* context, int listener, int count) {
  for (; count > 0; --count) {
    const int connection = accept(listener, nullptr, nullptr);
    SSL* const tls = SSL_new(context);
    if (connection < 0 || tls == nullptr) fail("accept");
    SSL_set_fd(tls, connection);
    if (SSL_accept(tls) != 1) fail("SSL_accept");
    char request[4096];
    if (SSL_read(tls, request, sizeof request) <= 0) fail("SSL_read");
    constexpr std::string_view answer =
        "HTTP/1.1 200 OK\r\ncontent-length: 7\r\nconnection: close\r\n\r\nopenssl";
    if (SSL_write(tls, answer.data(), static_cast<int>(answer.size())) <= 0) fail("SSL_write");
    SSL_shutdown(tls);
    SSL_free(tls);
    close(connection);
  }
}

std::size_t collect(char* data, std::size_t size, std::size_t count, void* body) {
  static_cast<std::string*>(body)->append(data, size * count);
  return size * count;
}

void fetch_with_curl(const std::string& url) {
  CURL* const curl = curl_easy_init();
  if (curl == nullptr) fail("curl_easy_init");
  std::string body;
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
  curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
  curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &collect);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &body);
  const CURLcode code = curl_easy_perform(curl);
  if (code != CURLE_OK) fail(curl_easy_strerror(code));
  if (body != "openssl") fail("the body that curl got");
  curl_easy_cleanup(curl);
  std::fprintf(stderr, "HTTPS reply by curl: %s\n", body.c_str());
}

}  // namespace

/// `beside_openssl quoin-first` lets quoin load its TLS library before OpenSSL has done anything.
int main(int argc, char** argv) {
  const bool quoin_first = argc > 1 && std::string_view{argv[1]} == "quoin-first";
  if (quoin_first && !exchange()) return 1;

  std::fprintf(stderr, "%s, %s\n", OpenSSL_version(OPENSSL_VERSION), curl_version());
  if (!std::string_view{OpenSSL_version(OPENSSL_VERSION)}.starts_with("OpenSSL ")) {
    fail("the program's own OpenSSL is not OpenSSL");
  }
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) fail("curl_global_init");
  SSL_CTX* const context = make_openssl_server();
  std::string port;
  const int listener = listen_on_loopback(port);
  std::thread server{serve_https, context, listener, 2};
  fetch_with_curl("https://127.0.0.1:" + port + "/");
  const bool good = exchange();
  fetch_with_curl("https://127.0.0.1:" + port + "/");
  server.join();
  close(listener);
  SSL_CTX_free(context);
  curl_global_cleanup();
  return good ? 0 : 1;
}
