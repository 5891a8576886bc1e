// co_counts: XᵀX of sparse rows, dense. Row i of the lower half gathers the histories of those who
// have i, each as far as i, so what is written stays in the nearest cache.
#include <algorithm>

#include "kernels.hpp"
#include "mirror.hpp"

namespace penchant {
namespace {

// Rows with columns in order, and where each column stands in them.
struct Sorted {
  std::vector<i32> indices;
  std::vector<float> values;
  std::vector<i64> indptr;     // of the transpose
  std::vector<i32> rows;       // of its entries
  std::vector<i32> positions;  // of its entries in their rows
  i64 doubled = -1;            // a row in which a column stands twice

  Sorted(const Rows& rows_, i64 n_columns)
      : indices(static_cast<std::size_t>(rows_.indptr[rows_.n_rows])),
        values(rows_.values ? indices.size() : 0),
        indptr(static_cast<std::size_t>(n_columns) + 1),
        rows(indices.size()),
        positions(indices.size()) {
    std::vector<float> by_column(values.size());
    transpose(rows_, n_columns, indptr.data(), rows.data(),
              rows_.values ? by_column.data() : nullptr);
    std::vector<i32> filled(static_cast<std::size_t>(rows_.n_rows), 0);
    for (i64 column = 0; column < n_columns; ++column)
      for (i64 e = indptr[column]; e < indptr[column + 1]; ++e) {
        if (e > indptr[column] && rows[e] == rows[e - 1] && doubled < 0) doubled = rows[e];
        const i32 position = positions[e] = filled[rows[e]]++;
        const i64 place = rows_.indptr[rows[e]] + position;
        indices[place] = static_cast<i32>(column);
        if (rows_.values) values[place] = by_column[e];
      }
  }
};

void add(float* sums, const i32* indices, const float* values, i64 n, float weight) {
  if (values == nullptr)
    for (i64 e = 0; e < n; ++e) sums[indices[e]] += 1.0f;
  else
    for (i64 e = 0; e < n; ++e) sums[indices[e]] += weight * values[e];
}

}  // namespace

i64 co_counts(const Rows& rows, i64 n_columns, float* out, const Run& run) {
  constexpr i64 CHUNK = 8;  // columns
  const Sorted sorted(rows, n_columns);
  if (sorted.doubled >= 0) return sorted.doubled;
  const float* values = rows.values ? sorted.values.data() : nullptr;
  const i64 chunks = (n_columns + CHUNK - 1) / CHUNK;
  const bool finished = parallel(chunks, run, [&](i64 chunk, int) {
    const i64 first = (chunks - 1 - chunk) * CHUNK;  // the longest rows first
    for (i64 i = first; i < std::min(n_columns, first + CHUNK); ++i)
      for (i64 e = sorted.indptr[i]; e < sorted.indptr[i + 1]; ++e) {
        const i64 start = rows.indptr[sorted.rows[e]], n = sorted.positions[e] + 1;
        add(out + i * n_columns, sorted.indices.data() + start, values ? values + start : nullptr,
            n, values ? values[start + n - 1] : 1.0f);
      }
  });
  return finished && mirror(out, n_columns, run, [](float count) { return count; }) ? -1 : -2;
}

}  // namespace penchant
