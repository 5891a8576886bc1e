// What the verbs of stochastic gradient descent share: counter-based numbers, ranges of people, and
// the blocks of a step.
#pragma once

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "kernels.hpp"

namespace penchant {

// A number that depends on seed and counter alone (SplitMix64).
inline std::uint64_t drawn(std::uint64_t seed, std::uint64_t counter) {
  std::uint64_t x = seed * 0x9e3779b97f4a7c15ULL + counter + 1;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// Positions in the order of the numbers drawn for them.
inline void shuffle(std::uint64_t seed, i64* positions, i64 n) {
  std::vector<std::pair<i64, i64>> by_number;
  by_number.reserve(static_cast<std::size_t>(n));
  for (i64 at = 0; at < n; ++at)
    by_number.emplace_back(drawn(seed, static_cast<std::uint64_t>(positions[at])), positions[at]);
  std::sort(by_number.begin(), by_number.end());
  for (i64 at = 0; at < n; ++at) positions[at] = by_number[static_cast<std::size_t>(at)].second;
}

inline std::vector<i64> counts(const i32* ids, i64 n, i64 size) {
  std::vector<i64> out(static_cast<std::size_t>(size));
  for (i64 r = 0; r < n; ++r) ++out[static_cast<std::size_t>(ids[r])];
  return out;
}

// Contiguous ranges of people with equal numbers of events: the range of each person.
inline std::vector<i64> ranges(const std::vector<i64>& events, i64 n, i64 blocks) {
  std::vector<i64> bin(events.size());
  i64 before = 0;
  for (std::size_t u = 0; u < events.size(); ++u) {
    bin[u] = std::min(blocks - 1, n == 0 ? 0 : before * blocks / n);
    before += events[u];
  }
  return bin;
}

// The blocks of one step, each given out once. A thread begins where it began in the last step, so
// that the vectors of "its" people are still in its cache.
class Blocks {
 public:
  Blocks(i64 count, int threads)
      : taken_(static_cast<std::size_t>(count)), threads_(std::max(threads, 1)) {
    for (auto& one : taken_) one = false;
  }

  i64 take(int worker) {
    const auto count = static_cast<i64>(taken_.size());
    i64 block = count * worker / threads_;
    while (taken_[static_cast<std::size_t>(block)].exchange(true)) block = (block + 1) % count;
    return block;
  }

 private:
  std::vector<std::atomic<bool>> taken_;
  int threads_;
};

}  // namespace penchant
