// transpose: columns as rows, entries of a column in the order of the rows. Parts of the entries
// are counted and moved at the same time, each to places of its own, so any division gives the
// same.
#include <algorithm>

#include "kernels.hpp"

namespace penchant {

bool transpose(const Rows& rows, i64 n_columns, i64* indptr, i32* indices, float* values,
               const Run& run) {
  const i64 n = rows.indptr[rows.n_rows];  // counts take no more room than the entries
  const i64 parts =
      std::clamp<i64>(n / std::max<i64>(n_columns, i64{1} << 15), 1, std::max(run.threads, 1));
  std::vector<std::vector<i64>> next(static_cast<std::size_t>(parts));
  bool going = parallel(parts, run, [&](i64 part, int) {
    std::vector<i64>& mine = next[static_cast<std::size_t>(part)];
    mine.assign(static_cast<std::size_t>(n_columns), 0);
    for (i64 entry = n * part / parts; entry < n * (part + 1) / parts; ++entry)
      ++mine[static_cast<std::size_t>(rows.indices[entry])];
  });
  if (!going) return false;
  i64 place = 0;
  for (i64 column = 0; column < n_columns; ++column) {
    indptr[column] = place;
    for (std::vector<i64>& mine : next) {
      const i64 size = mine[static_cast<std::size_t>(column)];
      mine[static_cast<std::size_t>(column)] = place;
      place += size;
    }
  }
  indptr[n_columns] = n;
  return parallel(parts, run, [&](i64 part, int) {
    i64* mine = next[static_cast<std::size_t>(part)].data();
    const i64 begin = n * part / parts, end = n * (part + 1) / parts;
    i64 row = std::upper_bound(rows.indptr, rows.indptr + rows.n_rows + 1, begin) - rows.indptr - 1;
    for (i64 entry = begin; entry < end; ++entry) {
      while (entry >= rows.indptr[row + 1]) ++row;
      const i64 to = mine[rows.indices[entry]]++;
      indices[to] = static_cast<i32>(row);
      if (values != nullptr) values[to] = rows.values[entry];
    }
  });
}

}  // namespace penchant
