// SPDX-License-Identifier: MIT
/// See plan.hpp.
#include <quoin/version.hpp>

#include "quoin-client/plan.hpp"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <expected>
#include <filesystem>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unistd.h>
#include <utility>
#include <vector>

#include <quoin/address.hpp>
#include <quoin/bytes.hpp>
#include <quoin/headers.hpp>
#include <quoin/url.hpp>

#include "common/failure.hpp"
#include "common/folder.hpp"
#include "common/text.hpp"
#include "quoin-client/exit_code.hpp"
#include "quoin-client/options.hpp"

namespace quoin::tools {

namespace {

namespace fs = std::filesystem;

std::unexpected<Failure> fail(ClientExit code, std::string message) {
  return std::unexpected(Failure{.exit_code = number(code), .message = std::move(message)});
}

std::string lower(std::string_view text) {
  std::string out{text};
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  return out;
}

struct CloseFile {
  void operator()(std::FILE* file) const noexcept { std::fclose(file); }
};

/// The whole of a file, "-" being standard input.
Expected<std::string> read_whole(const std::string& name) {
  std::unique_ptr<std::FILE, CloseFile> opened;
  std::FILE* file = stdin;
  if (name != "-") {
    opened.reset(std::fopen(name.c_str(), "re"));
    file = opened.get();
  }
  std::string out;
  int error = errno;
  if (file != nullptr) {
    constexpr std::size_t step = 64 * 1024;
    std::size_t got = step;
    while (got == step) {
      const std::size_t before = out.size();
      out.resize(before + step);
      got = std::fread(out.data() + before, 1, step, file);
      out.resize(before + got);
    }
    error = errno;
  }
  if (file == nullptr || std::ferror(file) != 0) {
    return fail(ClientExit::read_error, "-d: cannot read " + in_quotes("@" + name) + ": " +
                                            std::generic_category().message(error));
  }
  return out;
}

/// All the -d options together.
Expected<std::optional<SharedBytes>> read_data(const ClientOptions& options) {
  if (options.data.empty()) return std::nullopt;
  std::string all;
  for (std::size_t i = 0; i < options.data.size(); ++i) {
    all.append(i == 0 ? "" : "&");
    const std::string& item = options.data[i];
    if (!item.starts_with('@')) {
      all += item;
      continue;
    }
    const Expected<std::string> content = read_whole(item.substr(1));
    if (!content) return std::unexpected(content.error());
    all += *content;
  }
  return SharedBytes{std::move(all)};
}

std::string choose_method(const ClientOptions& options) {
  if (!options.method.empty()) return options.method;
  if (options.head) return "HEAD";
  if (!options.uploads.empty()) return "PUT";
  return options.data.empty() ? "GET" : "POST";
}

/// Puts one -H into `headers`.
Expected<> add_header(Headers& headers, std::string_view text) {
  const std::size_t end = text.find_first_of(":;");
  const std::string name = lower(trimmed(text.substr(0, end)));
  if (end == std::string_view::npos || !is_valid_field_name(name)) {
    return fail(ClientExit::usage, "-H " + in_quotes(text) + ": write it as 'name: value'");
  }
  const std::string_view value = trimmed(text.substr(end + 1));
  if (text[end] == ';') {
    if (!value.empty()) {
      return fail(ClientExit::usage,
                  "-H " + in_quotes(text) + ": write it as 'name: value', or 'name;' for no value");
    }
    headers.add(name, "");
    return {};
  }
  if (!is_valid_field_value(value)) {
    return fail(ClientExit::usage, "-H " + in_quotes(text) + ": the value has a line break or NUL");
  }
  if (name == "host") {
    return fail(ClientExit::usage, "-H " + in_quotes(text) +
                                       ": the host comes from the URL; to reach it at another "
                                       "address use --resolve HOST:PORT:ADDR");
  }
  if (value.empty()) {
    headers.remove(name);
  } else if (name == "user-agent" || name == "accept" || name == "content-type") {
    headers.set(name, value);
  } else {
    headers.add(name, value);
  }
  return {};
}

Expected<Headers> make_headers(const ClientOptions& options) {
  const std::string agent = "quoin-client/" + std::string{library_version_text()};
  Headers headers{{"user-agent", agent}, {"accept", "*/*"}};
  if (!options.data.empty()) {
    headers.add("content-type", "application/x-www-form-urlencoded");
  }
  for (const std::string& text : options.headers) {
    if (Expected<> added = add_header(headers, text); !added) {
      return std::unexpected(std::move(added.error()));
    }
  }
  return headers;
}

/// Which -T goes to which URL, the URLs' list being made longer where several files go to one.
Expected<std::vector<std::string>> pair_uploads(const ClientOptions& options,
                                                std::vector<std::string>& urls) {
  std::vector<std::string> uploads = options.uploads;
  const auto from_stdin = std::ranges::count(uploads, "-");
  if (from_stdin > 1 || (from_stdin == 1 && uploads.size() == 1 && urls.size() > 1)) {
    return fail(ClientExit::usage, "-T -: standard input can be sent only once");
  }
  if (uploads.size() == urls.size() || uploads.empty()) return uploads;
  if (uploads.size() == 1) {
    uploads.resize(urls.size(), options.uploads.front());
    return uploads;
  }
  if (urls.size() == 1 && urls.front().ends_with('/')) {
    urls.resize(uploads.size(), options.urls.front());
    return uploads;
  }
  return fail(ClientExit::usage,
              "there are " + std::to_string(uploads.size()) + " files to send with -T and " +
                  std::to_string(urls.size()) +
                  " URLs; give one URL for each, or a single URL that ends in \"/\"");
}

/// Appends the file's name to a target that ends in a slash.
Expected<> complete_upload_target(Url& url, const std::string& upload) {
  if (!url.target.ends_with('/') || url.target.find('?') != std::string::npos) return {};
  if (upload == "-") {
    return fail(ClientExit::usage,
                in_quotes(url.to_string()) + ": standard input has no name; write the whole path");
  }
  url.target += percent_encode(fs::path{upload}.filename().string());
  return {};
}

Expected<std::string> choose_output(const ClientOptions& options, std::size_t index,
                                    const Url& url) {
  const fs::path folder{options.output_directory};
  if (index < options.outputs.size()) {
    const std::string& name = options.outputs[index];
    return name == "-" ? name : (folder / name).string();
  }
  const bool named =
      options.remote_names || (!options.output_directory.empty() && options.outputs.empty());
  if (!named) return std::string{"-"};
  Expected<std::string> name = remote_name(url);
  return name ? (folder / *name).string() : name;
}

Expected<PlannedTransfer> plan_one(const ClientOptions& options, std::size_t index,
                                   std::string_view text,
                                   const std::optional<std::string>& upload) {
  Expected<Url> url = parse_url(text);
  if (!url) return std::unexpected(std::move(url.error()));
  if (upload) {
    if (Expected<> completed = complete_upload_target(*url, *upload); !completed) {
      return std::unexpected(std::move(completed.error()));
    }
  }
  Expected<std::string> output = choose_output(options, index, *url);
  if (!output) return std::unexpected(std::move(output.error()));
  return PlannedTransfer{.url = std::move(*url),
                         .method = choose_method(options),
                         .headers = {},
                         .data = {},
                         .upload = upload,
                         .output = std::move(*output)};
}

/// Two transfers must not write to the same file.
Expected<> check_outputs(const std::vector<PlannedTransfer>& plan) {
  std::set<std::string> seen;
  for (const PlannedTransfer& transfer : plan) {
    std::error_code ignored;
    // Devices and pipes may take several bodies, one after the other.
    const fs::file_status status = fs::status(transfer.output, ignored);
    const bool is_file = !fs::exists(status) || fs::is_regular_file(status);
    if (transfer.output != "-" && is_file &&
        !seen.insert(fs::path{transfer.output}.lexically_normal().string()).second) {
      return fail(ClientExit::usage, "two URLs would be written to " + in_quotes(transfer.output) +
                                         "; give them different names with -o");
    }
  }
  return {};
}

/// The folders must be there before the first transfer.
Expected<> check_folders(const ClientOptions& options) {
  if (!options.output_directory.empty()) {
    if (Expected<> checked =
            check_folder("--output-dir", options.output_directory, W_OK | X_OK,
                         "create the folder first", number(ClientExit::write_error));
        !checked) {
      return checked;
    }
  }
  if (!options.qlog_directory.empty()) {
    return check_folder("--qlog", options.qlog_directory, W_OK | X_OK,
                        "create the folder first, or omit --qlog", number(ClientExit::write_error));
  }
  return {};
}

}  // namespace

std::string origin(const Url& url) {
  const bool is_v6 = url.host.find(':') != std::string::npos;
  return (is_v6 ? "[" + url.host + "]" : url.host) + ":" + std::to_string(url.port);
}

Expected<Url> parse_url(std::string_view text) {
  const std::size_t end = text.find("://");
  if (end == std::string_view::npos) {
    return fail(ClientExit::malformed_url,
                in_quotes(text) + " is not an https URL; write https://HOST/PATH");
  }
  if (lower(text.substr(0, end)) != "https") {
    return fail(ClientExit::not_https,
                in_quotes(text) + ": HTTP/3 works only with https URLs; write https" +
                    without_controls(text.substr(end)) + " if the server has it");
  }
  Result<Url> url = Url::parse(text);
  if (!url) return fail(ClientExit::malformed_url, without_controls(url.error().detail()));
  return std::move(*url);
}

Expected<std::string> remote_name(const Url& url) {
  const std::string_view path = std::string_view{url.target}.substr(0, url.target.find('?'));
  const std::string_view name = path.substr(path.rfind('/') + 1);
  if (name.empty() || name == "." || name == "..") {
    return fail(ClientExit::usage,
                in_quotes(url.to_string()) + " does not end in a file name; give one with -o FILE");
  }
  return std::string{name};
}

Expected<PinnedAddress> parse_resolve(std::string_view text) {
  const std::unexpected<Failure> refusal =
      fail(ClientExit::usage, "--resolve " + in_quotes(text) +
                                  ": write it as HOST:PORT:ADDR, for "
                                  "example example.org:443:192.0.2.7");
  const std::size_t host_end = text.starts_with('[') ? text.find("]:") + 1 : text.find(':');
  const std::size_t port_end = text.find(':', host_end == text.npos ? host_end : host_end + 1);
  if (port_end == text.npos || port_end == host_end + 1 ||
      text.find_first_of("/?#\\@") != text.npos) {
    return refusal;
  }
  // The form that it has in a URL is the one that is looked for.
  const Result<Url> url = Url::parse("https://" + std::string{text.substr(0, port_end)});
  const Result<Address> address =
      Address::parse_host(text.substr(port_end + 1), url ? url->port : 0);
  if (!address) return refusal;
  if (!url) return fail(ClientExit::usage, "--resolve: " + without_controls(url.error().message()));
  return PinnedAddress{.host = url->host, .address = *address};
}

Expected<std::vector<PlannedTransfer>> make_plan(const ClientOptions& options) {
  std::vector<std::string> urls = options.urls;
  const Expected<std::vector<std::string>> uploads = pair_uploads(options, urls);
  if (!uploads) return std::unexpected(uploads.error());
  const Expected<Headers> headers = make_headers(options);
  if (!headers) return std::unexpected(headers.error());
  if (!options.method.empty() && !is_valid_field_name(lower(options.method))) {
    return fail(ClientExit::usage, "-X " + in_quotes(options.method) +
                                       ": a method is a word without spaces, such as PUT");
  }
  if (options.outputs.size() > urls.size()) {
    return fail(ClientExit::usage, "there are more -o options than URLs");
  }
  if (Expected<> checked = check_folders(options); !checked) {
    return std::unexpected(std::move(checked.error()));
  }
  std::vector<PlannedTransfer> plan;
  for (std::size_t i = 0; i < urls.size(); ++i) {
    const std::optional<std::string> upload =
        i < uploads->size() ? std::optional{(*uploads)[i]} : std::nullopt;
    Expected<PlannedTransfer> transfer = plan_one(options, i, urls[i], upload);
    if (!transfer) return std::unexpected(std::move(transfer.error()));
    transfer->headers = *headers;
    plan.push_back(std::move(*transfer));
  }
  if (Expected<> checked = check_outputs(plan); !checked) {
    return std::unexpected(std::move(checked.error()));
  }
  // Last, because standard input can be read once only.
  const Expected<std::optional<SharedBytes>> data = read_data(options);
  if (!data) return std::unexpected(data.error());
  for (PlannedTransfer& transfer : plan) {
    transfer.data = *data;
  }
  return plan;
}

}  // namespace quoin::tools
