// product, top_k and select: scores, a filter, and the n best, in one order of summation.
//
// Items lie in panels of 64, component by component, so that a group of six queries keeps its 384
// sums in registers, where they are compared with the worst score each query has kept: a panel that
// holds nothing better is never written down. Panels are in order of length, the longest vectors
// first, so that a group stops once no later item can reach what it has (|p| · |q| + b bounds a
// score). Each score is one chain over the components in order: it does not depend on which queries
// are scored together, nor on threads; and (score, lower column) is a total order, so the order of
// panels cannot change the answer.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "kernels.hpp"

namespace penchant {
namespace {

constexpr float LOWEST = -std::numeric_limits<float>::infinity();
constexpr float ABOVE_ZERO = std::numeric_limits<float>::denorm_min();
constexpr i64 BLOCK = 8 * GROUP;     // queries of one chunk
constexpr i64 CHECK_EVERY = 4;       // panels
constexpr float ROUNDING = 1.0001f;  // a bound errs by less than this factor

double length(const float* vector, int d) {
  double sum = 0;
  for (int k = 0; k < d; ++k) sum += static_cast<double>(vector[k]) * vector[k];
  return sum == sum ? std::sqrt(sum)
                    : std::numeric_limits<double>::infinity();  // nothing is beyond reach of NaN
}

}  // namespace

Panels::Panels(const float* source, i64 n, int width, const float* source_bias, const Run& run)
    : count((n + PANEL - 1) / PANEL),
      n_items(n),
      d(width),
      order(static_cast<std::size_t>(count * PANEL), -1),
      place(static_cast<std::size_t>(n)),
      items(static_cast<std::size_t>(count * PANEL * d)),
      bias(static_cast<std::size_t>(count * PANEL)),
      longest(static_cast<std::size_t>(count)),
      most(static_cast<std::size_t>(count)) {
  std::vector<float> lengths(static_cast<std::size_t>(n));
  for (i64 i = 0; i < n; ++i)
    lengths[static_cast<std::size_t>(i)] = static_cast<float>(length(source + i * d, d));
  std::iota(order.begin(), order.begin() + n, 0);
  std::sort(order.begin(), order.begin() + n, [&](i32 a, i32 b) {
    const float x = lengths[static_cast<std::size_t>(a)], y = lengths[static_cast<std::size_t>(b)];
    return x > y || (x == y && a < b);
  });
  for (i64 at = 0; at < n; ++at)
    place[static_cast<std::size_t>(order[static_cast<std::size_t>(at)])] = static_cast<i32>(at);
  Run quiet = run;
  quiet.stop = nullptr;  // short; who is asked here cannot be told
  parallel((count + 7) / 8, quiet, [&](i64 chunk, int) {
    for (i64 panel = chunk * 8; panel < std::min(chunk * 8 + 8, count); ++panel) {
      float* to = items.data() + panel * PANEL * d;
      for (i64 i = 0; i < width_of(panel); ++i) {
        const i64 item = order[static_cast<std::size_t>(panel * PANEL + i)];
        for (int k = 0; k < d; ++k) to[k * PANEL + i] = source[item * d + k];
        if (source_bias != nullptr)
          bias[static_cast<std::size_t>(panel * PANEL + i)] = source_bias[item];
      }
    }
  });
  float above = LOWEST;
  for (i64 panel = count; panel-- > 0;) {
    const auto at = static_cast<std::size_t>(panel);
    longest[at] = lengths[static_cast<std::size_t>(order[at * PANEL])];
    for (i64 i = 0; i < width_of(panel); ++i)
      above = std::max(above, bias[at * PANEL + static_cast<std::size_t>(i)]);
    most[at] = above;
  }
}

namespace {

// The n best of one query so far: a short list is kept sorted, a long one as a heap.
class Best {
 public:
  Best(i64 n, bool positive, i32* ids, float* scores)
      : n_(n), least_(positive ? ABOVE_ZERO : LOWEST), ids_(ids), scores_(scores) {}

  float threshold() const {
    if (n_ == 0) return -LOWEST;
    if (static_cast<i64>(kept_.size()) < n_) return least_;
    return n_ <= SHORT ? kept_.back().score : kept_.front().score;
  }

  void offer(float score, i32 id) {
    if (n_ == 0 || (least_ > LOWEST && !(score > 0))) return;
    const bool full = static_cast<i64>(kept_.size()) == n_;
    const Scored entry{score, id};
    if (n_ <= SHORT) {
      if (full && !(entry < kept_.back())) return;
      if (full) kept_.pop_back();
      kept_.insert(std::upper_bound(kept_.begin(), kept_.end(), entry), entry);
      return;
    }
    if (full && !(entry < kept_.front())) return;
    if (full) {
      std::pop_heap(kept_.begin(), kept_.end());
      kept_.pop_back();
    }
    kept_.push_back(entry);
    std::push_heap(kept_.begin(), kept_.end());
  }

  void finish() {
    if (n_ > SHORT) std::sort(kept_.begin(), kept_.end());
    std::fill(ids_, ids_ + n_, -1);
    std::fill(scores_, scores_ + n_, 0.0f);
    for (std::size_t at = 0; at < kept_.size(); ++at) {
      ids_[at] = kept_[at].id;
      scores_[at] = kept_[at].score;
    }
  }

 private:
  static constexpr i64 SHORT = 128;
  i64 n_;
  float least_;  // what counts at all
  i32* ids_;
  float* scores_;
  std::vector<Scored> kept_;
};

std::uint64_t bit_of(i64 place) { return std::uint64_t{1} << (place % PANEL); }

// One bit per place that any row may be shown; `at(place)` is the column that stands there.
template <class Column>
std::vector<std::uint64_t> allowed_bits(const unsigned char* allowed, i64 n_columns, Column at) {
  std::vector<std::uint64_t> bits(static_cast<std::size_t>((n_columns + PANEL - 1) / PANEL),
                                  ~std::uint64_t{0});
  if (n_columns % PANEL) bits.back() = bit_of(n_columns) - 1;
  if (allowed != nullptr)
    for (i64 place = 0; place < n_columns; ++place)
      if (!allowed[at(place)]) bits[static_cast<std::size_t>(place / PANEL)] &= ~bit_of(place);
  return bits;
}

// The same for one row, without what it excludes; `place(column)` is where a column stands.
template <class Place>
void eligible(const Rows* exclude, const std::vector<std::uint64_t>& allowed, i64 row, Place place,
              std::uint64_t* bits) {
  std::copy(allowed.begin(), allowed.end(), bits);
  if (exclude == nullptr) return;
  for (i64 e = exclude->indptr[row]; e < exclude->indptr[row + 1]; ++e) {
    const i64 out = place(exclude->indices[e]);
    bits[out / PANEL] &= ~bit_of(out);
  }
}

template <class Column>
void offer_all(const float* scores, std::uint64_t mask, Column at, Best& best) {
  for (; mask != 0; mask &= mask - 1) {
    const int bit = __builtin_ctzll(mask);
    if (scores[bit] >= best.threshold()) best.offer(scores[bit], at(bit));
  }
}

// Up to BLOCK queries against all panels, panel after panel so that one stays in the nearest cache.
class Block {
 public:
  Block(const Panels& panels, const float* queries, i64 count, std::vector<Best>& best,
        std::vector<std::uint64_t>& bits)
      : panels_(panels), queries_(queries), count_(count), best_(best), bits_(bits) {
    for (i64 q = 0; q < count; ++q)
      lengths_[q] = static_cast<float>(length(queries + q * panels.d, panels.d)) * ROUNDING;
  }

  void run() {
    bool done[(BLOCK + GROUP - 1) / GROUP] = {};
    i64 open = (count_ + GROUP - 1) / GROUP;
    for (i64 panel = 0; panel < panels_.count && open > 0; ++panel)
      for (i64 group = 0; group * GROUP < count_; ++group) {
        if (done[group]) continue;
        if (panel % CHECK_EVERY == 0 && panel > 0 && out_of_reach(group, panel)) {
          done[group] = true;
          --open;
          continue;
        }
        score(group * GROUP, panel);
      }
  }

 private:
  const Panels& panels_;
  const float* queries_;
  i64 count_;
  std::vector<Best>& best_;
  std::vector<std::uint64_t>& bits_;
  float lengths_[BLOCK];

  int size(i64 first) const { return static_cast<int>(std::min<i64>(GROUP, count_ - first)); }

  // Whether no item from this panel on can reach what each query of the group has kept.
  bool out_of_reach(i64 group, i64 panel) const {
    const float longest = panels_.longest[static_cast<std::size_t>(panel)],
                most = panels_.most[static_cast<std::size_t>(panel)];
    for (i64 q = group * GROUP; q < group * GROUP + size(group * GROUP); ++q) {
      const float bound = lengths_[q] * longest + most;
      if (!(bound + std::abs(bound) * (ROUNDING - 1) <
            best_[static_cast<std::size_t>(q)].threshold()))
        return false;
    }
    return true;
  }

  void score(i64 first, i64 panel) {
    alignas(64) float tile[GROUP * PANEL];
    float thresholds[GROUP];
    std::uint64_t left[GROUP];
    const int n = size(first);
    for (int q = 0; q < n; ++q) {
      thresholds[q] = best_[static_cast<std::size_t>(first + q)].threshold();
      left[q] = bits_[static_cast<std::size_t>((first + q) * panels_.count + panel)];
    }
    if (!level().score_above(queries_ + first * panels_.d, n, panels_.d, panels_.panel(panel),
                             panels_.start(panel), thresholds, left, tile))
      return;
    for (int q = 0; q < n; ++q)
      offer_all(
          tile + q * PANEL, left[q],
          [&](int bit) { return panels_.order[static_cast<std::size_t>(panel * PANEL + bit)]; },
          best_[static_cast<std::size_t>(first + q)]);
  }
};

}  // namespace

bool product(const Panels& panels, const float* queries, i64 n_queries, float* scores,
             const Run& run) {
  return parallel((n_queries + GROUP - 1) / GROUP, run, [&](i64 chunk, int) {
    const i64 first = chunk * GROUP;
    const int n = static_cast<int>(std::min<i64>(GROUP, n_queries - first));
    alignas(64) float tile[GROUP * PANEL];
    for (i64 panel = 0; panel < panels.count; ++panel) {
      level().score(queries + first * panels.d, n, panels.d, panels.panel(panel),
                    panels.start(panel), tile);
      for (int q = 0; q < n; ++q)
        for (i64 i = 0; i < panels.width_of(panel); ++i)
          scores[(first + q) * panels.n_items +
                 panels.order[static_cast<std::size_t>(panel * PANEL + i)]] = tile[q * PANEL + i];
    }
  });
}

bool top_k(const Panels& panels, const float* queries, i64 n_queries, i64 n, const Filter& filter,
           i32* ids, float* scores, const Run& run) {
  const auto column = [&](i64 place) { return panels.order[static_cast<std::size_t>(place)]; };
  const std::vector<std::uint64_t> allowed = allowed_bits(filter.allowed, panels.n_items, column);
  const auto place = [&](i32 item) { return panels.place[static_cast<std::size_t>(item)]; };
  return parallel((n_queries + BLOCK - 1) / BLOCK, run, [&](i64 chunk, int) {
    const i64 first = chunk * BLOCK, count = std::min(BLOCK, n_queries - first);
    std::vector<std::uint64_t> bits(static_cast<std::size_t>(count * panels.count));
    std::vector<Best> best;
    best.reserve(static_cast<std::size_t>(count));
    for (i64 q = 0; q < count; ++q) {
      best.emplace_back(n, filter.positive, ids + (first + q) * n, scores + (first + q) * n);
      eligible(filter.exclude, allowed, first + q, place, bits.data() + q * panels.count);
    }
    Block(panels, queries + first * panels.d, count, best, bits).run();
    for (Best& one : best) one.finish();
  });
}

bool select(const float* scores, i64 n_rows, i64 n_columns, i64 n, const Filter& filter, i32* ids,
            float* best_scores, const Run& run) {
  const i64 panels = (n_columns + PANEL - 1) / PANEL;
  const auto same = [](i64 column) { return column; };
  const std::vector<std::uint64_t> allowed = allowed_bits(filter.allowed, n_columns, same);
  return parallel(n_rows, run, [&](i64 row, int) {
    std::vector<std::uint64_t> bits(static_cast<std::size_t>(panels));
    Best best(n, false, ids + row * n, best_scores + row * n);
    eligible(filter.exclude, allowed, row, same, bits.data());
    alignas(64) float tile[PANEL] = {};
    for (i64 panel = 0; panel < panels; ++panel) {
      const i64 first = panel * PANEL, width = std::min<i64>(PANEL, n_columns - first);
      std::copy_n(scores + row * n_columns + first, width, tile);
      std::uint64_t mask =
          bits[static_cast<std::size_t>(panel)] & level().at_least(tile, best.threshold());
      if (filter.known != nullptr)
        for (std::uint64_t left = mask; left != 0; left &= left - 1)
          if (!filter.known[row * n_columns + first + __builtin_ctzll(left)])
            mask &= ~(left & -left);
      offer_all(tile, mask, [&](int bit) { return static_cast<i32>(first + bit); }, best);
    }
    best.finish();
  });
}

}  // namespace penchant
