// Stands in for the pool under the thread sanitizer: chunks are dealt to new threads whatever their
// size, so that chunks which write to one place are seen even where one thread would have been
// enough.
#include <exception>
#include <thread>
#include <vector>

#include "pool.hpp"

namespace penchant {

bool parallel(std::int64_t chunks, const Run& run,
              const std::function<void(std::int64_t, int)>& work) {
  std::vector<std::exception_ptr> failures(run.threads);
  const auto labour = [&](int worker) {
    try {
      for (std::int64_t chunk = worker; chunk < chunks; chunk += run.threads) work(chunk, worker);
    } catch (...) {
      failures[worker] = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  for (int worker = 1; worker < run.threads && worker < chunks; ++worker)
    others.emplace_back(labour, worker);
  labour(0);
  for (std::thread& other : others) other.join();
  for (const auto& failure : failures)
    if (failure) std::rethrow_exception(failure);
  return true;
}

}  // namespace penchant
