// Scores and similarities of sparse rows: spread, nearest and neighbours.
#include "check.hpp"
#include "turned.hpp"

namespace penchant {
namespace {

using Dense = std::vector<std::vector<double>>;

void spread_over(i64 n_rows, i64 n_items, i64 n_columns, bool weighted) {
  const Sparse x(n_rows, n_items, 30, weighted, 5, true);
  const Sparse w(n_items, n_columns, 20, true, 6, true);
  const Dense X = x.dense(), W = w.dense();
  std::vector<float> all;
  for (const auto& row : W) all.insert(all.end(), row.begin(), row.end());
  const i64 size = n_rows * n_columns;
  const auto out = on_any_threads<std::vector<float>>([&](const Run& run) {
    std::vector<float> sums(4 * size), again(size);
    float *weights = sums.data() + size, *history = weights + size, *dense = history + size;
    CHECK(spread(x.rows(), w.rows(), n_columns, Norm::weights, sums.data(), weights, run));
    CHECK(spread(x.rows(), all.data(), n_columns, dense, run));
    CHECK(spread(x.rows(), w.rows(), n_columns, Norm::history, again.data(), history, run));
    CHECK(std::equal(again.begin(), again.end(), sums.begin()));
    CHECK(spread(x.rows(), w.rows(), n_columns, Norm::none, again.data(), nullptr, run));
    CHECK(std::equal(again.begin(), again.end(), sums.begin()));
    return sums;
  });
  for (i64 r = 0; r < n_rows; ++r)
    for (i64 i = r % 5; i < n_columns; i += 5) {
      double sum = 0, weights = 0, history = 0;
      for (i64 j = 0; j < n_items; ++j) {
        sum += X[r][j] * W[j][i];
        weights += X[r][j] != 0 ? std::abs(W[j][i]) : 0;
        history += W[j][i] != 0 ? X[r][j] : 0;
      }
      const i64 at = r * n_columns + i;
      CHECK(near(out[at], sum, 1e-5) && near(out[size + at], weights, 1e-5) &&
            near(out[2 * size + at], history, 1e-5) && near(out[3 * size + at], sum, 1e-5));
    }
}

constexpr double SHRINK = 1.5;

double similarity(const std::vector<double>& a, const std::vector<double>& b, Measure measure) {
  double dot = 0, aa = 0, bb = 0, common_a = 0, common_b = 0, m = 0, either = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    const bool both = a[k] != 0 && b[k] != 0;
    m += both;
    either += a[k] != 0 || b[k] != 0;
    dot += a[k] * b[k];
    aa += a[k] * a[k];
    bb += b[k] * b[k];
    common_a += both * a[k] * a[k];
    common_b += both * b[k] * b[k];
  }
  if (m == 0 || measure == Measure::dot) return dot;
  if (measure == Measure::jaccard) return m / (either + SHRINK);
  if (measure == Measure::cosine) return dot / (std::sqrt(aa * bb) + SHRINK);
  return m < 2 ? 0 : dot / std::sqrt(common_a * common_b) * ((m - 1) / (m - 1 + SHRINK));
}

// Whether a list holds the k best others of a row, best first, up to rounding.
void check_list(const Dense& X, i64 row, i64 k, Measure measure, bool positive,
                const OwnedRows& lists) {
  std::vector<double> expected;
  for (i64 r = 0; r < static_cast<i64>(X.size()); ++r) {
    const double s = r == row ? 0 : similarity(X[row], X[r], measure);
    if (positive ? s > 1e-7 : std::abs(s) > 1e-7) expected.push_back(s);
  }
  std::sort(expected.begin(), expected.end(), std::greater<double>());
  const i64 first = lists.indptr[row], n = lists.indptr[row + 1] - first;
  CHECK(n == std::min<i64>(k, static_cast<i64>(expected.size())));
  for (i64 at = 0; at < n; ++at) {
    const i32 id = lists.indices[first + at];
    const float score = lists.values[first + at];
    CHECK(id != row && near(score, similarity(X[row], X[id], measure), 1e-5));
    CHECK(near(score, expected[at], 1e-5));
    CHECK(at == 0 || Scored({lists.values[first + at - 1], lists.indices[first + at - 1]}) <
                         Scored({score, id}));
  }
}

struct Lists {
  OwnedRows rows;
  bool operator==(const Lists& other) const {
    return rows.indptr == other.rows.indptr && rows.indices == other.rows.indices &&
           rows.values == other.rows.values;
  }
};

Lists nearest_of(const Sparse& x, i64 k, Measure measure, bool positive, const Run& run) {
  std::vector<i32> itself(x.rows().n_rows);
  for (std::size_t r = 0; r < itself.size(); ++r) itself[r] = static_cast<i32>(r);
  Lists out;
  CHECK(nearest(x.rows(), Table(x.rows(), x.n_columns, run),
                {k, measure, SHRINK, itself.data(), positive}, out.rows, run));
  return out;
}

Lists neighbours_of(const Sparse& x, i64 k, Measure measure, const Run& run) {
  Lists out;
  CHECK(neighbours(x.rows(), x.n_columns, k, measure, SHRINK, out.rows, run));
  return out;
}

constexpr Measure MEASURES[] = {Measure::cosine, Measure::jaccard, Measure::dot, Measure::pearson};

template <class Ask>
void compared(const Sparse& x, i64 k, Measure measure, bool positive, i64 every, Ask ask) {
  const Dense X = x.dense();
  const auto lists = on_any_threads<Lists>([&](const Run& run) { return ask(x, k, run); });
  for (i64 r = 0; r < x.rows().n_rows; r += every)
    check_list(X, r, k, measure, positive, lists.rows);
}

template <class Ask>
void all_compared(Measure measure, bool positive, Ask ask) {
  for (const bool weighted : {false, true}) {
    compared(Sparse(0, 5, 3, weighted, 8), 4, measure, positive, 1, ask);
    compared(Sparse(5, 0, 0, weighted, 8), 4, measure, positive, 1, ask);
    compared(Sparse(1, 1, 1, weighted, 8), 4, measure, positive, 1, ask);
    compared(Sparse(60, 9, 9, weighted, 8), 100, measure, positive, 1, ask);
    compared(Sparse(60, 9, 9, weighted, 8), 0, measure, positive, 1, ask);
    compared(Sparse(300, 50, 30, weighted, 8, true), 10, measure, positive, 7, ask);
  }
}

}  // namespace

void test_nearest() {
  for (const Measure measure : MEASURES)
    for (const bool positive : {false, true})
      all_compared(measure, positive, [&](const Sparse& x, i64 k, const Run& run) {
        return nearest_of(x, k, measure, positive, run);
      });
  for (const Measure measure : {Measure::cosine, Measure::jaccard})
    for (const i64 n_columns :
         {90, 900})  // several strips, of columns kept as bits and of rare ones
      compared(Sparse(1200, n_columns, 12, false, 8), 5, measure, true, 101,
               [&](const Sparse& x, i64 k, const Run& run) {
                 return nearest_of(x, k, measure, true, run);
               });
}

void test_similar() {
  for (const bool weighted : {false, true}) {
    spread_over(0, 40, 50, weighted);
    spread_over(20, 0, 50, weighted);
    spread_over(20, 40, 0, weighted);
    spread_over(60, 40, 50, weighted);
    spread_over(20, 9, 2101, weighted);  // several tiles
  }
  for (const Measure measure : MEASURES) {
    if (measure == Measure::pearson) continue;
    const auto ask = [&](const Sparse& x, i64 k, const Run& run) {
      return neighbours_of(x, k, measure, run);
    };
    all_compared(measure, true, ask);
    if (measure != Measure::cosine) continue;
    for (const bool weighted : {false, true})  // more rows than the head
      compared(Sparse(4150, 150, 6, weighted, 19), 5, measure, true, 211, ask);
  }
}

}  // namespace penchant
