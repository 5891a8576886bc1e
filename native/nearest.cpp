// nearest: the k most similar rows of a table for each query, by sparse accumulation.
//
// The table is turned once; a query then visits, for each of its columns, the rows that hold it.
// Where only what is present counts, columns that many rows hold are added as bits, the others one
// by one; counts are exact, so the division between them changes nothing. Weights are summed in
// float64 in the order of the query's entries. A row is kept only if it may be among the k best
// of those seen so far: (similarity, row) is a total order, so the order of looking changes nothing
// either.
#include <algorithm>
#include <cmath>
#include <limits>

#include "turned.hpp"

namespace penchant {
namespace {

constexpr i64 CHUNK = 8;      // queries
constexpr i64 STRIP = 512;    // rows counted by one vertical sum, and compared with one threshold
constexpr i64 STRIPS = 16;    // of one call
constexpr i64 DENSE = 64;     // columns that one row of 64 holds are bits, too: 8 bytes an entry
constexpr i64 FEW = 4;        // entries below a fourth of the rows: only rows they touch are read
constexpr i64 AT_ONCE = 512;  // rows or columns prepared by one chunk
constexpr double SLACK = 1.000001;

bool all_ones(const float* values, i64 n) {
  return values == nullptr || std::all_of(values, values + n, [](float x) { return x == 1.0f; });
}

double length(const Rows& rows, i64 r) {
  double sum = 0;
  for (i64 e = rows.indptr[r]; e < rows.indptr[r + 1]; ++e)
    sum += static_cast<double>(rows.value(e)) * rows.value(e);
  return std::sqrt(sum);
}

}  // namespace

Table::Table(const Rows& rows, i64 columns, const Run& run)
    : n_rows(rows.n_rows),
      words((n_rows + STRIP - 1) / STRIP * STRIP / 64),
      ones(all_ones(rows.values, rows.indptr[rows.n_rows])),
      indptr(static_cast<std::size_t>(columns) + 1),
      indices(static_cast<std::size_t>(rows.indptr[rows.n_rows])),
      values(ones ? 0 : indices.size()),
      sizes(static_cast<std::size_t>(n_rows)),
      lengths(sizes.size()),
      near_sizes(sizes.size()),
      near_lengths(sizes.size()),
      dense(static_cast<std::size_t>(columns), -1) {
  Run quiet = run;
  quiet.stop = nullptr;  // short; who is asked here cannot be told
  transpose({rows.indptr, rows.indices, ones ? nullptr : rows.values, n_rows}, columns,
            indptr.data(), indices.data(), ones ? nullptr : values.data(), quiet);
  parallel((n_rows + AT_ONCE - 1) / AT_ONCE, quiet, [&](i64 chunk, int) {
    for (i64 r = chunk * AT_ONCE; r < std::min((chunk + 1) * AT_ONCE, n_rows); ++r) {
      const auto at = static_cast<std::size_t>(r);
      sizes[at] = static_cast<double>(rows.indptr[r + 1] - rows.indptr[r]);
      lengths[at] = length(rows, r);
      near_sizes[at] = static_cast<float>(sizes[at]);
      near_lengths[at] = static_cast<float>(lengths[at]);
    }
  });
  i32 n_dense = 0;
  for (std::size_t c = 0; c < dense.size(); ++c)
    if ((indptr[c + 1] - indptr[c]) * DENSE >= std::max<i64>(words * 64, 1)) dense[c] = n_dense++;
  bits.resize(static_cast<std::size_t>(n_dense * words));
  nothing.resize(static_cast<std::size_t>(words));
  parallel((columns + AT_ONCE - 1) / AT_ONCE, quiet, [&](i64 chunk, int) {
    for (i64 c = chunk * AT_ONCE; c < std::min((chunk + 1) * AT_ONCE, columns); ++c) {
      const auto column = static_cast<std::size_t>(c);
      if (dense[column] < 0) continue;
      std::uint64_t* to = bits.data() + dense[column] * words;
      for (i64 e = indptr[column]; e < indptr[column + 1]; ++e) {
        const i32 r = indices[static_cast<std::size_t>(e)];
        to[r / 64] |= std::uint64_t{1} << (r % 64);
      }
    }
  });
}

namespace {

// What a query and a row have in common, for Pearson's correlation.
struct Common {
  double products = 0, mine = 0, theirs = 0, count = 0;
};

// One query after another, on one thread; cells are empty in between.
class Search {
 public:
  Search(const Table& table, const Rows& queries, const Wanted& wanted)
      : t_(table), queries_(queries), wanted_(wanted), k_(static_cast<std::size_t>(wanted.k)) {}

  void answer(i64 q, std::vector<Scored>& list) {
    if (k_ == 0) return;
    begin(q);
    if (wanted_.measure == Measure::jaccard ||
        (wanted_.measure != Measure::pearson && t_.ones && all_ones_here()))
      by_counts();
    else if (wanted_.measure == Measure::pearson)
      by_common();
    else
      by_products();
    cut();
    std::sort(best_.begin(), best_.end());
    list.assign(best_.begin(), best_.end());
  }

 private:
  const Table& t_;
  const Rows& queries_;
  const Wanted& wanted_;
  std::size_t k_;

  i64 first_ = 0, last_ = 0, visits_ = 0;  // the query's entries, and theirs in the table
  i32 itself_ = -1;
  double size_ = 0, length_ = 0;
  float bar_ = 0;  // what a row must reach
  std::vector<Scored> best_;

  Aligned<i32> counts_, found_, columns_;
  Aligned<float> unasked_;
  std::vector<double> products_;
  std::vector<Common> common_;

  void begin(i64 q) {
    first_ = queries_.indptr[q];
    last_ = queries_.indptr[q + 1];
    visits_ = 0;
    for (i64 e = first_; e < last_; ++e) visits_ += column_size(queries_.indices[e]);
    itself_ = wanted_.itself == nullptr ? -1 : wanted_.itself[q];
    size_ = static_cast<double>(last_ - first_);
    length_ = length(queries_, q);
    bar_ = wanted_.positive ? 0.0f : -std::numeric_limits<float>::infinity();
    best_.clear();
  }

  bool all_ones_here() const {
    return queries_.values == nullptr || all_ones(queries_.values + first_, last_ - first_);
  }
  bool few() const { return visits_ < t_.n_rows / FEW; }
  i64 column_size(i32 c) const {
    return t_.indptr[static_cast<std::size_t>(c) + 1] - t_.indptr[static_cast<std::size_t>(c)];
  }

  void cut() {
    if (best_.size() <= k_) return;
    std::nth_element(best_.begin(), best_.begin() + static_cast<std::ptrdiff_t>(k_ - 1),
                     best_.end());
    best_.resize(k_);
  }

  void offer(double similarity, i64 row) {
    const auto score = static_cast<float>(similarity);
    if (score < bar_ || !(wanted_.positive ? score > 0 : score != 0) || row == itself_) return;
    best_.push_back({score, static_cast<i32>(row)});
    if (best_.size() < 2 * k_) return;
    cut();
    bar_ = best_.back().score;
  }

  // visit(row, x, y) for all entries of the query's columns, column after column.
  template <class Visit>
  void each(Visit visit) const {
    for (i64 e = first_; e < last_; ++e) {
      const auto column = static_cast<std::size_t>(queries_.indices[e]);
      const double x = queries_.value(e);
      const i32* rows = t_.indices.data();
      const i64 end = t_.indptr[column + 1];
      if (t_.values.empty())
        for (i64 at = t_.indptr[column]; at < end; ++at) visit(rows[at], x, 1.0);
      else
        for (i64 at = t_.indptr[column]; at < end; ++at)
          visit(rows[at], x, static_cast<double>(t_.values[static_cast<std::size_t>(at)]));
    }
  }

  // look(row, cell) for all rows that were touched, at least; their cells are empty afterwards.
  template <class Cells, class Look>
  void empty(Cells& cells, Look look) {
    using Cell = typename Cells::value_type;
    if (few()) {
      each([&](i32 row, double, double) {
        Cell& cell = cells[static_cast<std::size_t>(row)];
        look(row, cell);
        cell = Cell{};
      });
      return;
    }
    for (i64 row = 0; row < t_.n_rows; ++row) look(row, cells[static_cast<std::size_t>(row)]);
    std::fill(cells.begin(), cells.end(), Cell{});
  }

  double below(i64 row, double c) const {
    const auto r = static_cast<std::size_t>(row);
    if (wanted_.measure == Measure::dot) return 1;
    return wanted_.measure == Measure::cosine ? length_ * t_.lengths[r] + wanted_.shrink
                                              : size_ + t_.sizes[r] - c + wanted_.shrink;
  }

  void by_products() {
    products_.resize(static_cast<std::size_t>(t_.n_rows));
    double* sums = products_.data();
    each([sums](i32 row, double x, double y) { sums[row] += x * y; });
    empty(products_, [&](i64 row, double sum) {
      if (sum == 0) return;
      const double under = below(row, 0);
      if (under > 0 && (bar_ <= 0 || sum * SLACK >= bar_ * under)) offer(sum / under, row);
    });
  }

  void by_common() {
    common_.resize(static_cast<std::size_t>(t_.n_rows));
    Common* cells = common_.data();
    each([cells](i32 row, double x, double y) {
      Common& to = cells[row];
      to.products += x * y;
      to.mine += x * x;
      to.theirs += y * y;
      to.count += 1;
    });
    empty(common_, [&](i64 row, const Common& c) {
      const double square = c.mine * c.theirs;
      if (c.count < 2 || square <= 0) return;
      const double reach = c.products * SLACK;  // damping lowers it only
      if (bar_ > 0 && !(reach > 0 && reach * reach >= static_cast<double>(bar_) * bar_ * square))
        return;
      offer(c.products / std::sqrt(square) * ((c.count - 1) / (c.count - 1 + wanted_.shrink)), row);
    });
  }

  void by_counts() {
    bar_ = 0;  // none is negative
    counts_.resize(static_cast<std::size_t>(t_.words * 64));
    if (few()) {
      i32* counts = counts_.data();
      each([counts](i32 row, double, double) { ++counts[row]; });
      empty(counts_, [&](i64 row, i32 c) {
        if (c != 0) offer(c / below(row, c), row);
      });
      return;
    }
    count_all();
    const Measure measure = wanted_.measure;
    const bool cosine = measure == Measure::cosine, jaccard = measure == Measure::jaccard;
    const float* sizes = jaccard ? t_.near_sizes.data() : t_.near_lengths.data();
    const auto plus = static_cast<float>(cosine    ? wanted_.shrink
                                         : jaccard ? wanted_.shrink + size_
                                                   : 1.0);
    const float scale = cosine ? static_cast<float>(length_) : jaccard ? 1.0f : 0.0f;
    found_.resize(STRIP);
    unasked_.resize(STRIP, std::numeric_limits<float>::infinity());
    for (i64 from = 0; from < t_.n_rows; from += STRIP) {
      const i64 some = level().near_enough(
          counts_.data() + from, std::min(STRIP, t_.n_rows - from), sizes + from, plus, scale,
          jaccard ? 1.0f : 0.0f, bar_, unasked_.data(), found_.data());
      for (i64 h = 0; h < some; ++h) {
        const i64 row = from + found_[static_cast<std::size_t>(h)];
        const double c = counts_[static_cast<std::size_t>(row)];
        offer(c / below(row, c), row);
      }
    }
    std::fill(counts_.begin(), counts_.end(), 0);
  }

  // What the query has in common with every row: dense columns as bits, then the others.
  void count_all() {
    columns_.clear();
    for (i64 e = first_; e < last_; ++e) {
      const i32 at = t_.dense[static_cast<std::size_t>(queries_.indices[e])];
      if (at >= 0) columns_.push_back(at);
    }
    for (i64 strip = 0; strip * STRIP < t_.words * 64 && !columns_.empty(); strip += STRIPS)
      level().count_columns(t_.bits.data() + strip * STRIP / 64, t_.words, columns_.data(),
                            static_cast<i64>(columns_.size()),
                            static_cast<int>(std::min(STRIPS, t_.words * 64 / STRIP - strip)),
                            t_.nothing.data(), counts_.data() + strip * STRIP);
    for (i64 e = first_; e < last_; ++e) {
      const auto column = static_cast<std::size_t>(queries_.indices[e]);
      if (t_.dense[column] >= 0) continue;
      for (i64 at = t_.indptr[column]; at < t_.indptr[column + 1]; ++at)
        ++counts_[static_cast<std::size_t>(t_.indices[static_cast<std::size_t>(at)])];
    }
  }
};

}  // namespace

bool nearest(const Rows& queries, const Table& table, const Wanted& wanted, OwnedRows& out,
             const Run& run) {
  std::vector<Search> searches(static_cast<std::size_t>(std::max(run.threads, 1)),
                               Search(table, queries, wanted));
  std::vector<std::vector<Scored>> lists(static_cast<std::size_t>(queries.n_rows));
  const bool finished =
      parallel((queries.n_rows + CHUNK - 1) / CHUNK, run, [&](i64 chunk, int worker) {
        for (i64 q = chunk * CHUNK; q < std::min((chunk + 1) * CHUNK, queries.n_rows); ++q)
          searches[static_cast<std::size_t>(worker)].answer(q, lists[static_cast<std::size_t>(q)]);
      });
  collect(lists, out);
  return finished;
}

}  // namespace penchant
