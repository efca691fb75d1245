// SPDX-License-Identifier: MIT
/// What a random scenario has found wrong, and how it knows that nothing is left behind.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace quoin::test {

/// Collects what went wrong; a scenario goes on after it.
class Verdict {
 public:
  void expect(bool holds, const std::string& what) {
    if (!holds && problems_.size() < max_problems) problems_.push_back(what);
  }

  [[nodiscard]] const std::vector<std::string>& problems() const noexcept { return problems_; }

 private:
  static constexpr std::size_t max_problems = 20;
  std::vector<std::string> problems_;
};

/// Counts copies of itself: a closure that holds one is alive as long as it counts.
class Tokens {
 public:
  using Token = std::shared_ptr<const int>;

  [[nodiscard]] Token make() const { return root_; }

  /// Those that are alive.
  [[nodiscard]] std::size_t alive() const noexcept {
    return static_cast<std::size_t>(root_.use_count()) - 1;
  }

 private:
  Token root_ = std::make_shared<const int>(0);
};

}  // namespace quoin::test
