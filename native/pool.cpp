// One lazy pool of threads, shared by all callers, rebuilt after a fork.
#include "pool.hpp"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>

namespace penchant {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto ASK_EVERY = std::chrono::milliseconds(50);

struct Task {
  std::int64_t chunks;
  const Run* run;
  const std::function<void(std::int64_t, int)>* work;
  std::atomic<std::int64_t> next{0};
  std::atomic<bool> stopped{false};
  std::exception_ptr failure;
  std::mutex failing;

  // Takes chunks until none is left; only the caller (worker 0) asks whether to stop.
  void labour(int worker) {
    auto asked = Clock::now();
    while (!stopped.load(std::memory_order_relaxed)) {
      const std::int64_t chunk = next.fetch_add(1, std::memory_order_relaxed);
      if (chunk >= chunks) return;
      try {
        (*work)(chunk, worker);
      } catch (...) {
        std::lock_guard<std::mutex> lock(failing);
        if (!failure) failure = std::current_exception();
        stopped = true;
      }
      if (worker == 0 && Clock::now() - asked > ASK_EVERY) {
        ask();
        asked = Clock::now();
      }
    }
  }

  void ask() {
    if (run->stop && run->stop()) stopped = true;
  }

  bool finish() {
    if (failure) std::rethrow_exception(failure);
    return !stopped;
  }
};

class Pool {
 public:
  // One task at a time; a caller that finds the pool busy works alone.
  bool run(Task& task, int threads) {
    std::unique_lock<std::mutex> mine(busy_, std::try_to_lock);
    if (!mine.owns_lock()) {
      task.labour(0);
      return task.finish();
    }
    {
      std::lock_guard<std::mutex> lock(mutex_);
      grow(threads - 1);
      task_ = &task;
      wanted_ = threads - 1;
      ++round_;
    }
    wake_.notify_all();
    task.labour(0);
    std::unique_lock<std::mutex> lock(mutex_);
    task_ = nullptr;  // nobody joins from here on
    while (!done_.wait_for(lock, ASK_EVERY, [&] { return working_ == 0; })) {
      lock.unlock();
      task.ask();
      lock.lock();
    }
    lock.unlock();
    return task.finish();
  }

 private:
  void grow(int wanted) {
    try {
      for (; size_ < wanted; ++size_) start(size_ + 1);
    } catch (const std::system_error&) {  // the system grants no more: those there are will do
    }
  }

  void start(int worker) {
    std::thread([this, worker] {
      std::uint64_t seen = 0;
      std::unique_lock<std::mutex> lock(mutex_);
      for (;;) {
        wake_.wait(lock, [&] { return round_ != seen; });
        seen = round_;
        Task* task = task_;
        if (task == nullptr || worker > wanted_) continue;
        ++working_;
        lock.unlock();
        task->labour(worker);
        lock.lock();
        if (--working_ == 0) done_.notify_all();
      }
    }).detach();
  }

  std::mutex busy_, mutex_;
  std::condition_variable wake_, done_;
  Task* task_ = nullptr;
  std::uint64_t round_ = 0;
  int size_ = 0, wanted_ = 0, working_ = 0;
};

// A pool's threads do not survive a fork, so a child makes its own; the old one is left as it lies,
// its locks may be held by threads that are no more.
Pool& pool() {
  static std::mutex making;
  static std::atomic<Pool*> current{nullptr};
  static std::atomic<pid_t> owner{0};
  if (owner.load() != getpid()) {
    std::lock_guard<std::mutex> lock(making);
    if (owner.load() != getpid()) {
      current = new Pool;
      owner = getpid();
    }
  }
  return *current.load();
}

}  // namespace

bool parallel(std::int64_t chunks, const Run& run,
              const std::function<void(std::int64_t, int)>& work) {
  Task task;
  task.chunks = chunks;
  task.run = &run;
  task.work = &work;
  if (run.threads <= 1 || chunks <= 1) {
    task.labour(0);
    return task.finish();
  }
  return pool().run(task, run.threads);
}

}  // namespace penchant
