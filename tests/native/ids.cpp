// Ids: numbered by first appearance, sorted, found again; and text divided into columns.
#include <limits>
#include <map>
#include <numeric>
#include <string>

#include "check.hpp"

namespace penchant {
namespace {

using Coded = std::pair<std::vector<i32>, std::vector<i64>>;

// Codes and first places of ids as a map would give them.
template <class Id>
Coded numbered(const std::vector<Id>& ids) {
  std::map<Id, i32> seen;
  Coded out;
  for (std::size_t at = 0; at < ids.size(); ++at) {
    const auto [one, is_new] = seen.emplace(ids[at], static_cast<i32>(seen.size()));
    if (is_new) out.second.push_back(static_cast<i64>(at));
    out.first.push_back(one->second);
  }
  return out;
}

template <class Id>
std::vector<i32> sorted(const std::vector<Id>& ids) {
  std::vector<i32> order(ids.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](i32 a, i32 b) { return ids[a] < ids[b]; });
  return order;
}

template <class Id>
std::vector<Id> distinct(const std::vector<Id>& ids, const Coded& coded) {
  std::vector<Id> out;
  for (const i64 at : coded.second) out.push_back(ids[at]);
  return out;
}

void numbers(const std::vector<i64>& ids, i64 unknown) {
  const i64 n = static_cast<i64>(ids.size());
  const auto coded = on_any_threads<Coded>([&](const Run& run) {
    Coded out{std::vector<i32>(ids.size()), {}};
    CHECK(encode(ids.data(), n, out.first.data(), out.second, run));
    return out;
  });
  CHECK(coded == numbered(ids));
  const auto order = on_any_threads<std::vector<i32>>([&](const Run& run) {
    std::vector<i32> out(ids.size());
    CHECK(index(ids.data(), n, out.data(), run));
    return out;
  });
  CHECK(order == sorted(ids));
  const auto table = distinct(ids, coded);
  const auto place = sorted(table),
             asked = on_any_threads<std::vector<i32>>([&](const Run& run) {
               std::vector<i64> all = ids;
               all.push_back(unknown);
               std::vector<i32> rows(all.size());
               CHECK(lookup(table.data(), place.data(), static_cast<i64>(table.size()), all.data(),
                            n + 1, rows.data(), run));
               return rows;
             });
  CHECK(asked.back() == -1 && std::equal(coded.first.begin(), coded.first.end(), asked.begin()));
}

std::vector<i64> some_numbers(i64 n, i64 range) {
  Random random(static_cast<std::uint64_t>(n + range));
  std::vector<i64> ids(n);
  for (i64& id : ids) id = random.below(range) - range / 2;
  return ids;
}

void foreign_order() {
  const std::vector<i64> table{1, 2, 3};
  std::vector<i32> rows(1);
  for (const i32 wrong : {-1, 3}) {
    const std::vector<i32> order(3, wrong);
    CHECK(!lookup(table.data(), order.data(), 3, table.data(), 1, rows.data(), {}));
  }
}

std::vector<Word> words_of(const std::vector<std::string>& texts) {
  std::vector<Word> out;
  for (const auto& one : texts) out.push_back({one.data(), static_cast<i64>(one.size())});
  return out;
}

// Ids as one text, each of the exact size, so that a read too far is seen.
struct Blob {
  std::vector<char> bytes;
  std::vector<i64> offsets{0};

  explicit Blob(const std::vector<std::string>& texts) {
    for (const auto& one : texts) {
      bytes.insert(bytes.end(), one.begin(), one.end());
      offsets.push_back(static_cast<i64>(bytes.size()));
    }
  }
  Text text() const {
    return {bytes.empty() ? "" : bytes.data(), offsets.data(),
            static_cast<i64>(offsets.size()) - 1};
  }
};

void words(const std::vector<std::string>& texts) {
  const auto ids = words_of(texts);
  const i64 n = static_cast<i64>(ids.size());
  const auto coded = on_any_threads<Coded>([&](const Run& run) {
    Coded out{std::vector<i32>(ids.size()), {}};
    CHECK(encode(ids.data(), n, out.first.data(), out.second, run));
    return out;
  });
  CHECK(coded == numbered(texts));
  const Blob packed(texts);
  CHECK(coded == on_any_threads<Coded>([&](const Run& run) {
          Coded out{std::vector<i32>(ids.size()), {}};
          CHECK(encode(packed.text(), out.first.data(), out.second, run));
          return out;
        }));
  const Blob table(distinct(texts, coded));
  const auto order = on_any_threads<std::vector<i32>>([&](const Run& run) {
    std::vector<i32> out(texts.size());
    CHECK(index(packed.text(), out.data(), run));
    return out;
  });
  CHECK(order == sorted(texts));
  on_any_threads<std::vector<i32>>([&](const Run& run) {
    std::vector<i32> places(table.text().size), rows(texts.size());
    std::vector<i32> none(1);
    const Word unknown{"no such id", 10};
    CHECK(index(table.text(), places.data(), run));
    CHECK(lookup(table.text(), places.data(), ids.data(), n, rows.data(), run));
    CHECK(lookup(table.text(), places.data(), &unknown, 1, none.data(), run));
    CHECK(rows == coded.first && none[0] == -1);
    return rows;
  });
}

std::vector<std::string> some_texts(i64 n, i64 kinds) {
  Random random(9);
  std::vector<std::string> out(n);
  for (auto& one : out) {
    const i64 kind = random.below(kinds);  // lengths from 0 to 20, with zero bytes and high ones
    one = std::string(kind % 17, kind % 3 ? 'a' : '\xc3') + std::to_string(kind);
    if (kind % 5 == 0) one.insert(one.size() / 2, 1, '\0');
    if (kind == 0) one.clear();
  }
  return out;
}

// A column as text: integers written out, or its distinct cells behind their numbers.
using Columns = std::vector<std::vector<std::string>>;

Columns divided(const std::string& text, const std::string& delimiter, i64 width, const Run& run) {
  std::vector<TextColumn> columns;
  i64 n = 0;
  const std::vector<char> exact(text.begin(), text.end());
  if (!divide(exact.empty() ? "" : exact.data(), static_cast<i64>(text.size()),
              {delimiter.data(), static_cast<i64>(delimiter.size())}, width, columns, n, run))
    return {};
  Columns out;
  for (const TextColumn& column : columns) {
    out.push_back({column.codes ? "text" : "numbers"});
    for (i64 r = 0; r < n; ++r) {
      if (!column.codes) {
        out.back().push_back(std::to_string(column.numbers[r]));
        continue;
      }
      const Word& cell = column.distinct[column.codes[r]];
      out.back().emplace_back(cell.at, cell.length);
    }
  }
  return out;
}

void divides() {
  using Table = Columns;
  const auto plain = [](const std::string& text, const std::string& by, i64 width) {
    return divided(text, by, width, {});
  };
  CHECK(plain("u,v\n1,3\r\n\"a,b\",\"4\"", ",", 2) ==
        (Table{{"text", "u", "1", "a,b"}, {"text", "v", "3", "4"}}));
  CHECK(plain("1::2\n-3::04\n", "::", 2) == (Table{{"numbers", "1", "-3"}, {"text", "2", "04"}}));
  CHECK(plain("9223372036854775807\n-9223372036854775808\n0\n", ",", 1) ==
        (Table{{"numbers", "9223372036854775807", "-9223372036854775808", "0"}}));
  CHECK(plain("9223372036854775808\n", ",", 1) == (Table{{"text", "9223372036854775808"}}));
  CHECK(plain("", ",", 2) == (Table{{"numbers"}, {"numbers"}}));
  CHECK(plain(",\n", ",", 2) == (Table{{"text", ""}, {"text", ""}}));
  for (const char* odd : {"1,2\n\n3,4\n", "1\n", "1,2,3\n", "a\"b,2\n", "\"a,2\n", "\"a\"b,2\n",
                          "1\r,2\n", "\"a\rb\",2\n", "\"", "\r\n", "1,\""})
    CHECK(plain(odd, ",", 2).empty());
}

void divides_in_parts() {
  Random random(3);
  std::string text;
  Columns expected{{"numbers"}, {"text"}};
  while (text.size() < 150'000) {
    expected[0].push_back(std::to_string(random.below(2000) - 1000));
    expected[1].push_back("item " + std::to_string(random.below(300)));
    text += expected[0].back() + "\t" + expected[1].back() + "\n";
  }
  CHECK(on_any_threads<Columns>([&](const Run& run) { return divided(text, "\t", 2, run); }) ==
        expected);
  text += "no second field\n";
  CHECK(
      on_any_threads<Columns>([&](const Run& run) { return divided(text, "\t", 2, run); }).empty());
}

}  // namespace

void test_ids() {
  constexpr i64 FAR = i64{1} << 40, SEVERAL_PARTS = 66'000;
  for (const i64 range : {i64{1}, i64{4000}, FAR}) {
    for (const i64 n : {0, 1, 2000}) numbers(some_numbers(n, range), FAR);
    if (range > 1) numbers(some_numbers(SEVERAL_PARTS, range), FAR);
  }
  using Limits = std::numeric_limits<i64>;
  numbers({Limits::max(), 0, Limits::min(), Limits::max(), -1}, 1);
  foreign_order();
  for (const i64 n : {0, 1, 2000}) words(some_texts(n, 3000));
  words(some_texts(SEVERAL_PARTS, 200));
  words({"", ""});
  divides();
  divides_in_parts();
}

}  // namespace penchant
