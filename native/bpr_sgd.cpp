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
// An epoch keeps no more than how far a block's likes stand from each other, about a byte a like:
// they are mixed and their pairs drawn when the block's turn comes, by the thread that walks them.
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
constexpr unsigned char FAR = 255;

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

// What a thread draws into.
struct Drawing {
  std::vector<Like> likes;
  LikedFilter liked;
  std::vector<i32> pairs;
};

// One epoch: its items in a random permutation, cut into bins, and the likes of each range of
// people by bin.
class Epoch {
 public:
  Epoch(const PairPlan& plan, std::uint64_t number)
      : plan_(plan),
        seed_(drawn(plan.seed, number)),
        mixing_(drawn(~seed_, ~std::uint64_t{0})),
        items_(static_cast<std::size_t>(plan.n_items)),
        bin_(items_.size()),
        bounds_(static_cast<std::size_t>(plan.blocks * plan.blocks) + 1, plan.n()),
        starts_(bounds_.size()),
        gaps_(static_cast<std::size_t>(plan.blocks)) {
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

  // The pairs of a block in random order: its likes, and another item for each, -1 where none was
  // found.
  void draw(i64 cell, Drawing& to, i32* pairs) const {
    collect(cell, to.likes);
    const i64 c = cell % plan_.blocks, n = size(cell);
    to.liked.fill(to.likes.data(), n, seed_);
    const i32* others = items_.data() + first(c);
    const auto of = static_cast<std::uint64_t>(first(c + 1) - first(c));
    for (i64 at = 0; at < n; ++at) {
      i32* pair = pairs + 3 * at;
      pair[0] = to.likes[static_cast<std::size_t>(at)].user;
      pair[1] = to.likes[static_cast<std::size_t>(at)].item;
      pair[2] = -1;
      const auto counter = static_cast<std::uint64_t>((begin(cell) + at) * TRIES);
      for (std::uint64_t attempt = 0; attempt < TRIES && pair[2] < 0; ++attempt) {
        const i32 item = others[below(drawn(seed_, counter + attempt), of)];
        if (!to.liked.holds(pair[0], item)) pair[2] = item;
      }
    }
  }

 private:
  const PairPlan& plan_;
  std::uint64_t seed_, mixing_;
  std::vector<i32> items_, bin_;
  std::vector<i64> bounds_;                       // of cells, in likes, range by range
  std::vector<i64> starts_;                       // of cells, in the gaps of their range
  std::vector<std::vector<unsigned char>> gaps_;  // see sort_range

  i64 first(i64 c) const { return plan_.n_items * c / plan_.blocks; }
  std::size_t bin_of(i64 like) const {
    return static_cast<std::size_t>(bin_[static_cast<std::size_t>(plan_.likes.indices[like])]);
  }

  struct Bin {
    i64 likes, codes, last;
  };

  // Every like is written as its distance from the one before it in its cell, in steps of FAR, and
  // the rest below FAR.
  void sort_range(i64 range) {
    const i64 begin = plan_.start(range), end = plan_.start(range + 1);
    std::vector<Bin> bins(static_cast<std::size_t>(plan_.blocks), Bin{0, 0, begin});
    for (i64 like = begin; like < end; ++like) {
      Bin& bin = bins[bin_of(like)];
      ++bin.likes;
      bin.codes += (like - bin.last) / FAR + 1;
      bin.last = like;
    }
    i64 likes = begin, codes = 0;
    for (std::size_t c = 0; c < bins.size(); ++c) {
      const std::size_t cell = static_cast<std::size_t>(range) * bins.size() + c;
      bounds_[cell] = likes;
      starts_[cell] = codes;
      likes += bins[c].likes;
      codes += std::exchange(bins[c].codes, codes);
      bins[c].last = begin;
    }
    std::vector<unsigned char>& gaps = gaps_[static_cast<std::size_t>(range)];
    gaps.resize(static_cast<std::size_t>(codes));
    for (i64 like = begin; like < end; ++like) {
      Bin& bin = bins[bin_of(like)];
      i64 gap = like - std::exchange(bin.last, like);
      for (; gap >= FAR; gap -= FAR) gaps[static_cast<std::size_t>(bin.codes++)] = FAR;
      gaps[static_cast<std::size_t>(bin.codes++)] = static_cast<unsigned char>(gap);
    }
  }

  // The likes of a block, mixed: steps that follow each other should not share a person.
  void collect(i64 cell, std::vector<Like>& likes) const {
    const i64 range = cell / plan_.blocks, n = size(cell);
    const unsigned char* gap =
        gaps_[static_cast<std::size_t>(range)].data() + starts_[static_cast<std::size_t>(cell)];
    likes.resize(static_cast<std::size_t>(n));
    i64 user = plan_.people[range], like = plan_.start(range);
    for (i64 at = 0; at < n; ++at) {
      for (; *gap == FAR; ++gap) like += FAR;
      like += *gap++;
      while (plan_.likes.indptr[user + 1] <= like) ++user;
      likes[static_cast<std::size_t>(at)] = {static_cast<i32>(user), plan_.likes.indices[like]};
    }
    for (i64 last = n - 1; last > 0; --last) {
      const auto counter = static_cast<std::uint64_t>(begin(cell) + last);
      const auto other = below(drawn(mixing_, counter), static_cast<std::uint64_t>(last) + 1);
      std::swap(likes[static_cast<std::size_t>(last)], likes[other]);
    }
  }
};

}  // namespace

i64 pair_blocks(i64 n, i64 n_items) {
  const i64 wanted = n < 5'000 ? 1 : (n < 200'000 ? 8 : (n < 5'000'000 ? 16 : 32));
  return std::max<i64>(1, std::min(wanted, n_items / SMALLEST_BIN));
}

void pair_ranges(const Rows& likes, i64 blocks, i64* people) {
  const i64 n = likes.indptr[likes.n_rows];
  std::vector<i64> events(static_cast<std::size_t>(likes.n_rows));
  for (i64 u = 0; u < likes.n_rows; ++u)
    events[static_cast<std::size_t>(u)] = likes.indptr[u + 1] - likes.indptr[u];
  const std::vector<i64> range = ranges(events, n, blocks);
  for (i64 b = 0; b <= blocks; ++b)
    people[b] = std::lower_bound(range.begin(), range.end(), b) - range.begin();
}

bool draw_pairs(const PairPlan& plan, std::uint64_t number, i32* pairs, i64* bounds,
                const Run& run) {
  Epoch epoch(plan, number);
  const i64 cells = plan.blocks * plan.blocks;
  std::vector<Drawing> drawings(static_cast<std::size_t>(std::max(run.threads, 1)));
  const bool finished =
      epoch.sort(run) && parallel(cells, run, [&](i64 cell, int worker) {
        epoch.draw(cell, drawings[static_cast<std::size_t>(worker)], pairs + 3 * epoch.begin(cell));
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
      epoch.draw(cell, mine, mine.pairs.data());
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
