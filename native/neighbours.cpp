// neighbours: each row's k most similar others, for all rows at once.
//
// Rows are renumbered by length, the longest first, and every pair is looked at once: a row against
// those before it, for the lists of both. Likes: the first rows are bits of each column, so that
// what a row has in common with 512 others is a vertical sum of its columns' bits (16 at a time by
// carry-save adders, Mula, Kurz and Lemire, 2018); pairs of later rows, which are few, are counted
// one by one. Weights: eight rows share one pass over their columns. A pair is worth a division
// only if it may reach the worse of two lists. Lists are kept per thread and merged under the total
// order (similarity, row), so threads cannot change the answer.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "huge.hpp"
#include "kernels.hpp"

namespace penchant {
namespace {

constexpr i64 STRIP = 512;       // rows counted by one vertical sum
constexpr i64 HEAD = 8 * STRIP;  // rows kept as bits, at most
constexpr i64 TOGETHER = 8;      // weighted rows of one pass
constexpr i64 EARLY = 12;        // columns on their way from memory
constexpr i64 SPREAD = 16;       // chunks that each thread should find, at least

// The table with rows in order of length, and its columns with rows in that order.
struct Ordered {
  std::vector<i32> row_at;          // the row of each rank
  std::vector<i64> indptr;          // by rank
  std::vector<i32> columns, place;  // of each entry: its column, and where it stands there
  std::vector<float> values;
  std::vector<i64> column_indptr;
  Huge<i32> ranks;  // of each column's entries, rising
  Huge<float> column_values;

  Ordered(const Rows& table, i64 n_columns, bool weighted)
      : row_at(static_cast<std::size_t>(table.n_rows)) {
    const i64 n = table.indptr[table.n_rows];
    std::iota(row_at.begin(), row_at.end(), 0);
    const auto size = [&](i32 r) { return table.indptr[r + 1] - table.indptr[r]; };
    std::stable_sort(row_at.begin(), row_at.end(), [&](i32 a, i32 b) { return size(a) > size(b); });
    indptr.push_back(0);
    for (const i32 r : row_at) indptr.push_back(indptr.back() + size(r));
    columns.resize(static_cast<std::size_t>(n));
    place.resize(columns.size());
    ranks.resize(columns.size());
    column_indptr.assign(static_cast<std::size_t>(n_columns) + 1, 0);
    for (i64 e = 0; e < n; ++e) ++column_indptr[static_cast<std::size_t>(table.indices[e]) + 1];
    std::partial_sum(column_indptr.begin(), column_indptr.end(), column_indptr.begin());
    if (weighted) {
      values.resize(columns.size());
      column_values.resize(columns.size());
    }
    std::vector<i64> next(column_indptr.begin(), column_indptr.end() - 1);
    i64 to = 0;
    for (std::size_t rank = 0; rank < row_at.size(); ++rank)
      for (i64 e = table.indptr[row_at[rank]]; e < table.indptr[row_at[rank] + 1]; ++e, ++to) {
        const auto column = static_cast<std::size_t>(table.indices[e]),
                   at = static_cast<std::size_t>(next[column]++);
        columns[static_cast<std::size_t>(to)] = table.indices[e];
        place[static_cast<std::size_t>(to)] =
            static_cast<i32>(static_cast<i64>(at) - column_indptr[column]);
        ranks[at] = static_cast<i32>(rank);
        if (weighted) values[static_cast<std::size_t>(to)] = column_values[at] = table.value(e);
      }
  }

  i64 n_rows() const { return static_cast<i64>(row_at.size()); }
  const float* values_of(i64 column) const {
    return column_values.size() == 0
               ? nullptr
               : column_values.data() + column_indptr[static_cast<std::size_t>(column)];
  }
};

// How a similarity follows from a pair's sum c: c / below, below = plus + scale · size_j − less ·
// c.
struct Formula {
  Measure measure;
  double shrink;
  Aligned<float> sizes;  // by rank: lengths |a| (cosine) or numbers of entries (jaccard)

  Formula(const Ordered& o, Measure how, double damp)
      : measure(how), shrink(damp), sizes(o.row_at.size()) {
    for (std::size_t rank = 0; rank < sizes.size(); ++rank) {
      double sum = static_cast<double>(o.indptr[rank + 1] - o.indptr[rank]);
      if (measure == Measure::cosine && !o.values.empty()) {
        sum = 0;
        for (i64 e = o.indptr[rank]; e < o.indptr[rank + 1]; ++e)
          sum += static_cast<double>(o.values[static_cast<std::size_t>(e)]) *
                 o.values[static_cast<std::size_t>(e)];
      }
      exact.push_back(measure == Measure::cosine ? std::sqrt(sum) : sum);
      sizes[rank] = static_cast<float>(exact.back());
    }
  }

  float plus(i64 i) const {
    if (measure == Measure::dot) return 1.0f;
    return static_cast<float>(measure == Measure::cosine ? shrink : shrink + size(i));
  }
  float scale(i64 i) const {
    if (measure == Measure::dot) return 0.0f;
    return measure == Measure::cosine ? static_cast<float>(size(i)) : 1.0f;
  }
  float less() const { return measure == Measure::jaccard ? 1.0f : 0.0f; }

  float similarity(double c, i64 i, i64 j) const {
    if (measure == Measure::dot) return static_cast<float>(c);
    const double below =
        measure == Measure::cosine ? size(i) * size(j) + shrink : size(i) + size(j) - c + shrink;
    return below > 0 ? static_cast<float>(c / below) : 0.0f;
  }

 private:
  std::vector<double> exact;
  double size(i64 rank) const { return exact[static_cast<std::size_t>(rank)]; }
};

// The best of every row that one thread has seen: up to 2k of each, then cut to k.
class Lists {
 public:
  Lists(i64 n, i64 k)
      : k_(static_cast<std::size_t>(k)),
        kept_(static_cast<std::size_t>(n)),
        bar_(static_cast<std::size_t>(n)) {}

  const float* bars() const { return bar_.data(); }
  float bar(i64 rank) const { return bar_[static_cast<std::size_t>(rank)]; }
  std::vector<Scored>& of(i64 rank) { return kept_[static_cast<std::size_t>(rank)]; }

  void offer(i64 rank, float score, i32 id) {
    auto& list = kept_[static_cast<std::size_t>(rank)];
    if (k_ == 0 || !(score > 0) || score < bar_[static_cast<std::size_t>(rank)]) return;
    list.push_back({score, id});
    if (list.size() < 2 * k_) return;
    cut(list);
    bar_[static_cast<std::size_t>(rank)] = list.back().score;
  }

  void cut(std::vector<Scored>& list) const {
    if (list.size() <= k_) return;
    std::nth_element(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(k_ - 1), list.end());
    list.resize(k_);
  }

 private:
  std::size_t k_;
  std::vector<std::vector<Scored>> kept_;
  Aligned<float> bar_;  // what a list asks for
};

// Every column as bits of the head's rows.
struct Head {
  i64 size, words;
  Huge<std::uint64_t> bits;
  std::vector<i32> entries;  // of each column that lie in the head
  std::vector<std::uint64_t> nothing;

  Head(const Ordered& o, const Run& run)
      : size(std::min((o.n_rows() + STRIP - 1) / STRIP * STRIP, HEAD)), words(size / 64) {
    const i64 n = static_cast<i64>(o.column_indptr.size()) - 1;
    bits.resize(static_cast<std::size_t>(n * words));
    nothing.resize(static_cast<std::size_t>(words));
    entries.resize(static_cast<std::size_t>(n));
    Run quiet = run;
    quiet.stop = nullptr;
    parallel((n + 1023) / 1024, quiet, [&](i64 chunk, int) {
      for (i64 column = chunk * 1024; column < std::min(chunk * 1024 + 1024, n); ++column) {
        i64 e = o.column_indptr[static_cast<std::size_t>(column)];
        const i64 first = e, last = o.column_indptr[static_cast<std::size_t>(column) + 1];
        for (; e < last && o.ranks[static_cast<std::size_t>(e)] < size; ++e)
          bits[static_cast<std::size_t>(column * words +
                                        o.ranks[static_cast<std::size_t>(e)] / 64)] |=
              std::uint64_t{1} << (o.ranks[static_cast<std::size_t>(e)] % 64);
        entries[static_cast<std::size_t>(column)] = static_cast<i32>(e - first);
      }
    });
  }

  // A column's entries behind the head.
  const i32* tail(const Ordered& o, i32 column) const {
    return o.ranks.data() + o.column_indptr[static_cast<std::size_t>(column)] +
           entries[static_cast<std::size_t>(column)];
  }
};

// What both kinds of rows share: who is compared, and where it goes.
struct Task {
  const Ordered& o;
  const Formula& formula;
  std::vector<Lists>& lists;

  void pair(double c, i64 i, i64 j, Lists& mine) const {
    const float score = formula.similarity(c, i, j);
    mine.offer(i, score, o.row_at[static_cast<std::size_t>(j)]);
    mine.offer(j, score, o.row_at[static_cast<std::size_t>(i)]);
  }
};

// Ranks dealt so that chunks cost about the same: the last ones, compared with all, first.
bool all_likes(const Task& task, const Run& run) {
  const Ordered& o = task.o;
  const Head head(o, run);
  const i64 n = o.n_rows();
  std::vector<Aligned<i32>> counts(task.lists.size()), found(task.lists.size());
  const i64 chunk_size = std::clamp<i64>(n / (SPREAD * static_cast<i64>(task.lists.size())), 1, 32);
  return parallel((n + chunk_size - 1) / chunk_size, run, [&](i64 chunk, int worker) {
    auto& count = counts[static_cast<std::size_t>(worker)];
    auto& hits = found[static_cast<std::size_t>(worker)];
    count.resize(static_cast<std::size_t>(n + STRIP));
    hits.resize(static_cast<std::size_t>(n) + 1);
    Lists& mine = task.lists[static_cast<std::size_t>(worker)];
    for (i64 i = chunk * chunk_size; i < std::min((chunk + 1) * chunk_size, n); ++i) {
      const i64 first = o.indptr[static_cast<std::size_t>(i)],
                last = o.indptr[static_cast<std::size_t>(i) + 1];
      const i64 strips = (std::min(i, head.size) + STRIP - 1) / STRIP;
      level().count_columns(head.bits.data(), head.words, o.columns.data() + first, last - first,
                            static_cast<int>(strips), head.nothing.data(), count.data());
      if (i > head.size) {
        std::fill(count.begin() + head.size, count.begin() + i, 0);
        for (i64 e = first; e < last; ++e) {
          if (e + EARLY < last)
            __builtin_prefetch(head.tail(o, o.columns[static_cast<std::size_t>(e + EARLY)]));
          const i32 column = o.columns[static_cast<std::size_t>(e)];
          const i32* ranks = head.tail(o, column);
          const i64 some =
              o.place[static_cast<std::size_t>(e)] - head.entries[static_cast<std::size_t>(column)];
          for (i64 at = 0; at < some; ++at) ++count[static_cast<std::size_t>(ranks[at])];
        }
      }
      const i64 some = level().near_enough(
          count.data(), i, task.formula.sizes.data(), task.formula.plus(i), task.formula.scale(i),
          task.formula.less(), mine.bar(i), mine.bars(), hits.data());
      for (i64 h = 0; h < some; ++h) {
        const i64 j = hits[static_cast<std::size_t>(h)];
        task.pair(count[static_cast<std::size_t>(j)], i, j, mine);
      }
    }
  });
}

// Eight weighted rows at a time: the columns that any of them holds, with eight weights each.
struct Together {
  std::vector<i32> slot, columns;  // of every column, where it stands in the list; -1
  Aligned<float> weights, sums;    // [columns][8], [rows][8]
  std::vector<i32> upto;           // entries of the column to look at

  void gather(const Ordered& o, i64 first, i64 last) {
    slot.resize(o.column_indptr.size(), -1);
    columns.clear();
    weights.clear();
    upto.clear();
    for (i64 i = first; i < last; ++i)
      for (i64 e = o.indptr[static_cast<std::size_t>(i)];
           e < o.indptr[static_cast<std::size_t>(i) + 1]; ++e) {
        const i32 column = o.columns[static_cast<std::size_t>(e)];
        i32& at = slot[static_cast<std::size_t>(column)];
        if (at < 0) {
          at = static_cast<i32>(columns.size());
          columns.push_back(column);
          weights.resize(weights.size() + TOGETHER);
          upto.push_back(0);
        }
        weights[static_cast<std::size_t>(at * TOGETHER + i - first)] =
            o.values[static_cast<std::size_t>(e)];
        upto[static_cast<std::size_t>(at)] =
            o.place[static_cast<std::size_t>(e)];  // the last row's is the highest
      }
    sums.assign(static_cast<std::size_t>(last * TOGETHER), 0.0f);
    for (std::size_t c = 0; c < columns.size(); ++c) {
      const auto column = static_cast<std::size_t>(columns[c]);
      slot[column] = -1;
      level().add_eight(o.ranks.data() + o.column_indptr[column], o.values_of(columns[c]), upto[c],
                        weights.data() + c * TOGETHER, sums.data());
    }
  }
};

bool all_weighted(const Task& task, const Run& run) {
  const Ordered& o = task.o;
  const i64 n = o.n_rows();
  std::vector<Together> scratch(task.lists.size());
  return parallel((n + TOGETHER - 1) / TOGETHER, run, [&](i64 chunk, int worker) {
    Together& s = scratch[static_cast<std::size_t>(worker)];
    Lists& mine = task.lists[static_cast<std::size_t>(worker)];
    const i64 first = chunk * TOGETHER, last = std::min(first + TOGETHER, n);
    s.gather(o, first, last);
    for (i64 j = 0; j + 1 < last; ++j)
      for (i64 i = std::max(first, j + 1); i < last; ++i) {
        const float c = s.sums[static_cast<std::size_t>(j * TOGETHER + i - first)];
        if (!(c > 0)) continue;
        const float below = task.formula.plus(i) +
                            task.formula.scale(i) * task.formula.sizes[static_cast<std::size_t>(j)];
        if (c * 1.00001f >= std::min(mine.bar(i), mine.bar(j)) * below) task.pair(c, i, j, mine);
      }
  });
}

}  // namespace

bool neighbours(const Rows& table, i64 n_columns, i64 k, Measure measure, double shrink,
                OwnedRows& out, const Run& run) {
  const i64 entries = table.indptr[table.n_rows];
  const bool ones = table.values == nullptr || std::all_of(table.values, table.values + entries,
                                                           [](float x) { return x == 1.0f; });
  const bool weighted = !ones && measure != Measure::jaccard;  // jaccard asks only what is present
  const Ordered ordered(table, n_columns, weighted);
  const Formula formula(ordered, measure, shrink);
  const i64 n = table.n_rows;
  std::vector<Lists> lists(static_cast<std::size_t>(std::max(run.threads, 1)), Lists(n, k));
  const Task task{ordered, formula, lists};
  const bool finished = weighted ? all_weighted(task, run) : all_likes(task, run);

  std::vector<std::vector<Scored>*> merged(static_cast<std::size_t>(n));
  parallel((n + 255) / 256, run, [&](i64 chunk, int) {
    for (i64 rank = chunk * 256; rank < std::min(chunk * 256 + 256, n); ++rank) {
      std::vector<Scored>& best = lists[0].of(rank);
      for (std::size_t other = 1; other < lists.size(); ++other) {
        const auto& more = lists[other].of(rank);
        best.insert(best.end(), more.begin(), more.end());
      }
      lists[0].cut(best);
      std::sort(best.begin(), best.end());
      merged[static_cast<std::size_t>(ordered.row_at[static_cast<std::size_t>(rank)])] = &best;
    }
  });
  out.indptr.assign(1, 0);
  for (const auto* list : merged)
    out.indptr.push_back(out.indptr.back() + static_cast<i64>(list ? list->size() : 0));
  out.indices.reserve(static_cast<std::size_t>(out.indptr.back()));
  out.values.reserve(static_cast<std::size_t>(out.indptr.back()));
  for (const auto* list : merged)
    for (const Scored& near : list ? *list : std::vector<Scored>{}) {
      out.indices.push_back(near.id);
      out.values.push_back(near.score);
    }
  return finished;
}

}  // namespace penchant
