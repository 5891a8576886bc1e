// fold_in: people's vectors from their histories, and the best items for each, in one call.
#include <algorithm>
#include <cmath>

#include "kernels.hpp"

namespace penchant {
namespace {

// c of each row, (n + pull)^frequency; of a row without entries nothing is solved.
std::vector<float> damping(const FoldIn& model, const Rows& rows) {
  std::vector<float> scale(static_cast<std::size_t>(rows.n_rows));
  for (i64 r = 0; r < rows.n_rows; ++r) {
    const double reach = static_cast<double>(rows.indptr[r + 1] - rows.indptr[r]) + model.pull;
    scale[static_cast<std::size_t>(r)] =
        static_cast<float>(std::pow(std::max(reach, 1.0), model.frequency));
  }
  return scale;
}

}  // namespace

i64 fold_in(const FoldIn& model, const Rows& rows, const float* targets, float* tastes,
            const Run& run) {
  const std::vector<float> scale = damping(model, rows);
  const Ridge problem{rows,        targets,      model.items, model.panels.n_items, model.panels.d,
                      model.ridge, scale.data(), model.gram};
  return solve_rows(problem, {Method::exact, nullptr, 1, LANES}, tastes, nullptr, run);
}

i64 fold_in_best(const FoldIn& model, const Rows& rows, const float* targets, i64 n,
                 const Filter& filter, i32* ids, float* scores, const Run& run) {
  Aligned<float> tastes(static_cast<std::size_t>(rows.n_rows * model.panels.d));
  const i64 bad = fold_in(model, rows, targets, tastes.data(), run);
  if (bad != -1) return bad;
  top_k(model.panels, tastes.data(), rows.n_rows, n, filter, ids, scores, run);
  return -1;
}

}  // namespace penchant
