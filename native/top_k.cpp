// product, top_k and select: scores, a filter, and the n best, in one order of summation.
//
// Items lie in panels of 64, component by component, so that a group of six queries keeps its 384
// sums in registers. Each score is one chain over the components in order: it does not depend on
// which queries are scored together, nor on threads. Selection keeps the best per query and
// compares a whole panel with the worst kept score; (score, lower column) is a total order, so the
// order of panels cannot change the answer.
#include <algorithm>
#include <limits>

#include "kernels.hpp"

namespace penchant {
namespace {

constexpr float LOWEST = -std::numeric_limits<float>::infinity();
constexpr i64 BLOCK = 8 * GROUP;  // queries of one chunk

struct Panels {
  std::vector<float> items, bias;
  i64 count, n_items;
  int d;

  Panels(const float* source, i64 n, int width, const float* source_bias, const Run& run)
      : count((n + PANEL - 1) / PANEL), n_items(n), d(width) {
    items.resize(static_cast<std::size_t>(count * PANEL * d));
    bias.resize(static_cast<std::size_t>(count * PANEL));
    if (source_bias != nullptr) std::copy(source_bias, source_bias + n, bias.begin());
    Run quiet = run;
    quiet.stop = nullptr;  // short; who is asked here cannot be told
    parallel((count + 7) / 8, quiet, [&](i64 chunk, int) {
      for (i64 panel = chunk * 8; panel < std::min(chunk * 8 + 8, count); ++panel)
        pack(source + panel * PANEL * d, width_of(panel), items.data() + panel * PANEL * d);
    });
  }

  void score(const float* queries, int n, i64 panel, float* out) const {
    level().score(queries, n, d, items.data() + panel * PANEL * d, bias.data() + panel * PANEL, out);
  }
  i64 width_of(i64 panel) const { return std::min<i64>(PANEL, n_items - panel * PANEL); }

 private:
  void pack(const float* from, i64 width, float* to) const {
    for (int k = 0; k < d; ++k)
      for (i64 i = 0; i < width; ++i) to[k * PANEL + i] = from[i * d + k];
  }
};

// The n best of one query so far: a short list is kept sorted, a long one as a heap.
class Best {
 public:
  Best(i64 n, i32* ids, float* scores) : n_(n), ids_(ids), scores_(scores) {}

  float threshold() const {
    if (n_ == 0) return -LOWEST;
    if (static_cast<i64>(kept_.size()) < n_) return LOWEST;
    return n_ <= SHORT ? kept_.back().score : kept_.front().score;
  }

  void offer(float score, i32 id) {
    if (n_ == 0) return;
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
  i32* ids_;
  float* scores_;
  std::vector<Scored> kept_;
};

// Clears the bits of columns a mask does not let through.
void restrict(const unsigned char* mask, i64 n_columns, std::uint64_t* bits) {
  for (i64 c = 0; c < n_columns; ++c)
    if (!mask[c]) bits[c / PANEL] &= ~(std::uint64_t{1} << (c % PANEL));
}

// One bit per column that any row may be shown.
std::vector<std::uint64_t> allowed_bits(const Filter& filter, i64 n_columns) {
  std::vector<std::uint64_t> bits(static_cast<std::size_t>((n_columns + PANEL - 1) / PANEL), ~std::uint64_t{0});
  if (n_columns % PANEL) bits.back() = (std::uint64_t{1} << (n_columns % PANEL)) - 1;
  if (filter.allowed != nullptr) restrict(filter.allowed, n_columns, bits.data());
  return bits;
}

// The same for one row.
void eligible(const Filter& filter, const std::vector<std::uint64_t>& allowed, i64 row, i64 n_columns,
              std::uint64_t* bits) {
  std::copy(allowed.begin(), allowed.end(), bits);
  if (filter.known != nullptr) restrict(filter.known + row * n_columns, n_columns, bits);
  if (filter.exclude == nullptr) return;
  for (i64 e = filter.exclude->indptr[row]; e < filter.exclude->indptr[row + 1]; ++e) {
    const i32 c = filter.exclude->indices[e];
    bits[c / PANEL] &= ~(std::uint64_t{1} << (c % PANEL));
  }
}

void offer_panel(const float* scores, std::uint64_t mask, i64 first, Best& best) {
  mask &= level().at_least(scores, best.threshold());
  for (; mask != 0; mask &= mask - 1) {
    const int bit = __builtin_ctzll(mask);
    best.offer(scores[bit], static_cast<i32>(first + bit));
  }
}

}  // namespace

bool product(const float* queries, i64 n_queries, const float* items, i64 n_items, int d,
             const float* bias, float* scores, const Run& run) {
  const Panels panels(items, n_items, d, bias, run);
  return parallel((n_queries + GROUP - 1) / GROUP, run, [&](i64 chunk, int) {
    const i64 first = chunk * GROUP;
    const int n = static_cast<int>(std::min<i64>(GROUP, n_queries - first));
    alignas(64) float tile[GROUP * PANEL];
    for (i64 panel = 0; panel < panels.count; ++panel) {
      panels.score(queries + first * d, n, panel, tile);
      for (int q = 0; q < n; ++q)
        std::copy_n(tile + q * PANEL, panels.width_of(panel), scores + (first + q) * n_items + panel * PANEL);
    }
  });
}

bool top_k(const float* queries, i64 n_queries, const float* items, i64 n_items, int d,
           const float* bias, i64 n, const Filter& filter, i32* ids, float* scores, const Run& run) {
  const Panels panels(items, n_items, d, bias, run);
  const std::vector<std::uint64_t> allowed = allowed_bits(filter, n_items);
  return parallel((n_queries + BLOCK - 1) / BLOCK, run, [&](i64 chunk, int) {
    const i64 first = chunk * BLOCK, count = std::min(BLOCK, n_queries - first);
    std::vector<std::uint64_t> bits(static_cast<std::size_t>(count * panels.count));
    std::vector<Best> best;
    best.reserve(static_cast<std::size_t>(count));
    for (i64 q = 0; q < count; ++q) {
      best.emplace_back(n, ids + (first + q) * n, scores + (first + q) * n);
      eligible(filter, allowed, first + q, n_items, bits.data() + q * panels.count);
    }
    alignas(64) float tile[GROUP * PANEL];
    for (i64 panel = 0; panel < panels.count; ++panel)
      for (i64 group = 0; group < count; group += GROUP) {
        const int size = static_cast<int>(std::min<i64>(GROUP, count - group));
        panels.score(queries + (first + group) * d, size, panel, tile);
        for (int q = 0; q < size; ++q)
          offer_panel(tile + q * PANEL, bits[(group + q) * panels.count + panel], panel * PANEL,
                      best[static_cast<std::size_t>(group + q)]);
      }
    for (Best& one : best) one.finish();
  });
}

bool select(const float* scores, i64 n_rows, i64 n_columns, i64 n, const Filter& filter, i32* ids,
            float* best_scores, const Run& run) {
  const i64 panels = (n_columns + PANEL - 1) / PANEL;
  const std::vector<std::uint64_t> allowed = allowed_bits(filter, n_columns);
  return parallel(n_rows, run, [&](i64 row, int) {
    std::vector<std::uint64_t> bits(static_cast<std::size_t>(panels));
    Best best(n, ids + row * n, best_scores + row * n);
    eligible(filter, allowed, row, n_columns, bits.data());
    alignas(64) float tile[PANEL] = {};
    for (i64 panel = 0; panel < panels; ++panel) {
      const i64 first = panel * PANEL, width = std::min<i64>(PANEL, n_columns - first);
      std::copy_n(scores + row * n_columns + first, width, tile);
      offer_panel(tile, bits[static_cast<std::size_t>(panel)], first, best);
    }
    best.finish();
  });
}

}  // namespace penchant
