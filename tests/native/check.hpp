// What the native tests share: a check, numbers without a library, sparse rows, and answers that
// must be equal on any number of threads.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <vector>

#include "kernels.hpp"

#define CHECK(condition)                                                            \
  do {                                                                              \
    if (!(condition)) {                                                             \
      std::fprintf(stderr, "%s:%d: %s is false\n", __FILE__, __LINE__, #condition); \
      std::exit(1);                                                                 \
    }                                                                               \
  } while (0)

namespace penchant {

// A small generator of our own: the same numbers everywhere.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed * 2 + 1) {}
  std::uint64_t next() {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    return state_ ^= state_ << 17;
  }
  i64 below(i64 n) { return static_cast<i64>(next() % static_cast<std::uint64_t>(n)); }
  float real() { return static_cast<float>(next() >> 40) / (1 << 23) - 1; }  // -1 to 1

 private:
  std::uint64_t state_;
};

inline std::vector<float> reals(i64 n, std::uint64_t seed, float low = -1) {
  Random random(seed);
  std::vector<float> out(static_cast<std::size_t>(n));
  for (float& x : out) x = low < 0 ? random.real() : low + 1 + random.real();
  return out;
}

// Rows of distinct columns, some empty; weights from 0.5 to 1.5, of either sign where wanted.
struct Sparse {
  std::vector<i64> indptr{0};
  std::vector<i32> indices;
  std::vector<float> values;
  i64 n_columns;

  Sparse(i64 n_rows, i64 columns, i64 longest, bool weighted, std::uint64_t seed,
         bool either_sign = false)
      : n_columns(columns) {
    Random random(seed);
    for (i64 r = 0; r < n_rows; ++r) {
      const i64 n = columns ? random.below(std::min(longest, columns) + 1) : 0;
      std::vector<bool> held(static_cast<std::size_t>(columns));
      for (i64 e = 0; e < n; ++e) {
        const i64 column = random.below(columns);
        if (held[static_cast<std::size_t>(column)]) continue;
        held[static_cast<std::size_t>(column)] = true;
        indices.push_back(static_cast<i32>(column));
        const float size = 0.5f + std::abs(random.real());
        if (weighted) values.push_back(either_sign && random.below(3) == 0 ? -size : size);
      }
      indptr.push_back(static_cast<i64>(indices.size()));
    }
  }

  Rows rows() const {
    return {indptr.data(), indices.data(), values.empty() ? nullptr : values.data(),
            static_cast<i64>(indptr.size()) - 1};
  }
  std::vector<std::vector<double>> dense() const {
    std::vector<std::vector<double>> out(indptr.size() - 1, std::vector<double>(n_columns));
    for (std::size_t r = 0; r < out.size(); ++r)
      for (i64 e = indptr[r]; e < indptr[r + 1]; ++e) out[r][indices[e]] = rows().value(e);
    return out;
  }
};

// The answer of `ask` on one thread, having checked that two and seven give the same.
template <class Answer>
Answer on_any_threads(const std::function<Answer(const Run&)>& ask) {
  Run run;
  const Answer one = ask(run);
  for (const int threads : {2, 7}) {
    run.threads = threads;
    CHECK(ask(run) == one);
  }
  return one;
}

inline bool near(double a, double b, double tolerance = 1e-3) {
  return std::abs(a - b) <= tolerance * (1 + std::abs(b));
}

// What no instruction-set level has a part in, once; the others at every level.
void test_pool();
void test_ids();
void test_rows();
void test_large_catalogue();
void test_nearest();
void test_similar();
void test_scores();
void test_factors();
void test_descents();
void test_columns();
void test_gibbs();

}  // namespace penchant
