// SPDX-License-Identifier: MIT
/// TaskGroup and everything else that runs top-level tasks.
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <ranges>
#include <stdexcept>
#include <utility>
#include <vector>

#include <quoin/coro/group.hpp>
#include <quoin/coro/operation.hpp>
#include <quoin/coro/task.hpp>
#include <quoin/loop.hpp>
#include <quoin/time.hpp>

#include "coro/task_context.hpp"
#include "loop/call_in_place.hpp"

namespace quoin::inline v0 {

Operation<void> sleep(Loop& loop, Duration delay) {
  Operation<void> operation;
  const TimerId timer = loop.after(delay, operation.completion());
  operation.on_cancel([&loop, timer] { loop.cancel(timer); });
  return operation;
}

struct TaskGroup::State {
  explicit State(Loop& on) : loop(on) {}

  void handle_end(const detail::TaskContext* context, std::exception_ptr failure);
  void cancel() noexcept;

  Loop& loop;
  std::vector<std::shared_ptr<detail::TaskContext>> contexts;
  std::vector<Completion<void>> joiners;
  HandlerPlace<void(std::exception_ptr)> on_failure;
};

void TaskGroup::State::handle_end(const detail::TaskContext* context, std::exception_ptr failure) {
  std::erase_if(contexts, [&](const auto& each) { return each.get() == context; });
  if (failure && on_failure) {
    call_in_place(loop, "TaskGroup::on_failure", on_failure, std::move(failure));
  } else if (failure) {
    report_exception(loop, "TaskGroup::spawn", failure);
  }
  if (!contexts.empty()) return;
  for (Completion<void>& joiner : std::exchange(joiners, {})) joiner();
}

void TaskGroup::State::cancel() noexcept {
  for (const auto& context : std::exchange(contexts, {}) | std::views::reverse) context->cancel();
  for (Completion<void>& joiner : std::exchange(joiners, {})) joiner();
}

TaskGroup::TaskGroup(Loop& loop) : state_(std::make_shared<State>(loop)) {}

TaskGroup::~TaskGroup() {
  state_->on_failure = nullptr;
  state_->cancel();
}

void TaskGroup::spawn(Task<> task) {
  const auto context =
      detail::TaskContext::make(state_->loop, std::move(task),
                                [state = std::weak_ptr<State>{state_}](
                                    const detail::TaskContext* ended, std::exception_ptr failure) {
                                  if (const auto group = state.lock()) {
                                    group->handle_end(ended, std::move(failure));
                                  }
                                });
  state_->contexts.push_back(context);
  context->begin();
}

void TaskGroup::on_failure(std::move_only_function<void(std::exception_ptr)> handler) {
  state_->on_failure = std::move(handler);
}

void TaskGroup::cancel() noexcept { state_->cancel(); }

std::size_t TaskGroup::size() const noexcept { return state_->contexts.size(); }

Operation<void> TaskGroup::join() {
  Operation<void> operation;
  if (state_->contexts.empty()) {
    operation.completion()();
  } else {
    state_->joiners.push_back(operation.completion());
  }
  return operation;
}

void detail::run_to_end(Loop& loop, Task<> task) {
  // Within a turn, turn() does nothing and this would never end.
  bool turned = false;
  const TimerId timer = loop.after(Duration{}, [&] { turned = true; });
  loop.turn();
  loop.cancel(timer);
  if (!turned) throw std::logic_error{"quoin: run_task() was called within a turn of the loop"};

  bool over = false;
  std::exception_ptr failure;
  const auto context = detail::TaskContext::make(
      loop, std::move(task), [&](const detail::TaskContext* /*ended*/, std::exception_ptr why) {
        failure = std::move(why);
        over = true;
      });
  context->begin();
  while (!over) {
    loop.turn();
    if (!over) loop.wait();
  }
  if (failure) std::rethrow_exception(failure);
}

}  // namespace quoin::inline v0
