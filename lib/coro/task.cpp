// SPDX-License-Identifier: MIT
/// How tasks run: one context for each top-level task, which resumes one coroutine after the other.
/// No coroutine is compiled here, so that the library can be built by another compiler than its
/// user's.
#include <algorithm>
#include <deque>
#include <exception>
#include <memory>
#include <utility>

#include <quoin/coro/task.hpp>
#include <quoin/detail/operation.hpp>
#include <quoin/detail/task.hpp>
#include <quoin/loop.hpp>
#include <quoin/time.hpp>

#include "coro/task_context.hpp"

namespace quoin::inline v0::detail {

void TaskJoin::child_ended(bool failed) {
  if (wanted_ == 0) return;
  wanted_ = failed ? 0 : wanted_ - 1;
  if (wanted_ == 0) parent_->context()->resume(*parent_);
}

TaskPromise::~TaskPromise() {
  if (context_ != nullptr) context_->forget(*this);
}

void TaskPromise::start(TaskContext& context, TaskJoin* join) {
  context_ = &context;
  join_ = join;
  context.resume(*this);
}

void TaskPromise::end() {
  if (join_ != nullptr) join_->child_ended(failure_ != nullptr);
}

void Waiter::wake() {
  const auto handle = std::exchange(handle_, {});
  TaskPromise* const promise = std::exchange(promise_, nullptr);
  if (promise != nullptr) {
    promise->context()->resume(*promise);
  } else if (handle) {
    handle.resume();
  }
}

void Waiter::wake_later() {
  if (TaskPromise* const promise = std::exchange(promise_, nullptr)) {
    handle_ = {};
    promise->context()->resume_later(*promise);
  }
}

TaskContext::TaskContext(Loop& loop, Task<> top, Ended ended)
    : loop_(loop), top_(std::move(top)), ended_(std::move(ended)) {}

std::shared_ptr<TaskContext> TaskContext::make(Loop& loop, Task<> top, Ended ended) {
  std::shared_ptr<TaskContext> context{new TaskContext{loop, std::move(top), std::move(ended)}};
  context->self_ = context;
  return context;
}

TaskContext::~TaskContext() { destroy_top(); }

void TaskContext::begin() {
  if (top_) {
    TaskAccess::start(top_, *this, nullptr);
  } else if (auto ended = std::exchange(ended_, nullptr)) {
    ended(this, nullptr);
  }
}

void TaskContext::cancel() noexcept {
  cancelled_ = true;
  if (!running_) destroy_top();
}

// Destroying the coroutines' variables may wake other coroutines of the context.
void TaskContext::destroy_top() noexcept {
  running_ = true;
  top_.reset();
  ready_.clear();
  later_.clear();
  running_ = false;
}

void TaskContext::resume(TaskPromise& promise) {
  ready_.push_back(&promise);
  if (!running_) run();
}

void TaskContext::run() {
  const std::shared_ptr<TaskContext> keep = self_.lock();
  running_ = true;
  while (!ready_.empty() && !cancelled_) {
    TaskPromise* const next = ready_.front();
    ready_.pop_front();
    if (next != nullptr) next->self().resume();
  }
  running_ = false;
  if (cancelled_) {
    destroy_top();
  } else if (TaskAccess::is_done(top_)) {
    std::exception_ptr failure = TaskAccess::failure(top_);
    destroy_top();
    if (auto ended = std::exchange(ended_, nullptr)) ended(this, std::move(failure));
  }
}

void TaskContext::resume_later(TaskPromise& promise) {
  later_.push_back(&promise);
  loop_.after(Duration{}, [self = self_] {
    const std::shared_ptr<TaskContext> context = self.lock();
    if (!context || context->later_.empty()) return;
    TaskPromise* const next = context->later_.front();
    context->later_.pop_front();
    if (next != nullptr) context->resume(*next);
  });
}

void TaskContext::forget(const TaskPromise& promise) noexcept {
  std::ranges::replace(ready_, const_cast<TaskPromise*>(&promise), nullptr);
  std::ranges::replace(later_, const_cast<TaskPromise*>(&promise), nullptr);
}

}  // namespace quoin::inline v0::detail
