// Ids numbered in order of first appearance. Parts are numbered at the same time, each by itself;
// what appeared first in each, part after part, is then numbered once more: any division of the ids
// gives the same numbers.
#pragma once

#include <algorithm>
#include <cstring>
#include <utility>

#include "kernels.hpp"

namespace penchant {

inline std::uint64_t mix(std::uint64_t x) {  // the finaliser of splitmix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// What tells ids apart in a table without a look at the ids: an integer itself.
struct NumberKey {
  std::uint64_t id;
  explicit NumberKey(i64 number = 0) : id(static_cast<std::uint64_t>(number)) {}
  bool operator==(const NumberKey& other) const { return id == other.id; }
  std::uint64_t hash() const { return mix(id); }
  bool is(i64, i64) const { return true; }
};

// A word of up to 16 bytes by its length and its first and last 8 bytes (or 4, which may overlap);
// of a longer one its hash, so that equal keys leave a doubt.
struct WordKey {
  std::uint64_t low = 0, high = 0;
  i64 length = 0;

  WordKey() = default;
  explicit WordKey(const Word& word) : length(word.length) {
    const char* at = word.at;
    if (length > 16) {
      low = 0x9e3779b97f4a7c15ULL;
      for (i64 rest = length; rest > 8; rest -= 8, at += 8)
        low = mix(low ^ load<std::uint64_t>(at)) + low;
      low = mix(low ^ load<std::uint64_t>(word.at + length - 8));
    } else if (length >= 8) {
      low = load<std::uint64_t>(at);
      high = load<std::uint64_t>(at + length - 8);
    } else if (length >= 4) {
      low = load<std::uint32_t>(at);
      high = load<std::uint32_t>(at + length - 4);
    } else {
      for (i64 place = 0; place < length; ++place)
        low = low << 8 | static_cast<unsigned char>(at[place]);
    }
  }
  bool operator==(const WordKey& other) const {
    return low == other.low && high == other.high && length == other.length;
  }
  std::uint64_t hash() const {
    return mix(low ^ mix(high + static_cast<std::uint64_t>(length) * 0x9e3779b97f4a7c15ULL));
  }
  bool is(const Word& known, const Word& asked) const {
    return length <= 16 || std::memcmp(known.at, asked.at, static_cast<std::size_t>(length)) == 0;
  }

 private:
  template <class T>
  static T load(const char* at) {
    T out;
    std::memcpy(&out, at, sizeof out);
    return out;
  }
};

inline NumberKey key_of(i64 id) { return NumberKey(id); }
inline WordKey key_of(const Word& word) { return WordKey(word); }

// Numbers by open addressing.
template <class Id>
class Hashed {
 public:
  std::vector<Id> distinct;

  i32 code(const Id& id) {
    if (2 * distinct.size() >= slots_.size()) grow();
    const Key key = key_of(id);
    std::size_t at = key.hash() & (slots_.size() - 1);
    while (
        slots_[at].code >= 0 &&
        !(slots_[at].key == key && key.is(distinct[static_cast<std::size_t>(slots_[at].code)], id)))
      at = (at + 1) & (slots_.size() - 1);
    if (slots_[at].code < 0) {
      slots_[at] = {key, static_cast<i32>(distinct.size())};
      distinct.push_back(id);
    }
    return slots_[at].code;
  }

 private:
  using Key = decltype(key_of(std::declval<Id>()));
  struct Slot {
    Key key;
    i32 code;
  };
  std::vector<Slot> slots_ = std::vector<Slot>(1024, Slot{Key(), -1});

  void grow() {  // four times the room, everything laid anew
    std::vector<Slot> old(slots_.size() * 4, Slot{Key(), -1});
    old.swap(slots_);
    for (const Slot& slot : old) {
      if (slot.code < 0) continue;
      std::size_t at = slot.key.hash() & (slots_.size() - 1);
      while (slots_[at].code >= 0) at = (at + 1) & (slots_.size() - 1);
      slots_[at] = slot;
    }
  }
};

template <class Id>
struct Numbered {
  std::vector<Id> distinct;
  std::vector<i64> first;  // where each appeared first
};

// Part p holds the ids from starts[p] on; walk(p, visit) calls visit(position, id) for each of
// them.
template <class Id, class Make, class Walk>
bool number(const std::vector<i64>& starts, Make make, Walk walk, i32* codes, Numbered<Id>& whole,
            const Run& run) {
  const std::size_t parts = starts.size() - 1;
  std::vector<Numbered<Id>> found(parts);
  const bool done = parallel(static_cast<i64>(parts), run, [&](i64 part, int) {
    auto table = make();
    Numbered<Id>& mine = found[static_cast<std::size_t>(part)];
    walk(part, [&](i64 position, const Id& id) {
      codes[position] = table.code(id);
      if (static_cast<std::size_t>(codes[position]) == mine.first.size())
        mine.first.push_back(position);
    });
    mine.distinct = std::move(table.distinct);
  });
  if (!done) return false;
  whole = std::move(found[0]);  // its numbers are final already
  if (parts == 1) return true;
  auto table = make();
  for (const Id& id : whole.distinct) table.code(id);
  for (std::size_t part = 1; part < parts; ++part)
    for (std::size_t one = 0; one < found[part].first.size(); ++one) {
      i64& first = found[part].first[one];
      const i32 code = table.code(found[part].distinct[one]);
      if (static_cast<std::size_t>(code) == whole.first.size()) whole.first.push_back(first);
      first = code;  // from here on the number in the whole
    }
  whole.distinct = std::move(table.distinct);
  return parallel(static_cast<i64>(parts) - 1, run, [&](i64 part, int) {
    const auto p = static_cast<std::size_t>(part + 1);
    for (i64 at = starts[p]; at < starts[p + 1]; ++at)
      codes[at] = static_cast<i32>(found[p].first[static_cast<std::size_t>(codes[at])]);
  });
}

}  // namespace penchant
