// The pool: every chunk once, failures reach the caller, a wish to stop is heard, callers do not
// meet.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "check.hpp"

namespace penchant {
namespace {

i64 counted(i64 chunks, int threads) {
  std::vector<std::atomic<int>> seen(static_cast<std::size_t>(chunks));
  Run run;
  run.threads = threads;
  CHECK(parallel(chunks, run, [&](i64 chunk, int worker) {
    CHECK(worker < threads);
    ++seen[static_cast<std::size_t>(chunk)];
  }));
  i64 once = 0;
  for (const auto& one : seen) once += one == 1;
  return once;
}

void fails() {
  Run run;
  run.threads = 4;
  bool caught = false;
  try {
    parallel(100, run, [](i64 chunk, int) {
      if (chunk == 50) throw std::runtime_error("meant");
    });
  } catch (const std::runtime_error&) {
    caught = true;
  }
  CHECK(caught);
}

void stops() {
  Run run;
  run.threads = 2;
  run.stop = [] { return true; };
  CHECK(!parallel(1 << 20, run, [](i64, int) { usleep(10); }));
}

}  // namespace

void test_pool() {
  for (const int threads : {1, 2, 7})
    for (const i64 chunks : {0, 1, 2, 1000}) CHECK(counted(chunks, threads) == chunks);
  fails();
  stops();
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([] { CHECK(counted(500, 3) == 500); });
  for (auto& caller : callers) caller.join();
#if !defined(__SANITIZE_THREAD__)  // which does not follow a fork of a program with threads
  const pid_t child = fork();
  if (child == 0) _exit(counted(100, 3) == 100 ? 0 : 1);
  int status = 1;
  waitpid(child, &status, 0);
  CHECK(status == 0);
#endif
}

}  // namespace penchant
