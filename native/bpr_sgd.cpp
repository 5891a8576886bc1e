// bpr_sgd: Bayesian personalised ranking by stochastic gradient descent whose bytes do not depend
// on threads (Rendle et al., UAI 2009).
//
// An epoch visits every like once, each against an item drawn from those the person did not like.
// People are cut into B ranges of equal counts of likes, once; items are dealt to B bins of equal
// size anew every epoch, by a random permutation. Block (b, c) holds the likes of range b whose
// item is in bin c, and draws their other items from the same bin c: so step s can run the blocks
// (b, (b + s) mod B), which share neither people nor items, in parallel. Over the B steps of an
// epoch a person meets all bins; over epochs all pairs of items are equally often in one bin, so
// any item is as likely as any other to be compared with any like. A tournament of pairs of bins
// would mix no better over epochs and take twice as many steps.
//
// An epoch keeps only its likes in order: a block's pairs are drawn when its turn comes, by the
// thread that walks them.
//
// As other items come from the bin of the block, the likes of the block are all that a drawn item
// could collide with: they are kept as a filter of one bit per hashed (person, item), small enough
// for the first cache. It turns away everything liked, and for the epoch some 3 % of all else;
// which, its salt decides anew every epoch.
#include <numeric>

#include "blocks.hpp"
#include "huge.hpp"

namespace penchant {
namespace {

constexpr int TRIES = 8;  // draws before a like is passed over in this epoch
constexpr i64 BITS_PER_LIKE = 32;
constexpr i64 SMALLEST_BIN = 16;  // items

std::uint64_t below(std::uint64_t number, std::uint64_t size) {  // number scaled to 0 .. size - 1
  return (number >> 32) * size >> 32;
}

struct Like {
  i32 user, item;
};

// What the block's people liked among the block's items.
class LikedFilter {
 public:
  void fill(const Like* likes, i64 n, std::uint64_t salt) {
    salt_ = salt;
    int log = 6;
    while ((i64{1} << log) < n * BITS_PER_LIKE) ++log;
    shift_ = 64 - log;
    words_.assign(std::size_t{1} << (log - 6), 0);
    for (i64 at = 0; at < n; ++at) {
      const std::uint64_t bit = place(likes[at].user, likes[at].item);
      words_[bit >> 6] |= std::uint64_t{1} << (bit & 63);
    }
  }

  bool holds(i32 user, i32 item) const {
    const std::uint64_t bit = place(user, item);
    return words_[bit >> 6] >> (bit & 63) & 1;
  }

 private:
  std::uint64_t place(i32 user, i32 item) const {
    const std::uint64_t both =
        static_cast<std::uint64_t>(user) << 32 | static_cast<std::uint32_t>(item);
    return (both ^ salt_) * 0x9e3779b97f4a7c15ULL >> shift_;
  }

  std::vector<std::uint64_t> words_;
  std::uint64_t salt_ = 0;
  int shift_ = 58;
};

// One epoch: its items in a random permutation, cut into bins, and the likes of each range of
// people by bin, within a bin in the plan's order.
class Epoch {
 public:
  Epoch(const PairPlan& plan, std::uint64_t number)
      : plan_(plan),
        seed_(drawn(plan.seed, number)),
        items_(static_cast<std::size_t>(plan.n_items)),
        bin_(items_.size()),
        bounds_(static_cast<std::size_t>(plan.blocks * plan.blocks) + 1, plan.n) {
    likes_.renew(static_cast<std::size_t>(plan.n));
    std::iota(items_.begin(), items_.end(), 0);
    for (i64 last = plan.n_items - 1; last > 0; --last) {
      const auto at = static_cast<std::uint64_t>(last), other = below(drawn(~seed_, at), at + 1);
      std::swap(items_[static_cast<std::size_t>(last)], items_[other]);
    }
    for (i64 c = 0; c < plan.blocks; ++c)
      for (i64 at = first(c); at < first(c + 1); ++at)
        bin_[static_cast<std::size_t>(items_[static_cast<std::size_t>(at)])] = static_cast<i32>(c);
  }

  bool sort(const Run& run) {
    return parallel(plan_.blocks, run, [&](i64 range, int) { sort_range(range); });
  }

  i64 begin(i64 cell) const { return bounds_[static_cast<std::size_t>(cell)]; }
  i64 size(i64 cell) const { return begin(cell + 1) - begin(cell); }

  // The pairs of a block: its likes, and another item for each, -1 where none was found.
  void draw(i64 cell, LikedFilter& liked, i32* pairs) const {
    const i64 c = cell % plan_.blocks, n = size(cell);
    const Like* likes = likes_.data() + begin(cell);
    liked.fill(likes, n, seed_);
    const i32* others = items_.data() + first(c);
    const auto of = static_cast<std::uint64_t>(first(c + 1) - first(c));
    for (i64 at = 0; at < n; ++at) {
      i32* pair = pairs + 3 * at;
      pair[0] = likes[at].user;
      pair[1] = likes[at].item;
      pair[2] = -1;
      const auto counter = static_cast<std::uint64_t>((begin(cell) + at) * TRIES);
      for (std::uint64_t attempt = 0; attempt < TRIES && pair[2] < 0; ++attempt) {
        const i32 item = others[below(drawn(seed_, counter + attempt), of)];
        if (!liked.holds(pair[0], item)) pair[2] = item;
      }
    }
  }

 private:
  const PairPlan& plan_;
  std::uint64_t seed_;
  std::vector<i32> items_, bin_;
  Huge<Like> likes_;
  std::vector<i64> bounds_;  // of cells, range by range

  i64 first(i64 c) const { return plan_.n_items * c / plan_.blocks; }
  std::size_t bin_of(i64 like) const {
    return static_cast<std::size_t>(bin_[static_cast<std::size_t>(plan_.items[like])]);
  }

  void sort_range(i64 range) {
    const i64 begin = plan_.bounds[range], end = plan_.bounds[range + 1];
    std::vector<i64> next(static_cast<std::size_t>(plan_.blocks) + 1);
    for (i64 like = begin; like < end; ++like) ++next[bin_of(like) + 1];
    next[0] = begin;
    for (std::size_t c = 1; c < next.size(); ++c) next[c] += next[c - 1];
    std::copy(next.begin(), next.end() - 1, bounds_.begin() + range * plan_.blocks);
    for (i64 like = begin; like < end; ++like)
      likes_[static_cast<std::size_t>(next[bin_of(like)]++)] = {plan_.users[like],
                                                                plan_.items[like]};
  }
};

// What a thread draws into.
struct Drawing {
  LikedFilter liked;
  std::vector<i32> pairs;
};

}  // namespace

i64 pair_blocks(i64 n, i64 n_items) {
  const i64 wanted = n < 5'000 ? 1 : (n < 200'000 ? 8 : (n < 5'000'000 ? 16 : 32));
  return std::max<i64>(1, std::min(wanted, n_items / SMALLEST_BIN));
}

bool pair_plan(const Rows& likes, std::uint64_t seed, i64 blocks, i32* users, i32* items,
               i64* bounds, const Run& run) {
  const i64 n = likes.indptr[likes.n_rows];
  std::vector<i64> events(static_cast<std::size_t>(likes.n_rows));
  for (i64 u = 0; u < likes.n_rows; ++u)
    events[static_cast<std::size_t>(u)] = likes.indptr[u + 1] - likes.indptr[u];
  const std::vector<i64> range = ranges(events, n, blocks);
  const auto first = [&](i64 b) {
    return std::lower_bound(range.begin(), range.end(), b) - range.begin();
  };
  for (i64 b = 0; b <= blocks; ++b) bounds[b] = likes.indptr[first(b)];
  return parallel(blocks, run, [&](i64 b, int) {
    const i64 begin = bounds[b], n_here = bounds[b + 1] - begin;
    std::vector<i64> order(static_cast<std::size_t>(n_here));
    std::vector<i32> owner;
    for (i64 u = first(b); u < first(b + 1); ++u)
      owner.insert(owner.end(), static_cast<std::size_t>(likes.indptr[u + 1] - likes.indptr[u]),
                   static_cast<i32>(u));
    std::iota(order.begin(), order.end(), begin);
    shuffle(seed, order.data(), n_here);
    for (i64 at = 0; at < n_here; ++at) {
      const i64 like = order[static_cast<std::size_t>(at)];
      users[begin + at] = owner[static_cast<std::size_t>(like - begin)];
      items[begin + at] = likes.indices[like];
    }
  });
}

bool draw_pairs(const PairPlan& plan, std::uint64_t number, i32* pairs, i64* bounds,
                const Run& run) {
  Epoch epoch(plan, number);
  const i64 cells = plan.blocks * plan.blocks;
  std::vector<LikedFilter> filters(static_cast<std::size_t>(std::max(run.threads, 1)));
  const bool finished = epoch.sort(run) && parallel(cells, run, [&](i64 cell, int worker) {
                          epoch.draw(cell, filters[static_cast<std::size_t>(worker)],
                                     pairs + 3 * epoch.begin(cell));
                        });
  for (i64 cell = 0; cell <= cells; ++cell) bounds[cell] = epoch.begin(cell);
  return finished;
}

bool bpr_sgd(const PairPlan& plan, std::uint64_t number, PairSides sides, PairRates rates,
             PairCount& count, const Run& run) {
  const i64 blocks = plan.blocks;
  Epoch epoch(plan, number);
  if (!epoch.sort(run)) return false;
  std::vector<PairCount> counted(static_cast<std::size_t>(blocks * blocks));
  std::vector<Drawing> drawings(static_cast<std::size_t>(std::max(run.threads, 1)));
  for (i64 step = 0; step < blocks; ++step) {
    Blocks free(blocks, run.threads);
    const bool finished = parallel(blocks, run, [&](i64, int worker) {
      const i64 range = free.take(worker), cell = range * blocks + (range + step) % blocks;
      Drawing& mine = drawings[static_cast<std::size_t>(worker)];
      mine.pairs.resize(static_cast<std::size_t>(3 * epoch.size(cell)));
      epoch.draw(cell, mine.liked, mine.pairs.data());
      counted[static_cast<std::size_t>(cell)] =
          pair_level().sgd(mine.pairs.data(), epoch.size(cell), sides, rates);
    });
    if (!finished) return false;
  }
  count = {0, 0};
  for (const PairCount& one : counted) {
    count.ordered += one.ordered;
    count.all += one.all;
  }
  return true;
}

}  // namespace penchant
