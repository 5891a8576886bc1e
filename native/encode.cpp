// encode: ids -> row numbers in order of first appearance.
#include <limits>

#include "numbering.hpp"

namespace penchant {
namespace {

constexpr i64 SMALLEST_PART = i64{1} << 15;

// Numbers from a small range by a table of the whole range.
class Direct {
 public:
  std::vector<i64> distinct;

  Direct(i64 low, std::uint64_t range) : low_(low), codes_(range, -1) {}

  i32 code(i64 id) {
    i32& code = codes_[static_cast<std::uint64_t>(id) - static_cast<std::uint64_t>(low_)];
    if (code < 0) {
      code = static_cast<i32>(distinct.size());
      distinct.push_back(id);
    }
    return code;
  }

 private:
  i64 low_;
  std::vector<i32> codes_;
};

std::vector<i64> divided(i64 n, const Run& run) {
  const i64 parts = std::clamp<i64>(n / SMALLEST_PART, 1, std::max(run.threads, 1));
  std::vector<i64> starts;
  for (i64 part = 0; part <= parts; ++part)
    starts.push_back(n / parts * part + std::min(part, n % parts));
  return starts;
}

template <class Id, class At, class Make>
bool encode_any(At id, const std::vector<i64>& starts, Make make, i32* codes,
                std::vector<i64>& first, const Run& run) {
  const auto walk = [&](i64 part, auto visit) {
    for (i64 at = starts[static_cast<std::size_t>(part)];
         at < starts[static_cast<std::size_t>(part + 1)]; ++at)
      visit(at, id(at));
  };
  Numbered<Id> whole;
  const bool done = number(starts, make, walk, codes, whole, run);
  first = std::move(whole.first);
  return done;
}

}  // namespace

bool encode(const i64* ids, i64 n, i32* codes, std::vector<i64>& first, const Run& run) {
  const std::vector<i64> starts = divided(n, run);
  const std::size_t parts = starts.size() - 1;
  std::vector<i64> low(parts), high(parts);
  const bool seen = parallel(static_cast<i64>(parts), run, [&](i64 part, int) {
    i64 least = std::numeric_limits<i64>::max(), most = std::numeric_limits<i64>::min();
    for (i64 at = starts[static_cast<std::size_t>(part)];
         at < starts[static_cast<std::size_t>(part + 1)]; ++at) {
      least = std::min(least, ids[at]);
      most = std::max(most, ids[at]);
    }
    low[static_cast<std::size_t>(part)] = least;
    high[static_cast<std::size_t>(part)] = most;
  });
  if (!seen) return false;
  const i64 least = *std::min_element(low.begin(), low.end());
  const std::uint64_t span =
      static_cast<std::uint64_t>(*std::max_element(high.begin(), high.end())) -
      static_cast<std::uint64_t>(least);
  const auto id = [ids](i64 at) { return ids[at]; };
  const auto direct = [&] { return Direct(least, span + 1); };
  if (n > 0 && span < static_cast<std::uint64_t>(2 * n / static_cast<i64>(parts)))
    return encode_any<i64>(id, starts, direct, codes, first, run);
  return encode_any<i64>(id, starts, [] { return Hashed<i64>(); }, codes, first, run);
}

bool encode(const Word* ids, i64 n, i32* codes, std::vector<i64>& first, const Run& run) {
  const auto id = [ids](i64 at) { return ids[at]; };
  return encode_any<Word>(id, divided(n, run), [] { return Hashed<Word>(); }, codes, first, run);
}

bool encode(const Text& ids, i32* codes, std::vector<i64>& first, const Run& run) {
  const auto id = [&ids](i64 at) {
    return Word{ids.blob + ids.offsets[at], ids.offsets[at + 1] - ids.offsets[at]};
  };
  const auto starts = divided(ids.size, run);
  return encode_any<Word>(id, starts, [] { return Hashed<Word>(); }, codes, first, run);
}

}  // namespace penchant
