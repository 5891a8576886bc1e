// csr and transpose: counting sorts, stable, so equal keys stay in their order.
#include <algorithm>

#include "kernels.hpp"

namespace penchant {

void csr(const i64* rows, i64 n, i64 n_rows, const i64* times, i64* indptr, i64* order) {
  std::fill(indptr, indptr + n_rows + 1, 0);
  for (i64 entry = 0; entry < n; ++entry) ++indptr[rows[entry] + 1];
  for (i64 row = 0; row < n_rows; ++row) indptr[row + 1] += indptr[row];
  std::vector<i64> next(indptr, indptr + n_rows);
  for (i64 entry = 0; entry < n; ++entry) order[next[rows[entry]]++] = entry;
  if (times == nullptr) return;
  for (i64 row = 0; row < n_rows; ++row)
    std::stable_sort(order + indptr[row], order + indptr[row + 1],
                     [times](i64 a, i64 b) { return times[a] < times[b]; });
}

void transpose(const Rows& rows, i64 n_columns, i64* indptr, i32* indices, float* values) {
  std::fill(indptr, indptr + n_columns + 1, 0);
  const i64 n = rows.indptr[rows.n_rows];
  for (i64 entry = 0; entry < n; ++entry) ++indptr[rows.indices[entry] + 1];
  for (i64 column = 0; column < n_columns; ++column) indptr[column + 1] += indptr[column];
  std::vector<i64> next(indptr, indptr + n_columns);
  for (i64 row = 0; row < rows.n_rows; ++row)
    for (i64 entry = rows.indptr[row]; entry < rows.indptr[row + 1]; ++entry) {
      const i64 place = next[rows.indices[entry]]++;
      indices[place] = static_cast<i32>(row);
      if (values != nullptr) values[place] = rows.values[entry];
    }
}

}  // namespace penchant
