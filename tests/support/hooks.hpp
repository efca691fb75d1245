// SPDX-License-Identifier: MIT
/// Handlers that misbehave: a scenario gives each of its handlers a name and calls Hooks in it; one
/// of them does something bad the first time it is called.
#pragma once

#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch_message.hpp>

#include <quoin/loop.hpp>

namespace quoin::test {

/// What a handler does on its first call.
enum class Deed : std::uint8_t {
  nothing,
  throw_error,  ///< a std::runtime_error
  throw_int,
  replace,            ///< itself
  destroy,            ///< what the first word of its name denotes
  destroy_and_throw,  ///< both
};

/// Called by all handlers of a scenario.
class Hooks {
 public:
  explicit Hooks(std::string chosen = {}, Deed deed = Deed::nothing)
      : chosen_(std::move(chosen)), deed_(deed) {}

  Hooks(const Hooks&) = delete;
  Hooks& operator=(const Hooks&) = delete;
  ~Hooks() = default;

  /// To be called by the handler of this name. The first word of a name is the handler's owner.
  void operator()(const std::string& name) {
    if (gone_ && owner_of(name) == owner_of(chosen_)) late.push_back(name);
    if (++counts[name] != 1 || name != chosen_) return;
    switch (deed_) {
      case Deed::nothing:
        return;
      case Deed::throw_error:
        throw std::runtime_error{"as it was asked to"};
      case Deed::throw_int:
        throw 7;
      case Deed::replace:
        return replace_.at(name)();
      case Deed::destroy:
      case Deed::destroy_and_throw:
        gone_ = true;
        owners.at(owner_of(name))();
        if (deed_ == Deed::destroy_and_throw) throw std::runtime_error{"as it was asked to"};
    }
  }

  /// Calls `set(name)` to install a handler of this name, and again when it must replace itself.
  template <class Set>
  void place(const std::string& name, Set set) {
    replace_[name] = [set, name]() mutable { set(replaced(name)); };
    set(name);
  }

  /// `owner` exists again, and its handlers are called.
  void renew(const std::string& owner) {
    if (owner == owner_of(chosen_)) gone_ = false;
  }

  /// Collects what `loop` reports.
  void listen(Loop& loop) {
    loop.on_exception(
        [this](std::string_view where, const std::exception_ptr&) { reports.emplace_back(where); });
  }

  /// The name of the handler in place of another one.
  [[nodiscard]] static std::string replaced(const std::string& name) {
    return name + ", the second";
  }

  std::map<std::string, int> counts;                    ///< calls
  std::vector<std::string> reports;                     ///< where exceptions came from
  std::vector<std::string> late;                        ///< calls after the owner was destroyed
  std::map<std::string, std::function<void()>> owners;  ///< how they are destroyed

 private:
  [[nodiscard]] static std::string owner_of(const std::string& name) {
    return name.substr(0, name.find(' '));
  }

  std::string chosen_;
  Deed deed_;
  bool gone_ = false;
  std::map<std::string, std::function<void()>> replace_;
};

/// A run of the scenario in which no handler misbehaves, to compare others with.
template <class Scenario>
[[nodiscard]] const Scenario& peaceful() {
  static Hooks hooks;
  // Never destroyed: what it runs on may be gone before it.
  static const auto* const scenario = [] {
    auto* const made = new Scenario{hooks};
    made->run();
    return made;
  }();
  return *scenario;
}

}  // namespace quoin::test
