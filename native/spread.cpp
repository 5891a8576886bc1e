// spread: a history times item-item weights, in the order of the history: sparse ones summed in
// float64, dense ones (which would not be read twice as fast as they are) in float32.
#include <algorithm>
#include <cmath>

#include "kernels.hpp"

namespace penchant {
namespace {

// sums[i] += add(x_j, W_ji) over the entries of one history.
template <class Sum, class Add>
void add(const Rows& history, const Rows& weights, i64 b, Sum* sums, Add add) {
  for (i64 h = history.indptr[b]; h < history.indptr[b + 1]; ++h) {
    const i64 j = history.indices[h];
    const double x = history.value(h);
    const i64 end = weights.indptr[j + 1];
    if (weights.values == nullptr)
      for (i64 w = weights.indptr[j]; w < end; ++w) add(sums[weights.indices[w]], x, 1.0);
    else
      for (i64 w = weights.indptr[j]; w < end; ++w)
        add(sums[weights.indices[w]], x, static_cast<double>(weights.values[w]));
  }
}

// A sum beside the one that belongs to it: one place in memory, one look.
struct Both {
  double sum, norm;
};

template <class Sum>
Sum* cleared(std::vector<Sum>& sums, i64 n) {
  sums.assign(static_cast<std::size_t>(n), Sum{});
  return sums.data();
}

}  // namespace

bool spread(const Rows& history, const Rows& weights, i64 n_columns, Norm kind, float* out,
            float* norm, const Run& run) {
  const auto threads = static_cast<std::size_t>(std::max(run.threads, 1));
  if (kind == Norm::none) {
    std::vector<std::vector<double>> scratch(threads);
    return parallel(history.n_rows, run, [&](i64 b, int worker) {
      double* sums = cleared(scratch[static_cast<std::size_t>(worker)], n_columns);
      add(history, weights, b, sums, [](double& to, double x, double w) { to += x * w; });
      std::transform(sums, sums + n_columns, out + b * n_columns,
                     [](double sum) { return static_cast<float>(sum); });
    });
  }
  std::vector<std::vector<Both>> scratch(threads);
  return parallel(history.n_rows, run, [&](i64 b, int worker) {
    Both* sums = cleared(scratch[static_cast<std::size_t>(worker)], n_columns);
    if (kind == Norm::weights)
      add(history, weights, b, sums, [](Both& to, double x, double w) {
        to.sum += x * w;
        to.norm += std::abs(w);
      });
    else
      add(history, weights, b, sums, [](Both& to, double x, double w) {
        to.sum += x * w;
        to.norm += x;
      });
    for (i64 i = 0; i < n_columns; ++i) {
      out[b * n_columns + i] = static_cast<float>(sums[i].sum);
      norm[b * n_columns + i] = static_cast<float>(sums[i].norm);
    }
  });
}

bool spread(const Rows& history, const float* weights, i64 n_columns, float* out, const Run& run) {
  constexpr i64 TOGETHER = 16,
                TILE = 2048;  // histories of one chunk; columns whose sums fit the nearest cache
  constexpr int FOUR = 4;
  return parallel((history.n_rows + TOGETHER - 1) / TOGETHER, run, [&](i64 chunk, int) {
    const i64 first = chunk * TOGETHER, last = std::min(first + TOGETHER, history.n_rows);
    std::fill(out + first * n_columns, out + last * n_columns, 0.0f);
    for (i64 from = 0; from < n_columns; from += TILE)
      for (i64 b = first; b < last; ++b)
        for (i64 h = history.indptr[b]; h < history.indptr[b + 1]; h += FOUR) {
          const int n = static_cast<int>(std::min<i64>(FOUR, history.indptr[b + 1] - h));
          const float* rows[FOUR];
          float factors[FOUR];
          for (int e = 0; e < n; ++e) {
            rows[e] = weights + history.indices[h + e] * n_columns;
            factors[e] = history.value(h + e);
          }
          level().add_scaled(rows, factors, n, from, std::min(TILE, n_columns - from),
                             out + b * n_columns + from);
        }
  });
}

}  // namespace penchant
