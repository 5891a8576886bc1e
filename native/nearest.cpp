// nearest: the k most similar rows of a table for each query, by sparse accumulation.
//
// The table is turned once; a query then visits, for each of its columns, the rows that hold it.
// Sums are float64 and added in the order of the query's entries.
#include <algorithm>
#include <cmath>

#include "turned.hpp"

namespace penchant {
namespace {

constexpr i64 CHUNK = 8;  // queries

std::vector<double> norms(const Rows& rows) {
  std::vector<double> out(static_cast<std::size_t>(rows.n_rows));
  for (i64 r = 0; r < rows.n_rows; ++r) {
    double sum = 0;
    for (i64 e = rows.indptr[r]; e < rows.indptr[r + 1]; ++e)
      sum += static_cast<double>(rows.value(e)) * rows.value(e);
    out[static_cast<std::size_t>(r)] = std::sqrt(sum);
  }
  return out;
}

// What one thread needs for one query at a time.
struct Scratch {
  std::vector<double> dot, mine, theirs;
  std::vector<i32> common, touched;
  std::vector<Scored> found;

  void reserve(i64 n, bool squares) {
    if (!dot.empty() || n == 0) return;
    dot.resize(static_cast<std::size_t>(n));
    common.resize(static_cast<std::size_t>(n));
    if (squares) {
      mine.resize(static_cast<std::size_t>(n));
      theirs.resize(static_cast<std::size_t>(n));
    }
  }
};

}  // namespace

bool nearest(const Rows& queries, const Rows& table, i64 n_columns, i64 k, Measure measure,
             double shrink, const i32* itself, bool positive, OwnedRows& out, const Run& run) {
  const Turned turned(table, n_columns);
  const Rows columns = turned.rows();
  const std::vector<double> query_norm = norms(queries), table_norm = norms(table);
  const bool pearson = measure == Measure::pearson;
  std::vector<Scratch> scratch(static_cast<std::size_t>(std::max(run.threads, 1)));
  std::vector<std::vector<Scored>> lists(static_cast<std::size_t>(queries.n_rows));

  const auto similarity = [&](const Scratch& s, i64 q, std::size_t r) -> double {
    if (measure == Measure::dot) return s.dot[r];
    const double m = s.common[r];
    if (pearson) {
      const double below = std::sqrt(s.mine[r] * s.theirs[r]);
      return m < 2 || below <= 0 ? 0 : s.dot[r] / below * ((m - 1) / (m - 1 + shrink));
    }
    if (measure == Measure::jaccard) {
      const double sizes = static_cast<double>(queries.indptr[q + 1] - queries.indptr[q]) +
                           static_cast<double>(table.indptr[r + 1] - table.indptr[r]);
      return m / (sizes - m + shrink);
    }
    const double below = query_norm[static_cast<std::size_t>(q)] * table_norm[r] + shrink;
    return below > 0 ? s.dot[r] / below : 0;
  };

  const auto one = [&](i64 q, Scratch& s) {
    for (i64 e = queries.indptr[q]; e < queries.indptr[q + 1]; ++e) {
      const i64 column = queries.indices[e];
      const double x = queries.value(e);
      for (i64 t = turned.indptr[static_cast<std::size_t>(column)];
           t < turned.indptr[static_cast<std::size_t>(column) + 1]; ++t) {
        const auto r = static_cast<std::size_t>(turned.indices[static_cast<std::size_t>(t)]);
        const double y = columns.value(t);
        if (s.common[r]++ == 0) s.touched.push_back(static_cast<i32>(r));
        s.dot[r] += x * y;
        if (pearson) {
          s.mine[r] += x * x;
          s.theirs[r] += y * y;
        }
      }
    }
    s.found.clear();
    for (const i32 row : s.touched) {
      const auto r = static_cast<std::size_t>(row);
      const auto value = static_cast<float>(similarity(s, q, r));
      const bool wanted = positive ? value > 0 : value != 0;
      if (wanted && (itself == nullptr || itself[q] != row)) s.found.push_back({value, row});
      s.dot[r] = 0;
      s.common[r] = 0;
      if (pearson) s.mine[r] = s.theirs[r] = 0;
    }
    s.touched.clear();
    const auto keep = std::min<std::size_t>(s.found.size(), static_cast<std::size_t>(k));
    std::partial_sort(s.found.begin(), s.found.begin() + static_cast<std::ptrdiff_t>(keep),
                      s.found.end());
    lists[static_cast<std::size_t>(q)].assign(s.found.begin(),
                                              s.found.begin() + static_cast<std::ptrdiff_t>(keep));
  };

  const bool finished =
      parallel((queries.n_rows + CHUNK - 1) / CHUNK, run, [&](i64 chunk, int worker) {
        Scratch& s = scratch[static_cast<std::size_t>(worker)];
        s.reserve(table.n_rows, pearson);
        for (i64 q = chunk * CHUNK; q < std::min((chunk + 1) * CHUNK, queries.n_rows); ++q)
          one(q, s);
      });

  collect(lists, out);
  return finished;
}

}  // namespace penchant
