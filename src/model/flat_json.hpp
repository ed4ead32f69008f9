// JSON objects of one level whose values are strings and unsigned integers, which is all that a row is. Rows come by
// the ten thousand, and a tree for each would take longer than everything else that is done with them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace airlock::model {

class FlatJsonReader {
 public:
  // Borrows `text`, which must be one object and nothing else; `where` stands in messages.
  FlatJsonReader(std::string_view text, std::string_view where);

  // Moves to the next member and gives its name; false at the end of the object, where trailing bytes are refused.
  // Names are plain: no escapes. Throws malformed, as every function here.
  bool next(std::string_view& name);
  // The value of the member that next() gave; exactly one of these must be called before the next next().
  std::string string_value();
  std::uint64_t number_value();  // at most 2^53-1, without sign, fraction, exponent or leading zeros

  [[noreturn]] void fail(std::string_view why) const;

 private:
  void skip_space();
  void expect(char c);
  void append_escape(std::string& out);
  unsigned hex4();

  std::string_view m_text;
  std::string_view m_where;
  std::size_t m_at = 0;
  bool m_first = true;
};

// Appends `text` as a JSON string, escaping only what must be escaped.
void append_json_string(std::string& out, std::string_view text);

}  // namespace airlock::model
