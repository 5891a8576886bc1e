// gram: Σ w v vᵀ over 64 fixed ranges of items, their float32 sums added in order in float64.
#include <algorithm>

#include "kernels.hpp"

namespace penchant {

bool gram(const float* items, i64 n_items, int d, const float* weights, float* out,
          const Run& run) {
  constexpr i64 PARTS = 64;
  const int width = (d + LANES - 1) / LANES * LANES;
  const auto size = static_cast<std::size_t>(width) * static_cast<std::size_t>(width);
  std::vector<Aligned<float>> parts(PARTS);
  const bool finished = parallel(PARTS, run, [&](i64 part, int) {
    Aligned<float>& sum = parts[static_cast<std::size_t>(part)];
    sum.assign(size, 0.0f);
    Aligned<float> rows(static_cast<std::size_t>(ROWS * width)), weighted(rows.size());
    const i64 first = n_items * part / PARTS, last = n_items * (part + 1) / PARTS;
    for (i64 start = first; start < last; start += ROWS) {
      const int n = static_cast<int>(std::min<i64>(ROWS, last - start));
      for (int e = 0; e < n; ++e)
        for (int k = 0; k < d; ++k) {
          const float v = items[(start + e) * d + k];
          rows[static_cast<std::size_t>(e * width + k)] = v;
          weighted[static_cast<std::size_t>(e * width + k)] = weights ? weights[start + e] * v : v;
        }
      level().normal(rows.data(), weighted.data(), n, width, width, sum.data(), sum.data(), {});
    }
  });
  if (!finished) return false;
  for (int i = 0; i < d; ++i)
    for (int j = i; j < d; ++j) {
      double total = 0;
      for (const auto& part : parts) total += part[static_cast<std::size_t>(i * width + j)];
      out[i * d + j] = out[j * d + i] = static_cast<float>(total);
    }
  return true;
}

}  // namespace penchant
