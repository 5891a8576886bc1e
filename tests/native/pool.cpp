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

Run on(int threads) {
  Run run;
  run.threads = threads;
  return run;
}

i64 counted(i64 chunks, int threads) {
  std::vector<std::atomic<int>> seen(chunks), busy(threads);
  CHECK(parallel(chunks, on(threads), [&](i64 chunk, int worker) {
    CHECK(worker >= 0 && worker < threads && ++busy[worker] == 1);
    ++seen[chunk];
    --busy[worker];
  }));
  i64 once = 0;
  for (const auto& one : seen) once += one == 1;
  return once;
}

void fails(int threads) {
  bool caught = false;
  try {
    parallel(100, on(threads), [](i64 chunk, int) {
      if (chunk >= 50) throw std::runtime_error("meant");
    });
  } catch (const std::runtime_error& failure) {
    caught = std::string(failure.what()) == "meant";
  }
  CHECK(caught && counted(100, threads) == 100);  // and the pool goes on
}

// Only the caller is asked, and asks no more once the answer was yes.
void stops(int threads) {
  Run run = on(threads);
  const auto caller = std::this_thread::get_id();
  std::atomic<i64> done{0};
  run.stop = [&] {
    CHECK(std::this_thread::get_id() == caller);
    return true;
  };
  CHECK(!parallel(1 << 20, run, [&](i64, int) {
    usleep(200);
    ++done;
  }));
  CHECK(done < 1 << 20 && counted(100, threads) == 100);
}

// A verb says that it was stopped, once its work takes long enough for the question.
void a_verb_stops() {
  constexpr int D = 64;
  std::vector<float> out(D * D);
  Run run = on(2);
  run.stop = [] { return true; };
  bool finished = true;
  for (i64 n = 50'000; finished; n *= 2) {
    CHECK(n < 4'000'000);
    const std::vector<float> items(n * D, 1.0f);
    finished = gram(items.data(), n, D, nullptr, out.data(), run);
  }
}

std::vector<float> a_verb(int threads) {
  const auto items = reals(400 * 24, 81);
  std::vector<float> out(24 * 24);
  CHECK(gram(items.data(), 400, 24, nullptr, out.data(), on(threads)));
  return out;
}

// Several callers at once, each with as many threads as it likes: the same bytes.
void callers_at_once() {
  const auto expected = a_verb(1);
  std::vector<std::thread> callers;
  for (int caller = 0; caller < 4; ++caller)
    callers.emplace_back([&, caller] {
      for (int again = 0; again < 5; ++again)
        CHECK(counted(200, 1 + caller) == 200 && a_verb(4 - caller) == expected);
    });
  for (auto& caller : callers) caller.join();
}

// A child has no threads but its own, and may have children too.
void forks() {
#if !defined(__SANITIZE_THREAD__)  // which does not follow a fork of a program with threads
  const pid_t child = fork();
  if (child == 0) {
    const bool well = counted(100, 3) == 100;
    const pid_t grandchild = fork();
    if (grandchild == 0) _exit(counted(100, 7) == 100 ? 0 : 1);
    int status = 1;
    waitpid(grandchild, &status, 0);
    _exit(well && status == 0 ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  CHECK(status == 0 && counted(100, 3) == 100);
#endif
}

}  // namespace

void test_pool() {
  for (const int threads : {1, 2, 7}) {
    for (const i64 chunks : {0, 1, 2, 1000}) CHECK(counted(chunks, threads) == chunks);
    fails(threads);
    stops(threads);
  }
  a_verb_stops();
  callers_at_once();
  forks();
}

}  // namespace penchant
