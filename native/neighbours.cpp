// neighbours: each row's k most similar others, for all rows at once.
//
// Rows are ranked by length, the longest first, and every pair is looked at once: a row against
// those before it, for the lists of both. Likes: the first rows are bits of each column, so that
// what a row has in common with 512 others is a vertical sum of its columns' bits (16 at a time by
// carry-save adders, Mula, Kurz and Lemire, 2018); pairs of later rows, which are few, are counted
// one by one. Weights: eight rows share one pass over their columns. A pair is worth a division
// only if it may reach the worse of two lists. The lists are everybody's, and whoever adds to one
// learns what it asks for by then. Order is total, (similarity, row), so threads cannot change the
// answer. Besides the table stand the bits, the later rows of each column, and the lists.
#include <algorithm>
#include <cmath>
#include <mutex>
#include <numeric>

#include "turned.hpp"

namespace penchant {
namespace {

constexpr i64 STRIP = 512;       // rows counted by one vertical sum, and compared at once
constexpr i64 HEAD = 8 * STRIP;  // rows kept as bits, at most
constexpr i64 WORD = 64;         // rows whose bits one task sets
constexpr i64 LINE = 8;          // words that share a cache line
constexpr i64 TOGETHER = 8;      // weighted rows of one pass
constexpr i64 EARLY = 12;        // columns on their way from memory
constexpr i64 SPREAD = 16;       // chunks that each thread should find, at least

// The table's rows in order of length, and each column's rows from rank `first` on in that order.
struct Ordered {
  const Rows& table;
  i64 first;
  std::vector<i32> row_at;  // the row of each rank
  std::vector<i64> column_indptr;
  Huge<i32> ranks;  // of each column's entries, rising
  Huge<float> column_values;

  Ordered(const Rows& rows, i64 n_columns, bool weighted, i64 from)
      : table(rows),
        first(std::min(from, rows.n_rows)),
        row_at(at(rows.n_rows)),
        column_indptr(at(n_columns) + 1) {
    std::iota(row_at.begin(), row_at.end(), 0);
    std::stable_sort(row_at.begin(), row_at.end(), [&](i32 a, i32 b) {
      return table.indptr[a + 1] - table.indptr[a] > table.indptr[b + 1] - table.indptr[b];
    });
    each_entry([&](i64 e, i64) { ++column_indptr[at(table.indices[e]) + 1]; });
    std::partial_sum(column_indptr.begin(), column_indptr.end(), column_indptr.begin());
    ranks.resize(at(column_indptr.back()));
    if (weighted) column_values.resize(ranks.size());
    std::vector<i64> next(column_indptr.begin(), column_indptr.end() - 1);
    each_entry([&](i64 e, i64 rank) {
      const std::size_t to = at(next[at(table.indices[e])]++);
      ranks[to] = static_cast<i32>(rank);
      if (weighted) column_values[to] = table.value(e);
    });
  }

  i64 n_rows() const { return table.n_rows; }
  i64 n_columns() const { return static_cast<i64>(column_indptr.size()) - 1; }
  i64 begin(i64 rank) const { return table.indptr[row_at[at(rank)]]; }
  i64 end(i64 rank) const { return table.indptr[row_at[at(rank)] + 1]; }
  const i32* ranks_of(i32 column) const { return ranks.data() + column_indptr[at(column)]; }

  static std::size_t at(i64 n) { return static_cast<std::size_t>(n); }

 private:
  template <class Visit>
  void each_entry(Visit visit) const {
    for (i64 rank = first; rank < n_rows(); ++rank)
      for (i64 e = begin(rank); e < end(rank); ++e) visit(e, rank);
  }
};

// How a similarity follows from a pair's sum c: c / below, below = plus + scale · size_j − less ·
// c.
struct Formula {
  Measure measure;
  double shrink;
  Aligned<float> sizes;  // by rank: lengths |a| (cosine) or numbers of entries (jaccard)

  Formula(const Ordered& o, Measure how, double damp, bool weighted)
      : measure(how), shrink(damp), sizes(o.row_at.size()) {
    for (std::size_t rank = 0; rank < sizes.size(); ++rank) {
      const i64 begin = o.begin(static_cast<i64>(rank)), end = o.end(static_cast<i64>(rank));
      double sum = static_cast<double>(end - begin);
      if (measure == Measure::cosine && weighted) {
        sum = 0;
        for (i64 e = begin; e < end; ++e)
          sum += static_cast<double>(o.table.value(e)) * o.table.value(e);
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

// The best of every row: half as many again as wanted, then cut.
class Lists {
 public:
  Lists(i64 n, i64 k)
      : k_(static_cast<std::size_t>(k)),
        room_(k_ + k_ / 2 + 1),
        kept_(static_cast<std::size_t>(n)),
        bar_(static_cast<std::size_t>(n)),
        locks_(LOCKS) {}

  // What the list of a row asks for once it has looked at one more.
  float offer(i32 row, Scored one) {
    const auto r = static_cast<std::size_t>(row);
    const std::lock_guard<std::mutex> lock(locks_[r % LOCKS]);
    if (k_ == 0 || one.score < bar_[r]) return bar_[r];
    auto& list = kept_[r];
    if (list.size() == list.capacity())
      list.reserve(std::min(room_, std::max(SMALL, 4 * list.size())));
    list.push_back(one);
    if (list.size() == room_) {
      cut(list);
      bar_[r] = list.back().score;
    }
    return bar_[r];
  }

  std::vector<std::vector<Scored>>& sorted(const Run& run) {
    constexpr i64 SOME = 256;
    const auto n = static_cast<i64>(kept_.size());
    parallel((n + SOME - 1) / SOME, run, [&](i64 chunk, int) {
      for (i64 r = chunk * SOME; r < std::min(chunk * SOME + SOME, n); ++r) {
        auto& list = kept_[static_cast<std::size_t>(r)];
        cut(list);
        std::sort(list.begin(), list.end());
      }
    });
    return kept_;
  }

 private:
  static constexpr std::size_t LOCKS = 1024, SMALL = 16;

  void cut(std::vector<Scored>& list) const {
    if (list.size() <= k_) return;
    std::nth_element(list.begin(), list.begin() + static_cast<std::ptrdiff_t>(k_ - 1), list.end());
    list.resize(k_);
  }

  std::size_t k_, room_;  // kept at the end, and until a cut
  std::vector<std::vector<Scored>> kept_;
  std::vector<float> bar_;
  std::vector<std::mutex> locks_;
};

// What both kinds of rows share: who is compared, and where it goes.
struct Task {
  const Ordered& o;
  const Formula& formula;
  Lists& lists;

  // bars: what each rank's list asked for when this thread heard of it last.
  void pair(double c, i64 i, i64 j, Aligned<float>& bars) const {
    const float score = formula.similarity(c, i, j);
    if (!(score > 0)) return;
    offer(i, score, j, bars);
    offer(j, score, i, bars);
  }

 private:
  void offer(i64 mine, float score, i64 other, Aligned<float>& bars) const {
    float& bar = bars[static_cast<std::size_t>(mine)];
    const auto row = [&](i64 rank) { return o.row_at[static_cast<std::size_t>(rank)]; };
    if (score >= bar) bar = lists.offer(row(mine), {score, row(other)});
  }
};

// Every column as bits of the head's rows.
struct Head {
  i64 size, words;
  Huge<std::uint64_t> bits;
  std::vector<std::uint64_t> nothing;

  Head(const Ordered& o, const Run& run)
      : size((o.first + STRIP - 1) / STRIP * STRIP),
        words(size / WORD),
        bits(static_cast<std::size_t>(o.n_columns() * words)),
        nothing(static_cast<std::size_t>(words)) {
    Run quiet = run;
    quiet.stop = nullptr;  // short; who is asked here cannot be told
    parallel(words, quiet, [&](i64 chunk, int) {
      const i64 lines = words / LINE, word = chunk % lines * LINE + chunk / lines;  // lines apart
      for (i64 rank = word * WORD; rank < std::min(word * WORD + WORD, o.first); ++rank)
        for (i64 e = o.begin(rank); e < o.end(rank); ++e)
          bits[static_cast<std::size_t>(o.table.indices[e] * words + word)] |= std::uint64_t{1}
                                                                               << (rank % WORD);
    });
  }
};

// One row of likes after another, on one thread.
struct Counting {
  Aligned<i32> counts, found;
  Aligned<float> bars;

  void reserve(i64 n) {
    counts.resize(static_cast<std::size_t>((n + STRIP - 1) / STRIP * STRIP));
    found.resize(STRIP);
    bars.resize(static_cast<std::size_t>(n));
  }

  // What row i has in common with each row before it.
  void count(const Ordered& o, const Head& head, i64 i) {
    const i32* columns = o.table.indices + o.begin(i);
    const i64 n = o.end(i) - o.begin(i);
    const i64 strips = (std::min(i, head.size) + STRIP - 1) / STRIP;
    level().count_columns(head.bits.data(), head.words, columns, n, static_cast<int>(strips),
                          head.nothing.data(), counts.data());
    if (i <= o.first) return;
    std::fill(counts.begin() + o.first, counts.begin() + i, 0);
    for (i64 e = 0; e < n; ++e) {
      if (e + EARLY < n) __builtin_prefetch(o.ranks_of(columns[e + EARLY]));
      for (const i32* rank = o.ranks_of(columns[e]); *rank < i; ++rank)  // i itself is there
        ++counts[static_cast<std::size_t>(*rank)];
    }
  }

  void compare(const Task& task, i64 i) {
    const Formula& f = task.formula;
    for (i64 from = 0; from < i; from += STRIP) {
      const i64 some =
          level().near_enough(counts.data() + from, std::min(STRIP, i - from),
                              f.sizes.data() + from, f.plus(i), f.scale(i), f.less(),
                              bars[static_cast<std::size_t>(i)], bars.data() + from, found.data());
      for (i64 h = 0; h < some; ++h) {
        const i64 j = from + found[static_cast<std::size_t>(h)];
        task.pair(counts[static_cast<std::size_t>(j)], i, j, bars);
      }
    }
  }
};

bool all_likes(const Task& task, int threads, const Run& run) {
  const Head head(task.o, run);
  const i64 n = task.o.n_rows();
  std::vector<Counting> scratch(static_cast<std::size_t>(threads));
  const i64 size = std::clamp<i64>(n / (SPREAD * threads), 1, 32);
  return parallel((n + size - 1) / size, run, [&](i64 chunk, int worker) {
    Counting& s = scratch[static_cast<std::size_t>(worker)];
    s.reserve(n);
    for (i64 i = chunk * size; i < std::min((chunk + 1) * size, n); ++i) {
      s.count(task.o, head, i);
      s.compare(task, i);
    }
  });
}

// Eight weighted rows at a time: the columns that any of them holds, with eight weights each.
struct Together {
  std::vector<i32> slot, columns;  // of every column, where it stands in the list; -1
  Aligned<float> weights, sums;    // [columns][8], [rows][8]
  std::vector<i32> last_rank;      // of the eight that holds the column
  Aligned<float> bars;

  void gather(const Ordered& o, i64 first, i64 last) {
    slot.resize(static_cast<std::size_t>(o.n_columns()), -1);
    bars.resize(static_cast<std::size_t>(o.n_rows()));
    columns.clear();
    weights.clear();
    last_rank.clear();
    for (i64 i = first; i < last; ++i)
      for (i64 e = o.begin(i); e < o.end(i); ++e) {
        const i32 column = o.table.indices[e];
        i32& at = slot[static_cast<std::size_t>(column)];
        if (at < 0) {
          at = static_cast<i32>(columns.size());
          columns.push_back(column);
          weights.resize(weights.size() + TOGETHER);
          last_rank.push_back(0);
        }
        weights[static_cast<std::size_t>(at * TOGETHER + i - first)] = o.table.value(e);
        last_rank[static_cast<std::size_t>(at)] = static_cast<i32>(i);
      }
    sums.assign(static_cast<std::size_t>(last * TOGETHER), 0.0f);
    for (std::size_t c = 0; c < columns.size(); ++c) add(o, c);
  }

 private:
  void add(const Ordered& o, std::size_t c) {
    const auto column = static_cast<std::size_t>(columns[c]);
    slot[column] = -1;
    const i64 begin = o.column_indptr[column];
    const i32 *ranks = o.ranks.data() + begin, *end = o.ranks.data() + o.column_indptr[column + 1];
    level().add_eight(ranks, o.column_values.data() + begin,
                      std::lower_bound(ranks, end, last_rank[c]) - ranks,
                      weights.data() + c * TOGETHER, sums.data());
  }
};

bool all_weighted(const Task& task, int threads, const Run& run) {
  const i64 n = task.o.n_rows();
  std::vector<Together> scratch(static_cast<std::size_t>(threads));
  return parallel((n + TOGETHER - 1) / TOGETHER, run, [&](i64 chunk, int worker) {
    Together& s = scratch[static_cast<std::size_t>(worker)];
    const auto bar = [&](i64 rank) { return s.bars[static_cast<std::size_t>(rank)]; };
    const i64 first = chunk * TOGETHER, last = std::min(first + TOGETHER, n);
    s.gather(task.o, first, last);
    for (i64 j = 0; j + 1 < last; ++j)
      for (i64 i = std::max(first, j + 1); i < last; ++i) {
        const float c = s.sums[static_cast<std::size_t>(j * TOGETHER + i - first)];
        if (!(c > 0)) continue;
        const float below = task.formula.plus(i) +
                            task.formula.scale(i) * task.formula.sizes[static_cast<std::size_t>(j)];
        if (c * 1.00001f >= std::min(bar(i), bar(j)) * below) task.pair(c, i, j, s.bars);
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
  const Ordered ordered(table, n_columns, weighted, weighted ? 0 : HEAD);
  const Formula formula(ordered, measure, shrink, weighted);
  Lists lists(table.n_rows, k);
  const Task task{ordered, formula, lists};
  const int threads = std::max(run.threads, 1);
  const bool finished = weighted ? all_weighted(task, threads, run) : all_likes(task, threads, run);
  collect(lists.sorted(run), out);
  return finished;
}

}  // namespace penchant
