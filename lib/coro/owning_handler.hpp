// SPDX-License-Identifier: MIT
/// Handlers that share a state with an object that coroutines use. Not public.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>

namespace quoin::inline v0 {

/// Calls `Run` with its state and what it is called with. `Gone`, unless it is null, is called with
/// the state when the library has destroyed the handler, after which nothing more comes.
template <class State, auto Run, auto Gone>
class OwningHandler {
 public:
  explicit OwningHandler(std::shared_ptr<State> state) noexcept : state_(std::move(state)) {}

  OwningHandler(OwningHandler&&) noexcept = default;
  OwningHandler(const OwningHandler&) = delete;
  OwningHandler& operator=(const OwningHandler&) = delete;
  OwningHandler& operator=(OwningHandler&&) = delete;

  ~OwningHandler() {
    if constexpr (!std::is_null_pointer_v<decltype(Gone)>) {
      if (state_) std::invoke(Gone, *state_);
    }
  }

  template <class... Arguments>
  decltype(auto) operator()(Arguments&&... arguments) {
    const std::shared_ptr<State> state = state_;  // what is resumed may destroy this
    return std::invoke(Run, *state, std::forward<Arguments>(arguments)...);
  }

 private:
  std::shared_ptr<State> state_;
};

/// A handler that owns `state`.
template <auto Run, auto Gone = nullptr, class State>
[[nodiscard]] OwningHandler<State, Run, Gone> owning_handler(
    std::shared_ptr<State> state) noexcept {
  return OwningHandler<State, Run, Gone>{std::move(state)};
}

}  // namespace quoin::inline v0
