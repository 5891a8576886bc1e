// The machine's ceilings: `fma N S` is GFLOP/s of float32 in registers, `read N S` is GB/s from memory,
// on N threads for S seconds. No memory is touched by the first, so that nothing but a missing core slows it.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
constexpr int BYTES = 64, CHAINS = 12;
#elif defined(__AVX__)
constexpr int BYTES = 32, CHAINS = 10;
#else
constexpr int BYTES = 16, CHAINS = 10;
#endif
typedef float Vector __attribute__((vector_size(BYTES)));

using Clock = std::chrono::steady_clock;
static volatile float sink;  // keeps sums alive

static double since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// Floating-point operations done in the given time: independent chains of a = a * m + c.
static double work(double seconds) {
  Vector a[CHAINS], m = Vector{} + 0.999f, c = Vector{} + 0.001f;
  for (int j = 0; j < CHAINS; ++j) a[j] = Vector{} + float(j);
  double done = 0;
  const auto begin = Clock::now();
  while (since(begin) < seconds) {
    for (int i = 0; i < 20000; ++i)
      for (int j = 0; j < CHAINS; ++j) a[j] = a[j] * m + c;
    done += 20000.0 * CHAINS * 2 * (BYTES / 4);
  }
  Vector sum = a[0];
  for (int j = 1; j < CHAINS; ++j) sum += a[j];
  sink = sum[0];
  return done;
}

// Bytes read in the given time from a table far larger than any cache.
static double read(const std::vector<float>& table, double seconds) {
  double done = 0;
  const auto begin = Clock::now();
  const std::size_t step = 1 << 20, lanes = BYTES / 4;
  Vector sums[8] = {};
  for (std::size_t at = 0; since(begin) < seconds; at = at + step < table.size() ? at + step : 0) {
    for (std::size_t i = at; i + 8 * lanes <= at + step && i + 8 * lanes <= table.size(); i += 8 * lanes)
      for (std::size_t j = 0; j < 8; ++j) {
        Vector one;
        std::memcpy(&one, &table[i + j * lanes], BYTES);
        sums[j] += one;
      }
    done += 4.0 * step;
  }
  for (int j = 1; j < 8; ++j) sums[0] += sums[j];
  sink = sums[0][0];
  return done;
}

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const bool memory = !std::strcmp(argv[1], "read");
  const int threads = std::atoi(argv[2]);
  const double seconds = std::atof(argv[3]);
  std::vector<double> done(threads);
  std::vector<std::thread> pool;
  std::atomic<int> there{0};
  for (int t = 0; t < threads; ++t)
    pool.emplace_back([&, t] {
      std::vector<float> table(memory ? std::size_t(1) << 26 : 0, 1.0f);  // 256 MiB a thread
      ++there;
      while (there < threads) std::this_thread::yield();
      const auto begin = Clock::now();
      const double amount = memory ? read(table, seconds) : work(seconds);
      done[t] = amount / since(begin);
    });
  double rate = 0;
  for (int t = 0; t < threads; ++t) pool[t].join(), rate += done[t];
  std::printf("%.3f\n", rate / 1e9);
}
