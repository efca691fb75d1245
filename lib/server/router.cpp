// SPDX-License-Identifier: MIT
/// The tree of routes. A search tries text, then `{name}`, then `*`, from left to right, and
/// backtracks where it ends without a handler for the method.
#include "server/router.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/server.hpp>
#include <quoin/url.hpp>

namespace quoin::inline v0 {
namespace {

std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> segments;
  if (path.starts_with('/')) path.remove_prefix(1);
  while (true) {
    const std::size_t slash = path.find('/');
    segments.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return segments;
    path.remove_prefix(slash + 1);
  }
}

bool is_parameter(std::string_view segment) noexcept {
  return segment.size() > 2 && segment.starts_with('{') && segment.ends_with('}');
}

std::string lower(std::string_view host) {
  std::string out{host};
  std::ranges::transform(out, out.begin(), [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  });
  if (out.ends_with('.')) out.pop_back();
  return out;
}

/// Decodes segment by segment. One that is not valid percent-encoding is kept as it is.
std::string decode(std::string_view path) {
  if (path.find('%') == std::string_view::npos) return std::string{path};
  std::string out;
  while (true) {
    const std::size_t slash = path.find('/');
    const std::string_view segment = path.substr(0, slash);
    out += percent_decode(segment).value_or(std::string{segment});
    if (slash == std::string_view::npos) return out;
    out += '/';
    path.remove_prefix(slash + 1);
  }
}

}  // namespace

/// The part of the path taken by a parameter on the way to the current node, linked to the
/// previous one. Lives on the search's stack, like all views into the path.
struct Router::Taken {
  const Taken* before;
  std::string_view raw;
};

struct Router::Search {
  std::string_view method;
  std::set<std::string> allowed;
  Match match;
};

SharedHandler Router::Leaf::handler_for(std::string_view method) const {
  auto found = handlers.find(method);
  if (found == handlers.end() && method == "HEAD") found = handlers.find("GET");
  return found == handlers.end() ? nullptr : found->second;
}

void Router::add(std::string_view method, std::string_view pattern, Server::Handler handler) {
  // "users" without a slash stands for "/users": a host ends with one.
  const std::size_t slash = pattern.find('/');
  const bool has_host = slash != 0 && slash != std::string_view::npos;
  Node* node = has_host ? &hosts_[lower(pattern.substr(0, slash))] : &root_;
  if (has_host) pattern.remove_prefix(slash);
  std::vector<std::string> names;
  const std::vector<std::string_view> segments = split(pattern);
  std::unique_ptr<Leaf>* leaf = nullptr;
  for (const std::string_view& segment : segments) {
    if (segment == "*" && &segment == &segments.back()) {
      names.emplace_back("*");
      leaf = &node->rest;
      break;
    }
    if (is_parameter(segment)) {
      names.emplace_back(segment.substr(1, segment.size() - 2));
      if (!node->any) node->any = std::make_unique<Node>();
      node = node->any.get();
    } else {
      std::unique_ptr<Node>& next =
          node->literals[percent_decode(segment).value_or(std::string{segment})];
      if (!next) next = std::make_unique<Node>();
      node = next.get();
    }
  }
  if (leaf == nullptr) leaf = &node->here;
  if (!*leaf) *leaf = std::make_unique<Leaf>();
  (*leaf)->names = std::move(names);
  (*leaf)->handlers.insert_or_assign(std::string{method},
                                     std::make_shared<Server::Handler>(std::move(handler)));
}

bool Router::accept(const Leaf* leaf, const Taken* taken, Search& search) {
  if (leaf == nullptr) return false;
  search.match.handler = leaf->handler_for(search.method);
  if (!search.match.handler) {
    for (const auto& [method, handler] : leaf->handlers) {
      search.allowed.insert(method);
      if (method == "GET") search.allowed.emplace("HEAD");
    }
    return false;
  }
  Parameters& parameters = search.match.parameters;
  parameters.resize(leaf->names.size());
  for (std::size_t i = parameters.size(); i > 0 && taken != nullptr; taken = taken->before) {
    --i;
    parameters[i] = {leaf->names[i], decode(taken->raw)};
  }
  return true;
}

/// `path` is what is left to match; null when all is matched, whereas an empty rest is not.
bool Router::descend(const Node& node, std::optional<std::string_view> path, const Taken* taken,
                     Search& search) {
  if (!path) return accept(node.here.get(), taken, search);
  const std::size_t slash = path->find('/');
  const std::string_view segment = path->substr(0, slash);
  const auto below =
      slash == std::string_view::npos ? std::nullopt : std::optional{path->substr(slash + 1)};
  const auto next = segment.find('%') == std::string_view::npos
                        ? node.literals.find(segment)
                        : node.literals.find(decode(segment));
  if (next != node.literals.end() && descend(*next->second, below, taken, search)) return true;
  if (node.any && !segment.empty()) {
    const Taken value{.before = taken, .raw = segment};
    if (descend(*node.any, below, &value, search)) return true;
  }
  const Taken rest{.before = taken, .raw = *path};
  return accept(node.rest.get(), &rest, search);
}

Match Router::find(std::string_view method, std::string_view path, std::string_view host) const {
  Search search;
  if (!path.starts_with('/')) return {};
  path.remove_prefix(1);
  search.method = method;
  const auto own = hosts_.empty() ? hosts_.end() : hosts_.find(lower(host));
  if (!(own != hosts_.end() && descend(own->second, path, nullptr, search)) &&
      !descend(root_, path, nullptr, search)) {
    for (const std::string& method_there : search.allowed) {
      if (!search.match.allow.empty()) search.match.allow += ", ";
      search.match.allow += method_there;
    }
  }
  return std::move(search.match);
}

}  // namespace quoin::inline v0
