// transpose: columns as rows, entries of a column in the order of the rows.
#include "buckets.hpp"

namespace penchant {

bool transpose(const Rows& rows, i64 n_columns, i64* indptr, i32* indices, float* values,
               const Run& run) {
  struct Moved {
    i32 column, row;
  };
  const Parts parts(rows.indptr[rows.n_rows]);
  Buckets buckets(n_columns);
  std::vector<Moved> moved(static_cast<std::size_t>(parts.n));
  std::vector<float> moved_values(static_cast<std::size_t>(values ? parts.n : 0));
  const bool done = into_buckets(rows.indices, parts, buckets, run, [&](i64 begin, i64 end, auto to) {
    i64 row = std::upper_bound(rows.indptr, rows.indptr + rows.n_rows + 1, begin) - rows.indptr - 1;
    for (i64 entry = begin; entry < end; ++entry) {
      while (entry >= rows.indptr[row + 1]) ++row;
      const auto place = static_cast<std::size_t>(to(entry));
      moved[place] = {static_cast<i32>(buckets.low(rows.indices[entry])), static_cast<i32>(row)};
      if (values != nullptr) moved_values[place] = rows.value(entry);
    }
  });
  indptr[0] = 0;
  return done && parallel(buckets.count, run, [&](i64 bucket, int) {
    std::vector<i64> next;
    const i64 begin = buckets.starts[static_cast<std::size_t>(bucket)];
    const i64 end = buckets.starts[static_cast<std::size_t>(bucket + 1)];
    count_keys(buckets, bucket, n_columns,
               [&](i64 place) { return i64{moved[static_cast<std::size_t>(place)].column}; }, indptr,
               next);
    for (auto at = static_cast<std::size_t>(begin); at < static_cast<std::size_t>(end); ++at) {
      const i64 place = begin + next[static_cast<std::size_t>(moved[at].column)]++;
      indices[place] = moved[at].row;
      if (values != nullptr) values[place] = moved_values[at];
    }
  });
}

}  // namespace penchant
