// slim_columns: one sparse regression of each item's column on all others, by coordinate descent.
//
// G = XᵀX is summed once; counts of up to 65,535 take two bytes each. A column works on a small set
// of items whose part of G is copied next to each other and stays in the cache; when no weight
// moves there any more, the residual of all items tells which of those outside would move, and the
// set takes them in. Columns are independent, so their bytes do not depend on threads.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <memory>
#include <type_traits>

#include "isa/columns.hpp"
#include "turned.hpp"

namespace penchant {
namespace {

constexpr i64 DENSE = 8192;        // items up to which G is a square; beyond, rows of what is not 0
constexpr i64 SUM_CHUNK = 16;      // rows of G
constexpr i64 CHUNK = 2;           // columns
constexpr std::size_t FIRST = 64;  // items a column begins with
constexpr std::size_t PIECE = 1 << 25;  // steps times width between two questions whether to stop

std::size_t padded(std::size_t n) { return (n + LANES - 1) / LANES * LANES; }
std::size_t at(i64 n) { return static_cast<std::size_t>(n); }

// X both ways, the items of a person in order, and where among them each entry of an item stands.
struct BothWays {
  const Turned by_item, by_person;
  std::vector<i32> place;

  BothWays(const Rows& x, i64 n_items)
      : by_item(x, n_items), by_person(by_item.rows(), x.n_rows), place(by_item.indices.size()) {
    std::vector<i64> next(by_item.indptr.begin(), by_item.indptr.end() - 1);
    for (i64 person = 0; person < x.n_rows; ++person)
      for (i64 f = by_person.indptr[at(person)]; f < by_person.indptr[at(person) + 1]; ++f)
        place[at(next[at(by_person.indices[at(f)])]++)] =
            static_cast<i32>(f - by_person.indptr[at(person)]);
  }

  // Whether all products are whole numbers of two bytes.
  bool small_counts() const {
    const auto whole = [](float value) { return value == 1.0f; };
    if (!std::all_of(by_item.values.begin(), by_item.values.end(), whole)) return false;
    for (std::size_t i = 1; i < by_item.indptr.size(); ++i)
      if (by_item.indptr[i] - by_item.indptr[i - 1] > UINT16_MAX) return false;
    return true;
  }
};

// What one thread needs.
struct Scratch {
  std::vector<double> sum;      // of a row of G
  std::vector<float> residual;  // of all items
  std::vector<i32> place;       // of an item in the set, -1 outside
  std::vector<i32> set,
      stood;  // items at work, and where in the last turn's set those kept from it stood
  std::vector<float> M, inverse, w, before, r;  // of the set; before: w as the turn began
  std::vector<float> last;                      // M of the last turn
  std::size_t last_width = 0;
  std::vector<Scored> ranked;

  void reserve(i64 n) {
    if (!sum.empty()) return;
    sum.resize(at(n));
    residual.resize(padded(at(n)));
    place.assign(at(n), -1);
  }
};

// G = XᵀX: a square, perhaps of small counts, or for a large catalogue rows of what is not 0.
class Products {
 public:
  Products(i64 n, bool small)
      : width_(padded(at(n))), dense_(n <= DENSE), small_(dense_ && small), diagonal_(at(n)) {
    if (small_)
      counts_.resize(at(n) * width_);
    else if (dense_)
      square_.resize(at(n) * width_);
    else
      lists_.resize(at(n));
  }

  // Row i; of a square what is on and right of the diagonal.
  void sum(i64 i, const BothWays& x, std::vector<double>& sum) {
    const Rows items = x.by_item.rows(), people = x.by_person.rows();
    for (i64 e = items.indptr[i]; e < items.indptr[i + 1]; ++e) {
      const double mine = items.value(e);
      const i64 person = items.indices[e], end = people.indptr[person + 1];
      for (i64 f = people.indptr[person] + (dense_ ? x.place[at(e)] : 0); f < end; ++f)
        sum[at(people.indices[f])] += mine * people.value(f);
    }
    diagonal_[at(i)] = static_cast<float>(sum[at(i)]);
    if (dense_)
      in_square([&](auto* square) {
        using Cell = std::remove_reference_t<decltype(*square)>;
        for (std::size_t k = at(i); k < sum.size(); ++k)
          square[at(i) * width_ + k] = static_cast<Cell>(sum[k]);
      });
    else
      for (std::size_t k = 0; k < sum.size(); ++k)
        if (sum[k] != 0) lists_[at(i)].push_back({static_cast<float>(sum[k]), static_cast<i32>(k)});
    std::fill(sum.begin(), sum.end(), 0.0);
  }

  // What is left of the diagonal in rows first to last, from the other side.
  void mirror(i64 first, i64 last) {
    if (!dense_) return;
    in_square([&](auto* square) {
      for (i64 k = 0; k < last; ++k)
        for (i64 i = std::max(first, k + 1); i < last; ++i)
          square[at(i) * width_ + at(k)] = square[at(k) * width_ + at(i)];
    });
  }

  float diagonal(i64 i) const { return diagonal_[at(i)]; }

  // to -= factor · row i
  void subtract(i64 i, float factor, float* to) const {
    const auto width = static_cast<i64>(width_);
    if (small_)
      column_loops().subtract_counts(to, counts_.data() + at(i) * width_, factor, width);
    else if (dense_)
      column_loops().subtract(to, square_.data() + at(i) * width_, factor, width);
    else
      for (const Scored& cell : lists_[at(i)]) to[cell.id] -= factor * cell.score;
  }

  // M[a][b] = G of the set's items a and b; the last turn's M is nearer than G.
  void gather(Scratch& s, std::size_t width) const {
    const std::size_t kept = s.stood.size();
    s.M.swap(s.last);
    s.M.assign(s.set.size() * width, 0.0f);
    for (std::size_t a = 0; a < kept; ++a) {
      const float* from = s.last.data() + at(s.stood[a]) * s.last_width;
      for (std::size_t b = 0; b < kept; ++b) s.M[a * width + b] = from[s.stood[b]];
    }
    s.last_width = width;
    for (std::size_t a = kept; a < s.set.size(); ++a) {
      float* to = s.M.data() + a * width;
      gather_row(s, s.set[a], to);
      for (std::size_t b = 0; b < kept; ++b) s.M[b * width + a] = to[b];
    }
  }

 private:
  std::size_t width_;
  bool dense_, small_;
  std::vector<float> diagonal_, square_;
  std::vector<std::uint16_t> counts_;
  std::vector<std::vector<Scored>> lists_;

  template <class Work>
  void in_square(Work work) {
    small_ ? work(counts_.data()) : work(square_.data());
  }

  void gather_row(const Scratch& s, i32 i, float* to) const {
    const auto from_square = [&](const auto* from) {
      for (std::size_t b = 0; b < s.set.size(); ++b) to[b] = static_cast<float>(from[s.set[b]]);
    };
    if (small_)
      from_square(counts_.data() + at(i) * width_);
    else if (dense_)
      from_square(square_.data() + at(i) * width_);
    else
      for (const Scored& cell : lists_[at(i)])
        if (s.place[at(cell.id)] >= 0) to[s.place[at(cell.id)]] = cell.score;
  }
};

// A column of a large set takes seconds, so its rounds ask too; only worker 0, the caller, may.
class Patience {
 public:
  explicit Patience(const Run& run) : run_(run) {}
  bool ended() const { return ended_.load(std::memory_order_relaxed); }
  void ask(int worker) {
    if (worker == 0 && run_.stop && run_.stop()) ended_ = true;
  }

 private:
  const Run& run_;
  std::atomic<bool> ended_{false};
};

// What all columns share.
struct Problem {
  const Products& G;
  const std::vector<float>& inverse;  // 1 / (G_ii + l2)
  const Slim& slim;
  Patience& patience;

  float pulled(float z) const {  // towards 0, by l1
    if (z > slim.l1) return z - slim.l1;
    return !slim.positive && z < -slim.l1 ? z + slim.l1 : 0.0f;
  }

  // Items outside the set that would move, by how much that lowers the loss.
  void rank_outside(i64 j, Scratch& s) const {
    s.ranked.clear();
    for (std::size_t i = 0; i < inverse.size(); ++i) {
      const float z = pulled(s.residual[i]), step = z * inverse[i];
      if (std::abs(step) > slim.tolerance && s.place[i] < 0 && static_cast<i64>(i) != j)
        s.ranked.push_back({z * step, static_cast<i32>(i)});
    }
  }

  // Drops from the set what has no weight, and adds the best from outside.
  void renew_set(Scratch& s, std::size_t room) const {
    std::size_t kept = 0;
    s.stood.clear();
    for (std::size_t a = 0; a < s.set.size(); ++a) {
      const i32 i = s.set[a];
      s.place[at(i)] = -1;
      if (s.w[a] == 0) continue;
      s.place[at(i)] = static_cast<i32>(kept);
      s.set[kept] = i;
      s.stood.push_back(static_cast<i32>(a));
      s.w[kept++] = s.w[a];
    }
    const std::size_t more = std::min(room, s.ranked.size());
    std::partial_sort(s.ranked.begin(), s.ranked.begin() + static_cast<std::ptrdiff_t>(more),
                      s.ranked.end());
    s.set.resize(kept + more);
    s.w.resize(kept + more);
    for (std::size_t a = 0; a < more; ++a) {
      s.set[kept + a] = s.ranked[a].id;
      s.place[at(s.ranked[a].id)] = static_cast<i32>(kept + a);
      s.w[kept + a] = 0;
    }
  }

  // The set's own system, solved; w and r of the set are current afterwards.
  void descend(Scratch& s, int worker) const {
    const std::size_t n = s.set.size(), width = padded(n);
    G.gather(s, width);
    s.inverse.resize(n);
    s.r.assign(width, 0.0f);
    for (std::size_t a = 0; a < n; ++a) {
      s.inverse[a] = inverse[at(s.set[a])];
      s.r[a] = s.residual[at(s.set[a])];
    }
    const System system{s.M.data(), s.inverse.data(), static_cast<int>(n), static_cast<int>(width),
                        slim.l1,    slim.positive};
    const int piece = static_cast<int>(std::max<std::size_t>(PIECE / (n * width + 1), 1));
    for (i64 done = 0; done < slim.most && !patience.ended(); done += piece) {
      const int rounds = static_cast<int>(std::min<i64>(piece, slim.most - done));
      if (column_loops().descend(system, slim.tolerance, rounds, s.w.data(), s.r.data())) return;
      if (piece < slim.most) patience.ask(worker);
    }
  }

  void solve(i64 j, Scratch& s, int worker) const {
    std::fill(s.residual.begin(), s.residual.end(), 0.0f);
    G.subtract(j, -1.0f, s.residual.data());
    for (const i32 i : s.set) s.place[at(i)] = -1;
    s.set.clear();
    s.w.clear();
    for (int turn = 0; turn < slim.most && !patience.ended(); ++turn) {
      rank_outside(j, s);
      if (s.ranked.empty()) return;
      const bool chosen = slim.candidates >= 0;
      renew_set(s, chosen ? at(slim.candidates) : std::max(FIRST, s.set.size()));
      s.before = s.w;
      descend(s, worker);
      if (chosen) return;
      for (std::size_t a = 0; a < s.set.size(); ++a)
        if (s.w[a] != s.before[a]) G.subtract(s.set[a], s.w[a] - s.before[a], s.residual.data());
    }
  }

  // The k weights of the largest size, in order of weight.
  void keep(Scratch& s, std::vector<Scored>& list) const {
    s.ranked.clear();
    for (std::size_t a = 0; a < s.set.size(); ++a)
      if (s.w[a] != 0) s.ranked.push_back({std::abs(s.w[a]), s.set[a]});
    const std::size_t most = std::min(at(slim.k), s.ranked.size());
    std::partial_sort(s.ranked.begin(), s.ranked.begin() + static_cast<std::ptrdiff_t>(most),
                      s.ranked.end());
    s.ranked.resize(most);
    for (Scored& one : s.ranked) one.score = s.w[at(s.place[at(one.id)])];
    std::sort(s.ranked.begin(), s.ranked.end());
    list = s.ranked;
  }
};

}  // namespace

bool slim_columns(const Rows& x, i64 n_items, const Slim& slim, OwnedRows& out, const Run& run) {
  std::vector<Scratch> scratch(at(std::max(run.threads, 1)));
  auto table = std::make_unique<const BothWays>(x, n_items);
  Products G(n_items, table->small_counts());
  const i64 chunks = (n_items + SUM_CHUNK - 1) / SUM_CHUNK;
  bool finished = parallel(chunks, run, [&](i64 chunk, int worker) {
    Scratch& s = scratch[at(worker)];
    s.reserve(n_items);
    for (i64 i = chunk * SUM_CHUNK; i < std::min((chunk + 1) * SUM_CHUNK, n_items); ++i)
      G.sum(i, *table, s.sum);
  });
  table.reset();
  finished = finished && parallel(chunks, run, [&](i64 chunk, int) {
               G.mirror(chunk * SUM_CHUNK, std::min((chunk + 1) * SUM_CHUNK, n_items));
             });
  std::vector<float> inverse(at(n_items));
  for (i64 i = 0; i < n_items; ++i) {
    const float below = G.diagonal(i) + slim.l2;
    inverse[at(i)] = below > 0 ? 1 / below : 0;
  }
  Patience patience(run);
  const Problem problem{G, inverse, slim, patience};
  std::vector<std::vector<Scored>> lists(at(n_items));
  finished = finished && parallel((n_items + CHUNK - 1) / CHUNK, run, [&](i64 chunk, int worker) {
               Scratch& s = scratch[at(worker)];
               s.reserve(n_items);
               for (i64 j = chunk * CHUNK;
                    j < std::min((chunk + 1) * CHUNK, n_items) && !patience.ended(); ++j) {
                 problem.solve(j, s, worker);
                 problem.keep(s, lists[at(j)]);
               }
             });
  collect(lists, out);
  return finished;
}

}  // namespace penchant
