// Scores and the best of them, against sums in double precision and a full sort.
#include "check.hpp"

namespace penchant {
namespace {

using Best = std::pair<std::vector<i32>, std::vector<float>>;

struct Asked {
  i64 n_queries, n_items;
  int d;
  i64 n;
  bool biased, filtered;
};

// What is asked, of whole numbers so that ties are common; items of a few very different lengths.
struct Question {
  Asked size;
  std::vector<float> queries, items, bias;
  Sparse excluded;
  Rows exclude;
  std::vector<unsigned char> allowed, known;

  explicit Question(const Asked& s)
      : size(s),
        queries(reals(s.n_queries * s.d, 1)),
        items(reals(s.n_items * s.d, 2)),
        bias(reals(s.n_items, 3)),
        excluded(s.n_queries, s.n_items, 9, false, 7),
        exclude(excluded.rows()) {
    for (float& x : queries) x = std::round(x * 2);
    for (std::size_t at = 0; at < items.size(); ++at)
      items[at] = std::round(items[at] * 2) * (at / s.d % 50 == 0 ? 16.0f : 1.0f);
    for (float& x : bias) x = std::round(x);
    Random random(4);
    for (i64 i = 0; i < s.n_items; ++i) allowed.push_back(random.below(4) > 0);
    for (i64 at = 0; at < s.n_items * s.n_queries; ++at) known.push_back(random.below(3) > 0);
  }

  Panels panels(const Run& run) const {
    return Panels(items.data(), size.n_items, size.d, size.biased ? bias.data() : nullptr, run);
  }
  Filter filter(bool with_known) const {
    if (!size.filtered) return {nullptr, nullptr, nullptr};
    return {&exclude, allowed.data(), with_known ? known.data() : nullptr};
  }
  double score(i64 q, i64 i) const {
    double sum = size.biased ? bias[i] : 0;
    for (int k = 0; k < size.d; ++k)
      sum += static_cast<double>(queries[q * size.d + k]) * items[i * size.d + k];
    return sum;
  }
};

// The list of a query by a full sort; whole numbers make every sum exact.
void check_list(const Question& asked, i64 q, bool with_known, const Best& best) {
  const i64 n_items = asked.size.n_items, n = asked.size.n;
  std::vector<unsigned char> may(n_items, 1);
  for (i64 i = 0; asked.size.filtered && i < n_items; ++i)
    may[i] = asked.allowed[i] && (!with_known || asked.known[q * n_items + i]);
  for (i64 e = asked.excluded.indptr[q]; asked.size.filtered && e < asked.excluded.indptr[q + 1];
       ++e)
    may[asked.excluded.indices[e]] = 0;
  std::vector<Scored> all;
  for (i64 i = 0; i < n_items; ++i)
    if (may[i]) all.push_back({static_cast<float>(asked.score(q, i)), static_cast<i32>(i)});
  std::sort(all.begin(), all.end());
  for (i64 at = 0; at < n; ++at) {
    const bool there = at < static_cast<i64>(all.size());
    CHECK(best.first[q * n + at] == (there ? all[at].id : -1));
    CHECK(best.second[q * n + at] == (there ? all[at].score : 0));
  }
}

void lists(const Asked& size) {
  const Question asked(size);
  const i64 cells = size.n_queries * size.n;
  const auto best = on_any_threads<Best>([&](const Run& run) {
    Best found{std::vector<i32>(cells), std::vector<float>(cells)};
    CHECK(top_k(asked.panels(run), asked.queries.data(), size.n_queries, size.n,
                asked.filter(false), found.first.data(), found.second.data(), run));
    return found;
  });
  const auto scores = on_any_threads<std::vector<float>>([&](const Run& run) {
    std::vector<float> out(size.n_queries * size.n_items);
    CHECK(product(asked.panels(run), asked.queries.data(), size.n_queries, out.data(), run));
    return out;
  });
  const auto selected = on_any_threads<Best>([&](const Run& run) {
    Best found{std::vector<i32>(cells), std::vector<float>(cells)};
    CHECK(select(scores.data(), size.n_queries, size.n_items, size.n, asked.filter(true),
                 found.first.data(), found.second.data(), run));
    return found;
  });
  for (i64 q = 0; q < size.n_queries; ++q) {
    for (i64 i = 0; i < size.n_items; ++i)
      CHECK(scores[q * size.n_items + i] == static_cast<float>(asked.score(q, i)));
    check_list(asked, q, false, best);
    check_list(asked, q, true, selected);
  }
}

// Scores that are no whole numbers: near what double precision says, and alone as in a crowd.
void products(int d) {
  constexpr i64 QUERIES = 20, ITEMS = 130;
  const auto queries = reals(QUERIES * d, 5), items = reals(ITEMS * d, 6), bias = reals(ITEMS, 7);
  const Panels panels(items.data(), ITEMS, d, bias.data(), {});
  std::vector<float> scores(QUERIES * ITEMS), alone(ITEMS);
  CHECK(product(panels, queries.data(), QUERIES, scores.data(), {}));
  for (i64 q = 0; q < QUERIES; ++q) {
    CHECK(product(panels, queries.data() + q * d, 1, alone.data(), {}));
    CHECK(std::equal(alone.begin(), alone.end(), scores.begin() + q * ITEMS));
    for (i64 i = 0; i < ITEMS; ++i) {
      double sum = bias[i];
      for (int k = 0; k < d; ++k) sum += static_cast<double>(queries[q * d + k]) * items[i * d + k];
      CHECK(near(alone[i], sum, 1e-5));
    }
  }
}

}  // namespace

void test_scores() {
  for (const bool biased : {false, true})
    for (const bool filtered : {false, true}) {
      lists({0, 10, 4, 3, biased, filtered});
      lists({4, 0, 4, 3, biased, filtered});
      lists({3, 1, 1, 5, biased, filtered});
      lists({5, 64, 0, 4, biased, filtered});
      lists({9, 100, 5, 0, biased, filtered});
      lists({53, 300, 17, 10, biased, filtered});
      lists({7, 160, 3, 140, biased, filtered});  // longer than what is kept sorted
      lists({60, 1500, 6, 5, biased, filtered});  // stops early
    }
  for (const int d : {1, 15, 16, 17, 64, 130}) products(d);
}

}  // namespace penchant
