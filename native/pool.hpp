// One lazy pool of threads, shared by all callers, rebuilt after a fork.
#pragma once

#include <cstdint>
#include <functional>

namespace penchant {

// How a call may spend its time: how many threads, and whom to ask whether to stop.
struct Run {
  int threads = 1;
  std::function<bool()> stop;  // asked by the calling thread now and then; true ends the work
};

// Runs chunk 0 .. chunks-1, each once, in any order; `worker` is below run.threads and belongs to
// one thread at a time. Returns false if the work was stopped. Exceptions reach the caller.
bool parallel(std::int64_t chunks, const Run& run,
              const std::function<void(std::int64_t chunk, int worker)>& work);

}  // namespace penchant
