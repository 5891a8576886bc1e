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
// As other items come from the bin of the block, the likes of the block are all that a drawn item
// could collide with: they are kept as a filter of one bit per hashed (person, item), small enough
// for the first cache. It turns away everything liked, and for the epoch some 3 % of all else;
// which, its salt decides anew every epoch.
#include <numeric>

#include "blocks.hpp"

namespace penchant {
namespace {

constexpr int TRIES = 8;  // draws before a like is passed over in this epoch
constexpr i64 BITS_PER_LIKE = 32;
constexpr i64 SMALLEST_BIN = 16;  // items

std::uint64_t below(std::uint64_t number, std::uint64_t size) {  // number scaled to 0 .. size - 1
  return (number >> 32) * size >> 32;
}

// What the block's people liked among the block's items.
class LikedFilter {
 public:
  void fill(const i32* pairs, i64 n, std::uint64_t salt) {
    salt_ = salt;
    int log = 6;
    while ((i64{1} << log) < n * BITS_PER_LIKE) ++log;
    shift_ = 64 - log;
    words_.assign(std::size_t{1} << (log - 6), 0);
    for (i64 at = 0; at < n; ++at) {
      const std::uint64_t bit = place(pairs[3 * at], pairs[3 * at + 1]);
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

// The items of one epoch: a random permutation, cut into bins.
struct Dealt {
  std::vector<i32> items, bin;
  i64 blocks;

  Dealt(i64 n_items, i64 count, std::uint64_t seed)
      : items(static_cast<std::size_t>(n_items)), bin(items.size()), blocks(count) {
    std::iota(items.begin(), items.end(), 0);
    for (i64 last = n_items - 1; last > 0; --last) {
      const auto at = static_cast<std::uint64_t>(last), other = below(drawn(seed, at), at + 1);
      std::swap(items[static_cast<std::size_t>(last)], items[other]);
    }
    for (i64 c = 0; c < blocks; ++c)
      for (i64 at = first(c); at < first(c + 1); ++at)
        bin[static_cast<std::size_t>(items[static_cast<std::size_t>(at)])] = static_cast<i32>(c);
  }

  i64 first(i64 c) const { return static_cast<i64>(items.size()) * c / blocks; }
};

// The likes of one range of people, bin after bin, in the plan's order; bounds gets where each bin
// begins.
void sort_range(const PairPlan& plan, const Dealt& dealt, i64 range, i32* pairs, i64* bounds) {
  std::vector<i64> next(static_cast<std::size_t>(plan.blocks) + 1);
  const i64 begin = plan.bounds[range], end = plan.bounds[range + 1];
  for (i64 r = begin; r < end; ++r)
    ++next[static_cast<std::size_t>(dealt.bin[static_cast<std::size_t>(plan.items[r])]) + 1];
  next[0] = begin;
  for (i64 c = 0; c < plan.blocks; ++c) {
    bounds[c] = next[static_cast<std::size_t>(c)];
    next[static_cast<std::size_t>(c) + 1] += next[static_cast<std::size_t>(c)];
  }
  for (i64 r = begin; r < end; ++r) {
    const i32 item = plan.items[r];
    i32* pair =
        pairs + 3 * next[static_cast<std::size_t>(dealt.bin[static_cast<std::size_t>(item)])]++;
    pair[0] = plan.users[r];
    pair[1] = item;
  }
}

// The other item of each like of a block, -1 where none was found.
void draw_block(const i32* bin, i64 size, i64 begin, i64 end, std::uint64_t seed,
                LikedFilter& liked, i32* pairs) {
  liked.fill(pairs + 3 * begin, end - begin, seed);
  for (i64 r = begin; r < end; ++r) {
    i32* pair = pairs + 3 * r;
    pair[2] = -1;
    for (int attempt = 0; attempt < TRIES && pair[2] < 0; ++attempt) {
      const std::uint64_t number = drawn(seed, static_cast<std::uint64_t>(r * TRIES + attempt));
      const i32 item = bin[below(number, static_cast<std::uint64_t>(size))];
      if (!liked.holds(pair[0], item)) pair[2] = item;
    }
  }
}

}  // namespace

i64 pair_blocks(i64 n, i64 n_items) {
  const i64 wanted = n < 5'000 ? 1 : (n < 200'000 ? 8 : (n < 5'000'000 ? 16 : 32));
  return std::max<i64>(1, std::min(wanted, n_items / SMALLEST_BIN));
}

void pair_plan(const Rows& likes, std::uint64_t seed, i64 blocks, i32* users, i32* items,
               i64* bounds) {
  const i64 n = likes.indptr[likes.n_rows];
  std::vector<i64> events(static_cast<std::size_t>(likes.n_rows));
  for (i64 u = 0; u < likes.n_rows; ++u)
    events[static_cast<std::size_t>(u)] = likes.indptr[u + 1] - likes.indptr[u];
  const std::vector<i64> range = ranges(events, n, blocks);
  std::vector<i64> key(static_cast<std::size_t>(n)), order(key.size());
  std::vector<i32> cell(key.size()), owner(key.size());
  for (i64 u = 0; u < likes.n_rows; ++u)
    for (i64 r = likes.indptr[u]; r < likes.indptr[u + 1]; ++r) {
      owner[static_cast<std::size_t>(r)] = static_cast<i32>(u);
      cell[static_cast<std::size_t>(r)] = static_cast<i32>(range[static_cast<std::size_t>(u)]);
      key[static_cast<std::size_t>(r)] =
          static_cast<i64>(drawn(seed, static_cast<std::uint64_t>(r)));
    }
  csr(cell.data(), n, blocks, key.data(), bounds, order.data());
  for (i64 at = 0; at < n; ++at) {
    users[at] = owner[static_cast<std::size_t>(order[static_cast<std::size_t>(at)])];
    items[at] = likes.indices[order[static_cast<std::size_t>(at)]];
  }
}

bool draw_pairs(const PairPlan& plan, std::uint64_t epoch, i32* pairs, i64* bounds,
                const Run& run) {
  const std::uint64_t seed = drawn(plan.seed, epoch);
  const Dealt dealt(plan.n_items, plan.blocks, ~seed);
  std::vector<LikedFilter> filters(static_cast<std::size_t>(std::max(run.threads, 1)));
  bounds[plan.blocks * plan.blocks] = plan.n;
  return parallel(plan.blocks, run, [&](i64 range, int worker) {
    i64* own = bounds + range * plan.blocks;
    sort_range(plan, dealt, range, pairs, own);
    for (i64 c = 0; c < plan.blocks; ++c) {
      const i64 end = c + 1 < plan.blocks ? own[c + 1] : plan.bounds[range + 1];
      draw_block(dealt.items.data() + dealt.first(c), dealt.first(c + 1) - dealt.first(c), own[c],
                 end, seed, filters[static_cast<std::size_t>(worker)], pairs);
    }
  });
}

bool bpr_sgd(const i32* pairs, const i64* bounds, i64 blocks, PairSides sides, PairRates rates,
             PairCount& count, const Run& run) {
  std::vector<PairCount> counted(static_cast<std::size_t>(blocks * blocks));
  for (i64 step = 0; step < blocks; ++step) {
    Blocks free(blocks, run.threads);
    const bool finished = parallel(blocks, run, [&](i64, int worker) {
      const i64 range = free.take(worker), cell = range * blocks + (range + step) % blocks;
      counted[static_cast<std::size_t>(cell)] =
          pair_level().sgd(pairs + 3 * bounds[cell], bounds[cell + 1] - bounds[cell], sides, rates);
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
