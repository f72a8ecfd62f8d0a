// Copyright 2026 the Soupstate authors. Licence: Apache-2.0.
#include "words.h"

#include <algorithm>
#include <deque>

#include "byte_classes.h"

namespace soupstate {
namespace {

// The CRC-32 of zlib, by a table (RFC 1952, section 8).
struct Crc {
  uint32_t of[256];
  constexpr Crc() : of() {
    for (uint32_t i = 0; i < 256; ++i) {
      uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) crc = crc & 1 ? 0xEDB88320u ^ crc >> 1 : crc >> 1;
      of[i] = crc;
    }
  }
};
constexpr Crc kCrc;

uint32_t crc32(std::string_view text) {
  uint32_t crc = ~0u;
  for (const char c : text) crc = kCrc.of[(crc ^ static_cast<uint8_t>(c)) & 255] ^ crc >> 8;
  return ~crc;
}

// The class of the character at bytes[*at] of valid UTF-8. Moves *at behind it.
uint8_t next_class(const uint8_t* bytes, size_t* at, const CharacterClasses& classes) {
  uint32_t c = bytes[(*at)++];
  if (c >= 0xC0) {
    const int more = c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3;
    c &= 0x3F >> more;
    for (int i = 0; i < more; ++i) c = c << 6 | (bytes[(*at)++] & 0x3F);
  }
  return c < classes.size ? classes.of[c] : 0;
}

// Calls found(word) for each word of bytes[at:end].
template <class Found>
void each_word(const uint8_t* bytes, size_t at, size_t end, const CharacterClasses& classes, Found found) {
  const auto* text = reinterpret_cast<const char*>(bytes);
  size_t begin = at;  // of the word that is under way, which ends at `at`
  while (at < end) {
    size_t next = at;
    const uint8_t c = next_class(bytes, &next, classes);
    if (!(c & kWordPart)) {
      if (begin < at) found(std::string_view(text + begin, at - begin));
      if (c & kWordAlone) found(std::string_view(text + at, next - at));
      begin = next;
    }
    at = next;
  }
  if (begin < at) found(std::string_view(text + begin, at - begin));
}

void sort_unique(std::vector<std::string_view>* words) {
  std::sort(words->begin(), words->end());
  words->erase(std::unique(words->begin(), words->end()), words->end());
}

bool is_letter(uint8_t b) { return b >= 'a' && b <= 'z'; }
bool is_digit(uint8_t b) { return b >= '0' && b <= '9'; }

// Returns the end of the name that begins at tag[at], or `at` where none does: a letter and at least one more letter or
// digit, or a slash, letters and at most one digit.
size_t name_end(const std::string& tag, size_t at) {
  const auto b = [&](size_t i) { return i < tag.size() ? static_cast<uint8_t>(tag[i]) : 0; };
  size_t end = at;
  if (b(at) == '/' && is_letter(b(at + 1))) {
    for (++end; is_letter(b(end)); ++end) continue;
    return end + is_digit(b(end));
  }
  if (!is_letter(b(at))) return at;
  for (++end; is_letter(b(end)) || is_digit(b(end)); ++end) continue;
  return end > at + 1 ? end : at;
}

}  // namespace

void count_characters(const Texts& texts, const CharacterClasses& classes, int64_t* counts) {
  for (size_t i = 0, at = 0; i < texts.count; ++i, counts += kCounted) {
    counts[0] = counts[1] = counts[2] = 0;
    while (at < static_cast<size_t>(texts.ends[i])) {
      const uint8_t c = next_class(texts.bytes, &at, classes);
      counts[0] += (c & kDigit) != 0;
      counts[1] += (c & kCapital) != 0;
      counts[2] += (c & kPunctuation) != 0;
    }
  }
}

void count_words(const Texts& texts, std::string_view title, const CharacterClasses& classes, size_t first, size_t last,
                 uint32_t buckets, int64_t* counts, std::vector<int64_t>* hashes, int64_t* sizes) {
  std::vector<std::string_view> of_title, own;
  each_word(reinterpret_cast<const uint8_t*>(title.data()), 0, title.size(), classes,
            [&](std::string_view word) { of_title.push_back(word); });
  sort_unique(&of_title);
  std::deque<std::string_view> ends;
  for (size_t i = 0, at = 0; i < texts.count; at = static_cast<size_t>(texts.ends[i]), ++i, counts += 3) {
    const size_t before = hashes->size();
    const auto add = [&](std::string_view word) { hashes->push_back(crc32(word) % buckets); };
    own.clear();
    ends.clear();
    each_word(texts.bytes, at, static_cast<size_t>(texts.ends[i]), classes, [&](std::string_view word) {
      own.push_back(word);
      if (own.size() <= first) return add(word);
      ends.push_back(word);
      if (ends.size() > last) ends.pop_front();
    });
    for (const std::string_view word : ends) add(word);
    sizes[i] = static_cast<int64_t>(hashes->size() - before);
    counts[0] = static_cast<int64_t>(own.size());
    sort_unique(&own);
    counts[1] = static_cast<int64_t>(own.size());
    counts[2] = std::count_if(own.begin(), own.end(), [&](std::string_view word) {
      return std::binary_search(of_title.begin(), of_title.end(), word);
    });
  }
}

void tell_names(const uint8_t* page, const int64_t* starts, const int64_t* ends, size_t k,
                const std::unordered_set<std::string>& untold, size_t most, uint32_t buckets, uint32_t* firsts,
                std::vector<int64_t>* hashes, int64_t* sizes) {
  std::string tag, name;
  for (size_t i = 0; i < k; ++i) {
    tag.assign(page + starts[i], page + ends[i]);
    for (char& c : tag) c = static_cast<char>(lower(static_cast<uint8_t>(c)));
    const size_t before = hashes->size();
    firsts[i] = 0;
    for (size_t at = 0, found = 0; at < tag.size() && found < most;) {
      const size_t end = name_end(tag, at);
      if (end == at) {
        ++at;
        continue;
      }
      name.assign(tag, at, end - at);
      at = end;
      if (!found++) {
        firsts[i] = crc32(name);
      } else {
        if (untold.count(name)) continue;
        name += '.';
      }
      hashes->push_back(crc32(name) % buckets);
    }
    sizes[i] = static_cast<int64_t>(hashes->size() - before);
  }
}

}  // namespace soupstate
