// Sparse rows: sorted, turned, gathered, judged.
#include <limits>
#include <map>
#include <numeric>
#include <tuple>

#include "check.hpp"

namespace penchant {
namespace {

using Sorted = std::pair<std::vector<i64>, std::vector<i64>>;

struct Moved {
  std::vector<i64> indptr, order, times;
  std::vector<std::uint32_t> cells;
  bool operator==(const Moved& other) const {
    return indptr == other.indptr && order == other.order && times == other.times &&
           cells == other.cells;
  }
};

// Times and cells go where their entries go, whether times are near each other or far apart.
void carried(i64 n, i64 n_rows, i64 range) {
  Random random(6);
  std::vector<i32> rows(n);
  std::vector<i64> times(n);
  std::vector<std::uint32_t> cells(n);
  for (auto& row : rows) row = static_cast<i32>(random.below(n_rows));
  for (auto& time : times) time = random.below(range) << random.below(40);
  for (auto& cell : cells) cell = static_cast<std::uint32_t>(random.next());
  if (n > 1) times[0] = std::numeric_limits<i64>::min();
  if (n > 1) times[1] = std::numeric_limits<i64>::max();
  const auto out = on_any_threads<Moved>([&](const Run& run) {
    Moved to{std::vector<i64>(n_rows + 1), std::vector<i64>(n), std::vector<i64>(n),
             std::vector<std::uint32_t>(n)};
    CHECK(arranged(rows.data(), n, n_rows, times.data(), to.indptr.data(), to.order.data(),
                   to.times.data(), {{cells.data(), to.cells.data()}}, run));
    return to;
  });
  for (i64 at = 0; at < n; ++at) {
    const i64 entry = out.order[at];
    CHECK(out.times[at] == times[entry] && out.cells[at] == cells[entry]);
    const auto place = [&](i64 e) { return std::make_tuple(rows[e], times[e], e); };
    CHECK(at == 0 || place(out.order[at - 1]) < place(entry));
  }
}

void graded(i64 n, i64 many, i64 most) {
  Random random(7);
  std::vector<float> values(n);
  for (float& value : values) value = static_cast<float>(random.below(many)) - 2.0f;
  if (n > 2) values[2] = -0.0f;
  std::vector<float> distinct = values;
  std::sort(distinct.begin(), distinct.end());
  distinct.erase(std::unique(distinct.begin(), distinct.end()), distinct.end());
  const auto few = on_any_threads<bool>([&](const Run& run) {
    std::vector<float> found;
    bool out = false;
    CHECK(grades(values.data(), n, most, found, out, run));
    CHECK(!out || found == distinct);
    return out;
  });
  CHECK(few == (static_cast<i64>(distinct.size()) <= most));
}

void sorted(i64 n, i64 n_rows, bool timed) {
  Random random(4);
  std::vector<i32> rows(n);
  std::vector<i64> times(n), expected(n);
  for (auto& row : rows) row = static_cast<i32>(random.below(n_rows));
  for (auto& time : times) time = timed ? random.below(9) - 4 : 0;
  std::iota(expected.begin(), expected.end(), 0);
  std::stable_sort(expected.begin(), expected.end(), [&](i64 a, i64 b) {
    return std::make_pair(rows[a], times[a]) < std::make_pair(rows[b], times[b]);
  });
  const auto [indptr, order] = on_any_threads<Sorted>([&](const Run& run) {
    Sorted out{std::vector<i64>(n_rows + 1), std::vector<i64>(n)};
    CHECK(csr(rows.data(), n, n_rows, timed ? times.data() : nullptr, out.first.data(),
              out.second.data(), run));
    return out;
  });
  CHECK(order == expected && indptr[0] == 0 && indptr.back() == n);
  for (i64 r = 0; r < n_rows; ++r)
    for (i64 at = indptr[r]; at < indptr[r + 1]; ++at) CHECK(rows[order[at]] == r);
}

struct Columns {
  std::vector<i64> indptr;
  std::vector<i32> indices;
  std::vector<float> values;
  bool operator==(const Columns& other) const {
    return indptr == other.indptr && indices == other.indices && values == other.values;
  }
};

void turned(const Sparse& x) {
  const auto out = on_any_threads<Columns>([&](const Run& run) {
    Columns to{std::vector<i64>(x.n_columns + 1), std::vector<i32>(x.indices.size()),
               std::vector<float>(x.values.size())};
    CHECK(transpose(x.rows(), x.n_columns, to.indptr.data(), to.indices.data(),
                    x.values.empty() ? nullptr : to.values.data(), run));
    return to;
  });
  Columns expected{{0}, {}, {}};
  std::vector<std::vector<std::pair<i32, float>>> columns(x.n_columns);
  for (i64 r = 0; r < x.rows().n_rows; ++r)
    for (i64 e = x.indptr[r]; e < x.indptr[r + 1]; ++e)
      columns[x.indices[e]].emplace_back(static_cast<i32>(r), x.rows().value(e));
  for (const auto& column : columns) {
    for (const auto& [row, value] : column) {
      expected.indices.push_back(row);
      if (!x.values.empty()) expected.values.push_back(value);
    }
    expected.indptr.push_back(static_cast<i64>(expected.indices.size()));
  }
  CHECK(out == expected);
}

// Rows in which columns come again, with likes, dislikes and no opinion.
Sparse events(i64 n_rows, i64 n_columns, i64 longest) {
  Sparse out(0, n_columns, 0, true, 1);
  Random random(12);
  for (i64 r = 0; r < n_rows; ++r) {
    for (i64 left = random.below(longest + 1); left > 0; --left) {
      out.indices.push_back(static_cast<i32>(random.below(n_columns)));
      out.values.push_back(static_cast<float>(random.below(3) - 1));
    }
    out.indptr.push_back(static_cast<i64>(out.indices.size()));
  }
  return out;
}

// The entry of one column that counts, among where it stands.
i64 counting(const Rows& rows, const std::vector<i64>& places, bool last) {
  if (last) return places.back();
  const auto sign = [&](i64 e) { return (rows.value(e) > 0) - (rows.value(e) < 0); };
  int opinion = 0;
  for (const i64 e : places) opinion = sign(e) ? sign(e) : opinion;
  return *std::find_if(places.begin(), places.end(), [&](i64 e) { return sign(e) == opinion; });
}

void decided(const Sparse& x, bool last) {
  const auto mask = on_any_threads<std::vector<unsigned char>>([&](const Run& run) {
    std::vector<unsigned char> out(x.indices.size());
    CHECK(deciding(x.rows(), last, out.data(), run));
    return out;
  });
  std::vector<unsigned char> expected(mask.size());
  for (i64 r = 0; r < x.rows().n_rows; ++r) {
    std::map<i32, std::vector<i64>> places;
    for (i64 e = x.indptr[r]; e < x.indptr[r + 1]; ++e) places[x.indices[e]].push_back(e);
    for (const auto& [column, of_it] : places) expected[counting(x.rows(), of_it, last)] = 1;
  }
  CHECK(mask == expected);
}

template <class T>
void gathered(i64 n) {
  Random random(2);
  std::vector<T> source(1000);
  for (T& one : source) one = static_cast<T>(random.next());
  std::vector<i64> places(n);
  for (i64& place : places) place = random.below(1000);
  const auto out = on_any_threads<std::vector<T>>([&](const Run& run) {
    std::vector<T> to(n);
    CHECK(gather(source.data(), places.data(), n, to.data(), run));
    return to;
  });
  for (i64 at = 0; at < n; ++at) CHECK(out[at] == source[places[at]]);
}

bool is_sound(const Sparse& x) {
  return on_any_threads<bool>([&](const Run& run) { return sound(x.rows(), x.n_columns, run); });
}

void judged() {
  CHECK(is_sound(Sparse(0, 0, 0, false, 1)) && is_sound(Sparse(9, 0, 0, true, 1)));
  const Sparse good(3000, 60, 60, true, 41);
  CHECK(is_sound(good) && good.indices.size() > (1 << 16));
  const auto odd = [&](auto spoil) {
    Sparse x = good;
    spoil(x);
    return !is_sound(x);
  };
  CHECK(odd([](Sparse& x) { x.indices.back() = 60; }));
  CHECK(odd([](Sparse& x) { x.indices[7] = -1; }));
  CHECK(odd([](Sparse& x) { x.values.back() = std::numeric_limits<float>::infinity(); }));
  CHECK(odd([](Sparse& x) { x.values[3] = std::numeric_limits<float>::quiet_NaN(); }));
  CHECK(odd([](Sparse& x) { x.indptr[5] = x.indptr[6] + 1; }));
  CHECK(odd([](Sparse& x) { x.indptr[0] = 1; }));
}

void found(i64 n_rows, i64 n_columns, i64 n) {
  const Sparse held(n_rows, n_columns, 8, false, 51);
  Random random(52);
  std::vector<i32> lists(n_rows * n);
  for (i32& one : lists) one = static_cast<i32>(random.below(n_columns + 1)) - 1;
  const auto out = on_any_threads<std::vector<unsigned char>>([&](const Run& run) {
    std::vector<unsigned char> to(lists.size());
    CHECK(hits(lists.data(), n, held.rows(), n_columns, to.data(), run));
    return to;
  });
  const auto dense = held.dense();
  for (i64 at = 0; at < n_rows * n; ++at)
    CHECK(out[at] == (lists[at] >= 0 && dense[at / n][lists[at]] != 0));
}

using Counts = std::tuple<std::vector<i64>, std::vector<i32>, std::vector<float>>;

// A row of many pairs is walked, one of few sorted.
void followed(const Sparse& x, i64 horizon) {
  std::vector<double> weights;
  for (i64 g = 0; g < horizon; ++g) weights.push_back(1.0 / static_cast<double>(g + 1));
  const auto [indptr, indices, values] = on_any_threads<Counts>([&](const Run& run) {
    OwnedRows out;
    CHECK(follow_counts(x.rows(), x.n_columns, weights.data(), horizon, out, run));
    return Counts{out.indptr, out.indices, out.values};
  });
  std::map<std::pair<i32, i32>, double> expected;
  for (i64 r = 0; r < x.rows().n_rows; ++r)
    for (i64 e = x.indptr[r]; e < x.indptr[r + 1]; ++e)
      for (i64 f = e + 1; f < std::min(x.indptr[r + 1], e + horizon + 1); ++f)
        expected[{x.indices[e], x.indices[f]}] += weights[f - e - 1];
  CHECK(static_cast<i64>(indptr.size()) == x.n_columns + 1 && indices.size() == expected.size());
  auto wanted = expected.begin();
  for (i64 a = 0; a < x.n_columns; ++a)
    for (i64 at = indptr[a]; at < indptr[a + 1]; ++at, ++wanted)
      CHECK(wanted->first == std::make_pair(static_cast<i32>(a), indices[at]) &&
            near(values[at], wanted->second));
}

}  // namespace

void test_rows() {
  sorted(0, 0, true);
  for (const bool timed : {false, true}) {
    for (const i64 n : {0, 1, 4000}) sorted(n, 60, timed);
    sorted(300'000, 3000, timed);  // several parts, and several rows in a bucket
  }
  for (const i64 range : {1, 1000, 1 << 22}) {
    for (const i64 n : {0, 1, 2, 4000}) carried(n, 6, range);
    carried(300'000, 900, range);
  }
  for (const i64 most : {1, 10, 100}) {
    graded(0, 1, most);
    graded(5, 1, most);
    graded(200'000, 10, most);
  }
  for (const bool weighted : {false, true}) {
    turned(Sparse(0, 40, 9, weighted, 5));
    turned(Sparse(90, 0, 9, weighted, 5));
    turned(Sparse(90, 40, 9, weighted, 5));
    turned(Sparse(3500, 60, 60, weighted, 5));  // several parts
  }
  for (const bool last : {false, true}) {
    decided(events(0, 1, 1), last);
    decided(events(30, 1, 5), last);
    decided(events(400, 20, 40), last);
  }
  for (const i64 n : {0, 1, 150'000}) {
    gathered<std::uint32_t>(n);
    gathered<std::uint64_t>(n);
  }
  judged();
  followed(Sparse(0, 5, 3, false, 2), 4);
  followed(Sparse(40, 20, 9, false, 2), 0);
  followed(events(300, 20, 40), 3);
  followed(events(300, 3000, 40), 50);
  found(0, 5, 3);
  found(9, 0, 2);
  found(200, 30, 7);
}

}  // namespace penchant
