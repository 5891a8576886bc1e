// hits: which entries of each list a person was really found to like.
#include <algorithm>

#include "kernels.hpp"

namespace penchant {

bool hits(const i32* lists, i64 n, const Rows& held, i64 n_columns, unsigned char* out,
          const Run& run) {
  constexpr i64 TOGETHER = 64;  // lists of one chunk
  std::vector<std::vector<i64>> marks(static_cast<std::size_t>(std::max(run.threads, 1)));
  return parallel((held.n_rows + TOGETHER - 1) / TOGETHER, run, [&](i64 chunk, int worker) {
    auto& mark =
        marks[static_cast<std::size_t>(worker)];  // the last row that held each column, plus one
    mark.resize(static_cast<std::size_t>(n_columns));
    for (i64 row = chunk * TOGETHER; row < std::min((chunk + 1) * TOGETHER, held.n_rows); ++row) {
      for (i64 e = held.indptr[row]; e < held.indptr[row + 1]; ++e)
        mark[static_cast<std::size_t>(held.indices[e])] = row + 1;
      for (i64 at = row * n; at < (row + 1) * n; ++at)
        out[at] = lists[at] >= 0 && mark[static_cast<std::size_t>(lists[at])] == row + 1;
    }
  });
}

}  // namespace penchant
