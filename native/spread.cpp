// spread: a history times item-item weights, summed in float64 in the order of the history.
#include <algorithm>

#include "kernels.hpp"

namespace penchant {

bool spread(const Rows& history, const Rows& weights, i64 n_columns, float* out, const Run& run) {
  std::vector<std::vector<double>> sums(static_cast<std::size_t>(std::max(run.threads, 1)));
  return parallel(history.n_rows, run, [&](i64 b, int worker) {
    std::vector<double>& sum = sums[static_cast<std::size_t>(worker)];
    sum.assign(static_cast<std::size_t>(n_columns), 0.0);
    for (i64 h = history.indptr[b]; h < history.indptr[b + 1]; ++h) {
      const i64 j = history.indices[h];
      const double x = history.value(h);
      for (i64 w = weights.indptr[j]; w < weights.indptr[j + 1]; ++w)
        sum[static_cast<std::size_t>(weights.indices[w])] += x * weights.value(w);
    }
    for (i64 i = 0; i < n_columns; ++i) out[b * n_columns + i] = static_cast<float>(sum[static_cast<std::size_t>(i)]);
  });
}

}  // namespace penchant
