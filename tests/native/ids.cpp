// Ids: numbered by first appearance, sorted, found again.
#include <map>
#include <string>

#include "check.hpp"

namespace penchant {
namespace {

void numbers(i64 n, i64 range) {
  Random random(static_cast<std::uint64_t>(n + range));
  std::vector<i64> ids(static_cast<std::size_t>(n));
  for (i64& id : ids) id = random.below(range) - range / 2;
  using Coded = std::pair<std::vector<i32>, std::vector<i64>>;
  const auto [codes, first] = on_any_threads<Coded>([&](const Run& run) {
    Coded out{std::vector<i32>(ids.size()), {}};
    CHECK(encode(ids.data(), n, out.first.data(), out.second, run));
    return out;
  });
  std::map<i64, i32> seen;
  for (std::size_t at = 0; at < ids.size(); ++at) {
    const i32 code = seen.emplace(ids[at], static_cast<i32>(seen.size())).first->second;
    CHECK(codes[at] == code &&
          ids[static_cast<std::size_t>(first[static_cast<std::size_t>(code)])] == ids[at]);
  }
  std::vector<i64> table;
  for (const i64 at : first) table.push_back(ids[static_cast<std::size_t>(at)]);
  std::vector<i32> order(table.size()), rows(ids.size());
  CHECK(index(table.data(), static_cast<i64>(table.size()), order.data(), {}));
  CHECK(lookup(table.data(), order.data(), static_cast<i64>(table.size()), ids.data(), n,
               rows.data(), {}));
  CHECK(rows == codes);
}

void words(i64 n) {
  Random random(9);
  std::vector<std::string> texts(static_cast<std::size_t>(n));
  for (auto& one : texts)
    one = std::string(static_cast<std::size_t>(random.below(12)), 'a') +
          std::to_string(random.below(50));
  std::vector<Word> ids;
  for (const auto& one : texts) ids.push_back({one.data(), static_cast<i64>(one.size())});
  const auto codes = on_any_threads<std::vector<i32>>([&](const Run& run) {
    std::vector<i32> out(ids.size());
    std::vector<i64> first;
    CHECK(encode(ids.data(), n, out.data(), first, run));
    return out;
  });
  for (std::size_t a = 0; a < ids.size(); a += 7)
    for (std::size_t b = 0; b < ids.size(); b += 5)
      CHECK((codes[a] == codes[b]) == (texts[a] == texts[b]));
}

void divided() {
  const std::string text = "u,i,v\n1,a,3\n2,\"b,c\",4\n1,a,5\n";
  std::vector<TextColumn> columns;
  i64 n = 0;
  if (!divide(text.data(), static_cast<i64>(text.size()), {",", 1}, 3, columns, n, {})) return;
  CHECK(n == 4 && columns.size() == 3);
}

}  // namespace

void test_ids() {
  for (const i64 n : {0, 1, 5000})
    for (const i64 range : {i64{1}, i64{40}, i64{1} << 40}) numbers(n, range);
  for (const i64 n : {0, 1, 3000}) words(n);
  divided();
}

}  // namespace penchant
