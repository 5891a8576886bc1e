// encode: ids -> row numbers in order of first appearance, by open addressing.
#include <cstring>

#include "kernels.hpp"

namespace penchant {
namespace {

std::uint64_t mix(std::uint64_t x) {  // the finaliser of splitmix64
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

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

bool same(i64 a, i64 b) { return a == b; }

bool same(const Word& a, const Word& b) {
  return a.length == b.length && std::memcmp(a.at, b.at, static_cast<std::size_t>(a.length)) == 0;
}

template <class Id>
std::vector<i64> encode_any(const Id* ids, i64 n, i32* codes) {
  std::vector<i64> first;
  std::vector<i32> slots(1024, -1);
  std::vector<std::uint64_t> hashes;
  for (i64 position = 0; position < n; ++position) {
    if (2 * first.size() >= slots.size()) {  // twice the room, everything laid anew
      slots.assign(slots.size() * 4, -1);
      for (std::size_t code = 0; code < first.size(); ++code) {
        std::size_t slot = hashes[code] & (slots.size() - 1);
        while (slots[slot] >= 0) slot = (slot + 1) & (slots.size() - 1);
        slots[slot] = static_cast<i32>(code);
      }
    }
    const std::uint64_t h = hash(ids[position]);
    std::size_t slot = h & (slots.size() - 1);
    while (slots[slot] >= 0 && !(hashes[slots[slot]] == h && same(ids[first[slots[slot]]], ids[position])))
      slot = (slot + 1) & (slots.size() - 1);
    if (slots[slot] < 0) {
      slots[slot] = static_cast<i32>(first.size());
      first.push_back(position);
      hashes.push_back(h);
    }
    codes[position] = slots[slot];
  }
  return first;
}

}  // namespace

std::vector<i64> encode(const i64* ids, i64 n, i32* codes) { return encode_any(ids, n, codes); }
std::vector<i64> encode(const Word* ids, i64 n, i32* codes) { return encode_any(ids, n, codes); }

}  // namespace penchant
