// SPDX-License-Identifier: MIT
/// The tree of routes. A search tries text, then `{name}`, then `*`, from left to right, and goes
/// back where it ends without a handler for the method.
#include "router.hpp"

#include <algorithm>
#include <cstddef>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/server.hpp>
#include <quoin/url.hpp>

namespace quoin {
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

}  // namespace

struct Router::Search {
  std::string_view method;
  std::vector<std::string> segments;  // decoded
  std::vector<std::string> values;    // of the parameters on the way to the present node
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

bool Router::accept(const Leaf* leaf, Search& search) {
  if (leaf == nullptr) return false;
  search.match.handler = leaf->handler_for(search.method);
  if (!search.match.handler) {
    for (const auto& [method, handler] : leaf->handlers) {
      search.allowed.insert(method);
      if (method == "GET") search.allowed.emplace("HEAD");
    }
    return false;
  }
  const std::size_t count = std::min(leaf->names.size(), search.values.size());
  for (std::size_t i = 0; i < count; ++i) {
    search.match.parameters.emplace_back(leaf->names[i], search.values[i]);
  }
  return true;
}

bool Router::descend(const Node& node, std::size_t depth, Search& search) {
  if (depth == search.segments.size()) return accept(node.here.get(), search);
  const std::string& segment = search.segments[depth];
  if (const auto next = node.literals.find(segment);
      next != node.literals.end() && descend(*next->second, depth + 1, search)) {
    return true;
  }
  if (node.any && !segment.empty()) {
    search.values.push_back(segment);
    if (descend(*node.any, depth + 1, search)) return true;
    search.values.pop_back();
  }
  if (!node.rest) return false;
  std::string rest = segment;
  for (std::size_t i = depth + 1; i < search.segments.size(); ++i) rest += '/' + search.segments[i];
  search.values.push_back(std::move(rest));
  if (accept(node.rest.get(), search)) return true;
  search.values.pop_back();
  return false;
}

Match Router::find(std::string_view method, std::string_view path, std::string_view host) const {
  Search search;
  if (!path.starts_with('/')) return {};
  search.method = method;
  for (const std::string_view segment : split(path)) {
    // What is no percent-encoding stands for itself.
    search.segments.push_back(percent_decode(segment).value_or(std::string{segment}));
  }
  const auto own = hosts_.empty() ? hosts_.end() : hosts_.find(lower(host));
  if (!(own != hosts_.end() && descend(own->second, 0, search)) && !descend(root_, 0, search)) {
    for (const std::string& method_there : search.allowed) {
      if (!search.match.allow.empty()) search.match.allow += ", ";
      search.match.allow += method_there;
    }
  }
  return std::move(search.match);
}

}  // namespace quoin
