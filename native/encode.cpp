// encode: ids -> row numbers in order of first appearance. Parts of the ids are numbered at the same
// time, each by itself; what appeared first in each, part after part, is then numbered once more.
#include <algorithm>
#include <cstring>
#include <limits>

#include "kernels.hpp"

namespace penchant {
namespace {

constexpr i64 SMALLEST_PART = i64{1} << 15;

std::uint64_t mix(std::uint64_t x) {  // the finaliser of splitmix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// mix is a bijection: equal hashes are equal integers.
std::uint64_t hash(i64 id) { return mix(static_cast<std::uint64_t>(id)); }

std::uint64_t hash(const Word& word) {
  std::uint64_t state = 0x9e3779b97f4a7c15ULL + static_cast<std::uint64_t>(word.length), part = 0;
  i64 at = 0;
  for (; at + 8 <= word.length; at += 8) {
    std::memcpy(&part, word.at + at, 8);
    state = mix(state ^ part) + 0x9e3779b97f4a7c15ULL;
  }
  part = 0;
  std::memcpy(&part, word.at + at, static_cast<std::size_t>(word.length - at));
  return mix(state ^ part);
}

bool same(i64, i64) { return true; }  // their hashes are

bool same(const Word& a, const Word& b) {
  return a.length == b.length && std::memcmp(a.at, b.at, static_cast<std::size_t>(a.length)) == 0;
}

// Numbers by open addressing.
template <class Id>
class Hashed {
 public:
  std::vector<Id> distinct;

  i32 code(const Id& id) {
    if (2 * distinct.size() >= slots_.size()) grow();
    const std::uint64_t h = hash(id);
    std::size_t at = h & (slots_.size() - 1);
    while (slots_[at].code >= 0 && !(slots_[at].hash == h && same(distinct[slots_[at].code], id)))
      at = (at + 1) & (slots_.size() - 1);
    if (slots_[at].code < 0) {
      slots_[at] = {h, static_cast<i32>(distinct.size())};
      distinct.push_back(id);
    }
    return slots_[at].code;
  }

 private:
  struct Slot {
    std::uint64_t hash;
    i32 code;
  };
  std::vector<Slot> slots_ = std::vector<Slot>(1024, Slot{0, -1});

  void grow() {  // four times the room, everything laid anew
    std::vector<Slot> old(slots_.size() * 4, Slot{0, -1});
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.code < 0) continue;
      std::size_t at = slot.hash & (slots_.size() - 1);
      while (slots_[at].code >= 0) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = slot;
    }
  }
};

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

// How ids are divided; any number of parts gives the same codes.
struct Division {
  i64 n, parts;
  Division(i64 ids, const Run& run)
      : n(ids), parts(std::clamp<i64>(ids / SMALLEST_PART, 1, std::max(run.threads, 1))) {}
  i64 begin(i64 part) const { return n / parts * part + std::min(part, n % parts); }
};

template <class Id, class Make>
bool encode_any(const Id* ids, const Division& all, Make make, i32* codes, std::vector<i64>& first,
                const Run& run) {
  std::vector<std::vector<i64>> firsts(static_cast<std::size_t>(all.parts));
  const bool numbered = parallel(all.parts, run, [&](i64 part, int) {
    auto table = make();
    std::vector<i64>& mine = firsts[static_cast<std::size_t>(part)];
    for (i64 at = all.begin(part); at < all.begin(part + 1); ++at) {
      codes[at] = table.code(ids[at]);
      if (static_cast<std::size_t>(codes[at]) == mine.size()) mine.push_back(at);
    }
  });
  if (!numbered) return false;
  first = firsts[0];  // its numbers are final already
  if (all.parts == 1) return true;
  auto table = make();
  for (const i64 at : first) table.code(ids[at]);
  for (i64 part = 1; part < all.parts; ++part)
    for (i64& at : firsts[static_cast<std::size_t>(part)]) {  // becomes the number in the whole
      const i32 code = table.code(ids[at]);
      if (static_cast<std::size_t>(code) == first.size()) first.push_back(at);
      at = code;
    }
  return parallel(all.parts - 1, run, [&](i64 part, int) {
    const std::vector<i64>& whole = firsts[static_cast<std::size_t>(part + 1)];
    for (i64 at = all.begin(part + 1); at < all.begin(part + 2); ++at)
      codes[at] = static_cast<i32>(whole[static_cast<std::size_t>(codes[at])]);
  });
}

}  // namespace

bool encode(const i64* ids, i64 n, i32* codes, std::vector<i64>& first, const Run& run) {
  const Division all(n, run);
  std::vector<i64> low(static_cast<std::size_t>(all.parts), std::numeric_limits<i64>::max());
  std::vector<i64> high(static_cast<std::size_t>(all.parts), std::numeric_limits<i64>::min());
  const bool seen = parallel(all.parts, run, [&](i64 part, int) {
    i64 least = std::numeric_limits<i64>::max(), most = std::numeric_limits<i64>::min();
    for (i64 at = all.begin(part); at < all.begin(part + 1); ++at) {
      least = std::min(least, ids[at]);
      most = std::max(most, ids[at]);
    }
    low[static_cast<std::size_t>(part)] = least;
    high[static_cast<std::size_t>(part)] = most;
  });
  if (!seen) return false;
  const i64 least = *std::min_element(low.begin(), low.end());
  const std::uint64_t span = static_cast<std::uint64_t>(*std::max_element(high.begin(), high.end())) -
                             static_cast<std::uint64_t>(least);
  if (n > 0 && span < static_cast<std::uint64_t>(2 * n / all.parts))
    return encode_any(ids, all, [&] { return Direct(least, span + 1); }, codes, first, run);
  return encode_any(ids, all, [] { return Hashed<i64>(); }, codes, first, run);
}

bool encode(const Word* ids, i64 n, i32* codes, std::vector<i64>& first, const Run& run) {
  return encode_any(ids, Division(n, run), [] { return Hashed<Word>(); }, codes, first, run);
}

}  // namespace penchant
