// SPDX-License-Identifier: MIT
/// The pool of handle slots: a free list for each thread, and one behind a lock for slots left by
/// threads that ended.
#include "base/handle.hpp"

#include <array>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace quoin::inline v0 {
namespace {

constexpr std::size_t block_size = 256;
using Block = std::array<HandleSlot, block_size>;

/// All slots of the process. Never destroyed: handles may be used while static objects are being
/// destroyed.
class Pool {
 public:
  static Pool& instance() {
    static auto* const pool = new Pool;
    return *pool;
  }

  /// A list of at least one free slot.
  HandleSlot* take() {
    const std::scoped_lock lock{mutex_};
    if (free_ != nullptr) return std::exchange(free_, nullptr);
    Block& block = *blocks_.emplace_back(std::make_unique<Block>());
    HandleSlot* list = nullptr;
    for (HandleSlot& slot : block) {
      slot.next = list;
      list = &slot;
    }
    return list;
  }

  void put(HandleSlot* list) noexcept {
    const std::scoped_lock lock{mutex_};
    while (list != nullptr) {
      HandleSlot* const next = std::exchange(list->next, free_);
      free_ = std::exchange(list, next);
    }
  }

 private:
  std::mutex mutex_;
  HandleSlot* free_ = nullptr;
  std::vector<std::unique_ptr<Block>> blocks_;
};

// Without a destructor, so that it is still usable after the thread's destructors have run: static
// objects may own handles.
struct Cache {
  HandleSlot* free;
  bool closed;
};

thread_local constinit Cache cache{.free = nullptr, .closed = false};

struct CacheCloser {
  CacheCloser() = default;
  CacheCloser(const CacheCloser&) = delete;
  CacheCloser& operator=(const CacheCloser&) = delete;

  ~CacheCloser() {
    cache.closed = true;
    Pool::instance().put(std::exchange(cache.free, nullptr));
  }

  void arm() noexcept {}
};

thread_local CacheCloser closer;

HandleSlot* allocate() {
  if (cache.closed) {
    HandleSlot* const list = Pool::instance().take();
    Pool::instance().put(std::exchange(list->next, nullptr));
    return list;
  }
  if (cache.free == nullptr) {
    closer.arm();  // constructs it, so that its destructor runs when the thread ends
    cache.free = Pool::instance().take();
  }
  HandleSlot* const slot = cache.free;
  cache.free = std::exchange(slot->next, nullptr);
  return slot;
}

void give_back(HandleSlot* slot) noexcept {
  if (cache.closed) {
    Pool::instance().put(slot);
    return;
  }
  closer.arm();
  slot->next = std::exchange(cache.free, slot);
}

}  // namespace

void* Handle::resolve() const noexcept {
  if (slot_ == nullptr) return nullptr;
  if (slot_->generation.load(std::memory_order_acquire) != generation_) return nullptr;
  return slot_->object;
}

HandleOwner::HandleOwner(void* object) : slot_(allocate()) { slot_->object = object; }

Handle HandleOwner::handle() const noexcept {
  if (slot_ == nullptr) return {};
  return {slot_, slot_->generation.load(std::memory_order_relaxed)};
}

void HandleOwner::release() noexcept {
  if (slot_ == nullptr) return;
  slot_->generation.fetch_add(1, std::memory_order_release);
  slot_->object = nullptr;
  give_back(std::exchange(slot_, nullptr));
}

}  // namespace quoin::inline v0
