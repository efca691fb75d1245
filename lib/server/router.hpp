// SPDX-License-Identifier: MIT
/// Finds the handler for a method and a path. Knows nothing of HTTP except HEAD. Not public.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <quoin/server.hpp>

namespace quoin::inline v0 {

/// A handler shared between the router and its caller, so that it may replace itself.
using SharedHandler = std::shared_ptr<Server::Handler>;
/// Names and decoded values of a pattern's `{name}` segments; "*" names the rest.
using Parameters = std::vector<std::pair<std::string, std::string>>;

/// The result of a lookup.
struct Match {
  SharedHandler handler;  ///< null: there is none
  Parameters parameters;
  std::string allow;  ///< the path's methods, if it has any but the requested one
};

/// A tree of patterns by their segments; see Server::route() for what they mean.
class Router {
 public:
  void add(std::string_view method, std::string_view pattern, Server::Handler handler);
  /// `host` without port; not case-sensitive.
  [[nodiscard]] Match find(std::string_view method, std::string_view path,
                           std::string_view host = {}) const;

 private:
  /// The end of a pattern.
  struct Leaf {
    std::vector<std::string> names;  ///< of the parameters, in order
    std::map<std::string, SharedHandler, std::less<>> handlers;

    [[nodiscard]] SharedHandler handler_for(std::string_view method) const;
  };

  struct Node {
    std::map<std::string, std::unique_ptr<Node>, std::less<>> literals;
    std::unique_ptr<Node> any;
    std::unique_ptr<Leaf> here;
    std::unique_ptr<Leaf> rest;
  };

  struct Taken;
  struct Search;
  static bool descend(const Node& node, std::optional<std::string_view> path, const Taken* taken,
                      Search& search);
  static bool accept(const Leaf* leaf, const Taken* taken, Search& search);

  Node root_;
  std::map<std::string, Node, std::less<>> hosts_;  ///< of patterns that begin with a host
};

}  // namespace quoin::inline v0
