// Sparse rows: sorted, turned, spread, compared.
#include <algorithm>

#include "check.hpp"
#include "turned.hpp"

namespace penchant {
namespace {

void sorted(i64 n, i64 n_rows) {
  Random random(4);
  std::vector<i32> rows(static_cast<std::size_t>(n));
  std::vector<i64> times(rows.size());
  for (auto& row : rows) row = static_cast<i32>(random.below(n_rows));
  for (auto& time : times) time = random.below(9);
  const auto order = on_any_threads<std::vector<i64>>([&](const Run& run) {
    std::vector<i64> indptr(static_cast<std::size_t>(n_rows) + 1), out(rows.size());
    CHECK(csr(rows.data(), n, n_rows, times.data(), indptr.data(), out.data(), run));
    CHECK(indptr.back() == n);
    return out;
  });
  for (std::size_t at = 1; at < order.size(); ++at) {
    const auto a = static_cast<std::size_t>(order[at - 1]), b = static_cast<std::size_t>(order[at]);
    CHECK(std::make_tuple(rows[a], times[a], a) < std::make_tuple(rows[b], times[b], b));
  }
}

void turned_and_spread(i64 n_rows, i64 n_columns, bool weighted) {
  const Sparse x(n_rows, n_columns, 30, weighted, 5), w(n_columns, 50, 20, true, 6);
  const i64 entries = x.indptr.back();
  const auto turned = on_any_threads<std::vector<i32>>([&](const Run& run) {
    std::vector<i64> indptr(static_cast<std::size_t>(n_columns) + 1);
    std::vector<i32> indices(static_cast<std::size_t>(entries));
    std::vector<float> values(weighted ? indices.size() : 0);
    CHECK(transpose(x.rows(), n_columns, indptr.data(), indices.data(),
                    weighted ? values.data() : nullptr, run));
    CHECK(indptr.back() == entries);
    return indices;
  });
  CHECK(static_cast<i64>(turned.size()) == entries);
  std::vector<float> dense(static_cast<std::size_t>(n_columns * 50));
  for (i64 j = 0; j < n_columns; ++j)
    for (i64 i = 0; i < 50; ++i)
      dense[static_cast<std::size_t>(j * 50 + i)] = static_cast<float>(w.at(j, i));
  std::vector<float> norm(static_cast<std::size_t>(n_rows * 50)), full(norm.size());
  const auto out = on_any_threads<std::vector<float>>([&](const Run& run) {
    std::vector<float> sums(norm.size());
    CHECK(spread(x.rows(), w.rows(), 50, Norm::weights, sums.data(), norm.data(), run));
    CHECK(spread(x.rows(), w.rows(), 50, Norm::history, sums.data(), norm.data(), run));
    CHECK(spread(x.rows(), w.rows(), 50, Norm::none, sums.data(), nullptr, run));
    CHECK(spread(x.rows(), dense.data(), 50, full.data(), run));
    return sums;
  });
  for (i64 r = 0; r < n_rows; r += 3)
    for (i64 i = 0; i < 50; i += 7) {
      double expected = 0;
      for (i64 j = 0; j < n_columns; ++j) expected += x.at(r, j) * w.at(j, i);
      CHECK(near(out[static_cast<std::size_t>(r * 50 + i)], expected) &&
            near(full[static_cast<std::size_t>(r * 50 + i)], expected));
    }
}

using Found = std::pair<std::vector<i32>, std::vector<float>>;

void compared(i64 n_rows, i64 n_columns, i64 longest, bool weighted, Measure measure) {
  const Sparse table(n_rows, n_columns, longest, weighted, 8);
  std::vector<i32> itself(static_cast<std::size_t>(n_rows));
  for (std::size_t r = 0; r < itself.size(); ++r) itself[r] = static_cast<i32>(r);
  const auto [ids, scores] = on_any_threads<Found>([&](const Run& run) {
    OwnedRows out;
    CHECK(nearest(table.rows(), Table(table.rows(), n_columns, run),
                  {10, measure, 1.0, itself.data(), true}, out, run));
    return Found{out.indices, out.values};
  });
  if (measure == Measure::pearson) return;
  const auto [others, alike] = on_any_threads<Found>([&](const Run& run) {
    OwnedRows out;
    CHECK(neighbours(table.rows(), n_columns, 10, measure, 1.0, out, run));
    return Found{out.indices, out.values};
  });
  CHECK(alike.size() == scores.size());
  for (std::size_t at = 0; at < scores.size(); ++at) CHECK(near(alike[at], scores[at], 1e-5));
}

}  // namespace

void test_rows() {
  for (const i64 n : {0, 1, 4000}) sorted(n, 60);
  for (const bool weighted : {false, true}) {
    turned_and_spread(0, 40, weighted);
    turned_and_spread(90, 0, weighted);
    turned_and_spread(90, 40, weighted);
    for (const Measure measure :
         {Measure::cosine, Measure::jaccard, Measure::pearson, Measure::dot}) {
      compared(0, 5, 3, weighted, measure);
      compared(1, 1, 1, weighted, measure);
      compared(700, 90, 40, weighted, measure);
    }
  }
  compared(4400, 150, 20, false, Measure::cosine);  // more rows than the head
}

}  // namespace penchant
