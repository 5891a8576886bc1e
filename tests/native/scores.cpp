// Scores and the best of them, against a full sort.
#include <algorithm>

#include "check.hpp"

namespace penchant {
namespace {

void lists(i64 n_queries, i64 n_items, int d, i64 n, bool excluded) {
  std::vector<float> queries = reals(n_queries * d, 1), items = reals(n_items * d, 2),
                     bias = reals(n_items, 3);
  for (float& x : queries) x = std::round(x * 2);  // ties are common
  for (float& x : items) x = std::round(x * 2);
  for (float& x : bias) x = std::round(x);
  const Panels panels(items.data(), n_items, d, bias.data(), {});
  const Sparse out(n_queries, n_items, 9, false, 7);
  const Rows rows = out.rows();
  const Filter filter{excluded ? &rows : nullptr, nullptr, nullptr};
  std::vector<float> scores(static_cast<std::size_t>(n_queries * n_items));
  CHECK(product(panels, queries.data(), n_queries, scores.data(), {}));
  using Best = std::pair<std::vector<i32>, std::vector<float>>;
  const auto best = on_any_threads<Best>([&](const Run& run) {
    Best found{std::vector<i32>(static_cast<std::size_t>(n_queries * n)),
               std::vector<float>(static_cast<std::size_t>(n_queries * n))};
    CHECK(top_k(panels, queries.data(), n_queries, n, filter, found.first.data(),
                found.second.data(), run));
    return found;
  });
  const auto selected = on_any_threads<Best>([&](const Run& run) {
    Best found{std::vector<i32>(best.first.size()), std::vector<float>(best.first.size())};
    CHECK(select(scores.data(), n_queries, n_items, n, filter, found.first.data(),
                 found.second.data(), run));
    return found;
  });
  CHECK(best == selected);
  for (i64 q = 0; q < n_queries; ++q) {
    std::vector<Scored> all;
    for (i64 i = 0; i < n_items; ++i)
      if (!excluded || out.at(q, i) == 0)
        all.push_back({scores[static_cast<std::size_t>(q * n_items + i)], static_cast<i32>(i)});
    std::sort(all.begin(), all.end());
    for (i64 at = 0; at < n; ++at)
      CHECK(best.first[static_cast<std::size_t>(q * n + at)] ==
            (at < static_cast<i64>(all.size()) ? all[static_cast<std::size_t>(at)].id : -1));
  }
  std::vector<unsigned char> found(best.first.size());
  CHECK(hits(best.first.data(), n, rows, n_items, found.data(), {}));
  if (excluded) CHECK(std::count(found.begin(), found.end(), 1) == 0);
}

}  // namespace

void test_scores() {
  for (const bool excluded : {false, true}) {
    lists(0, 10, 4, 3, excluded);
    lists(3, 1, 1, 5, excluded);
    lists(53, 300, 17, 10, excluded);
    lists(7, 130, 3, 140, excluded);
    lists(5, 64, 0, 4, excluded);
  }
}

}  // namespace penchant
