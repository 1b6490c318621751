"""Display format: patterns, rewriting, profanity, and the files that hold them."""

from __future__ import annotations

import io
import time

import pytest

from tympan.domain.manifest import FormattingRule
from tympan.speech.display_files import FormatLimits, failing_tests, read_display_format
from tympan.speech.display_format import DisplayFormatter, Profanity, apply
from tympan.speech.itn_patterns import PatternError, parse_pattern
from tympan.speech.spoken_numbers import digit_readings, write_numbers

EXAMPLE = """\
// rules of a shop
# ITN
cat-\\d
\\d\\d{to>-}\\d\\d {K>cadence}

#rewrite
end to end\tE2E
bergerson construction incorporated\tBergerson Construction, Inc
bridge & tunnel\tBridge & Tunnel
department human svc-child\tDepartment Human Svc-child
1 star motors\t1 Star Motors
murdock michael A dpm\tMurdock, Michael A., Dpm
a bit of everything\tA bit of Everything

# profanity
fake word
masked word

# test
do you like cat nine\tDo you like cat-9
do you like dog nine\tDo you like dog 9
twenty to thirty K\t20-30 cadence
how about end to end speech\tHow about E2E speech
some fake word and masked word here\tSome **** **** and ****** **** here
navigate to bergerson construction incorporated\tNavigate to Bergerson Construction, Inc
navigate to bridge & tunnel\tNavigate to Bridge & Tunnel
navigate to department human svc-child\tNavigate to Department Human Svc-child
navigate to 1 star motors\tNavigate to 1 Star Motors
navigate to murdock michael A dpm\tNavigate to Murdock, Michael A., Dpm
navigate to a bit of everything\tNavigate to A bit of Everything
"""


def rules_of(text: str) -> list[FormattingRule]:
    lines = read_display_format(io.BytesIO(text.encode("utf-8-sig")), "en-US", FormatLimits())
    return [line.rule for line in lines if line.rule is not None]


def problems(text: str, limits: FormatLimits | None = None) -> list[tuple[int, str]]:
    lines = read_display_format(io.BytesIO(text.encode()), "en-US", limits or FormatLimits())
    return [(line.number, finding.code) for line in lines for finding in line.findings]


def written(pattern: str, heard: str) -> str:
    rule = FormattingRule(section="itn", source=pattern, line=1)
    return apply([rule], heard, locale="en-US", is_lexical=True).text


def rewritten(text: str, *pairs: tuple[str, str], locale: str = "en-US") -> str:
    rules = [FormattingRule(section="rewrite", source=old, target=new, line=1) for old, new in pairs]
    return apply(rules, text, locale=locale).text


def test_a_whole_file_is_read_and_its_tests_pass():
    assert not problems(EXAMPLE)
    assert len(rules_of(EXAMPLE)) == 22
    assert list(failing_tests(rules_of(EXAMPLE), "en-US")) == []


def test_a_failing_test_is_a_warning_with_what_came_out():
    ((line, finding),) = failing_tests(rules_of("#test\ncat nine\tCat-9\n"), "en-US")
    assert (line, finding.code, finding.is_error) == (2, "TestFailed", False)
    assert "'Cat 9'" in finding.message


@pytest.mark.parametrize(
    ("pattern", "heard", "expected"),
    [
        (r"\d\d\d-\d\d\d", "cadence one oh five one fifteen", "Cadence 105-115"),
        (r"\d\d\d-\d\d\d", "cadence 105 115", "Cadence 105-115"),
        ("Space: 1999", "watch space nineteen ninety nine", "Watch Space: 1999"),
        (r"\d[05]{ to >-}\d[05]", "fifteen to twenty", "15-20"),
        (r"(AB|CD)-(\d)+", "model a b five hundred or cd one two", "Model AB-500 or CD-12"),
        (r"{zippy>ZPI}-\d\d", "the zippy twenty two", "The ZPI-22"),
        (r"{write} (\u.)+", "write a b c", "A.B.C."),
        (r"\d\d\d", "call five hundred", "Call 500"),
        (r"\d\d\d", "call five zero zero", "Call 500"),
        (r"\d\d\d", "call five double zero", "Call 500"),
        (r"\l\l-[1-3]", "room X Y three", "Room xy-3"),
        (r"v\d(.\d)?", "use v three two", "Use v3.2"),
        (r"\(\d\d\d\) \d\d\d\d", "dial five five five one two three four", "Dial (555) 1234"),
    ],
)
def test_patterns_say_how_spoken_forms_are_written(pattern: str, heard: str, expected: str):
    assert written(pattern, heard) == expected


@pytest.mark.parametrize(
    ("pattern", "heard"),
    [
        (r"cat-\d", "cat twenty five"),
        (r"cat-\d", "cat nine hundred"),
        (r"cat-\d", "concat nine"),
        (r"\d\d\d", "ten fifty"),
        (r"AB-\d", "a bee five"),
    ],
)
def test_a_pattern_takes_whole_words_and_whole_numbers_only(pattern: str, heard: str):
    assert "-" not in written(pattern, heard)


def test_rules_of_the_owner_come_before_the_figures_of_the_language():
    def write(text: str) -> str:
        return text.replace("one oh five one fifteen", "105115").replace("twenty five", "25")

    rules = rules_of("#itn\n\\d\\d\\d-\\d\\d\\d\n#rewrite\ncats\tCats Inc\n#profanity\nfake word\n")
    formatter = DisplayFormatter(rules, "en-US", write_numbers=write)
    shown = formatter.format_display("Call one oh five one fifteen for twenty five cats, fake word.")
    assert shown.text == "Call 105-115 for 25 Cats Inc, **** ****."
    assert shown.unmasked == "Call 105-115 for 25 Cats Inc, fake word."
    assert shown.spoken == "Call 105-115 for twenty five Cats Inc, fake word."
    assert formatter.format_display("Just cats.").spoken == ""


def test_test_lines_have_the_figures_of_their_language():
    rules = [FormattingRule(section="test", source="zehn oh fünf", target="10 oh fünf", line=1)]
    assert list(failing_tests(rules, "de-DE", lambda text: text.replace("zehn", "10"))) == []
    [(_, finding)] = failing_tests(rules, "de-DE")
    assert "Zehn oh fünf" in finding.message


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("Fake word, it hurts.", "It hurts."),
        ("It is, fake word, late.", "It is, late."),
        ("What the fake word!", "What the!"),
        ("Fake word!", ""),
        ("fake word it", "it"),
        ("Ça va ! It is fake word fake word late.", "Ça va ! It is late."),
        ("So fake word, so late.", "So, so late."),
    ],
)
def test_a_removed_phrase_leaves_no_marks_behind(text: str, left: str):
    rules = rules_of("#profanity\nfake word\n")
    shown = apply(rules, text, locale="en-US", profanity=Profanity.REMOVED)
    assert (shown.text, shown.unmasked) == (left, text)


def test_the_longest_pattern_wins():
    rules = rules_of("#itn\ncat-\\d\ncat-\\d-\\d\n")
    assert apply(rules, "my cat one two", locale="en-US", is_lexical=True).text == "My cat-1-2"


@pytest.mark.parametrize(
    "pattern",
    ["", "(", "a)", "[", "[]", "{", "{>x}", "a+", "\\x", "\\", "(a|)", "[z-a]", "(" * 30 + "a" + ")" * 30],
)
def test_patterns_that_break_the_grammar_are_refused(pattern: str):
    with pytest.raises(PatternError):
        parse_pattern(pattern)


def test_a_pattern_made_to_take_forever_ends_soon():
    start = time.process_time()
    written(r"((\d)+(\d)*)+x", "one " * 60)
    assert time.process_time() - start < 10


def test_the_longest_rewrite_wins_and_ignores_case_and_grammar_marks():
    pairs = (("end to end", "E2E"), ("End to end, testing", "E2E-Testing"))
    assert rewritten("We do end to end, testing.", *pairs) == "We do E2E-Testing."
    assert rewritten("Is it END TO END?", *pairs) == "Is it E2E?"


def test_rewriting_keeps_the_first_letter_of_a_sentence_upper_case():
    assert rewritten("End to end works.", ("end to end", "e2e")) == "E2e works."


def test_a_mark_is_not_doubled():
    assert rewritten("We met Acme incorporated.", ("acme incorporated", "Acme, Inc.")) == "We met Acme, Inc."


def test_only_whole_words_are_rewritten():
    assert rewritten("A weekend to end it.", ("end to end", "E2E")) == "A weekend to end it."


def test_chinese_is_rewritten_without_spaces():
    assert (
        rewritten("我在,微软中国工作", ("微软,中国", "Microsoft 中国"), locale="zh-CN")
        == "我在,Microsoft 中国工作"
    )


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (Profanity.MASKED, "Such a **** ****!"),
        (Profanity.REMOVED, "Such a!"),
        (Profanity.TAGS, "Such a <profanity>fake word</profanity>!"),
        (Profanity.RAW, "Such a fake word!"),
    ],
)
def test_profanity_modes(mode: Profanity, expected: str):
    assert (
        DisplayFormatter(rules_of("#profanity\nfake word\nfake\n"), "en-US")
        .format_display("Such a fake word!", mode)
        .text
        == expected
    )


def test_display_text_without_a_match_stays_as_it_is():
    formatter = DisplayFormatter(rules_of(EXAMPLE), "en-US")
    text = "i said: two dogs,  no cats (9)"
    assert formatter.format_display(text).applied == ()
    assert formatter.format_display("Do you like cat nine?").text == "Do you like cat-9?"
    assert formatter.format_display("Do you like cat nine?").applied == ("cat nine -> cat-9",)


def test_file_problems_name_their_line():
    text = "before\n#nonsense\nx\n#itn\n(a\n#rewrite\nno tab\na\tb\tc\n...\tx\n#profanity\na\tb\n#test\nx\n"
    assert problems(text) == [
        (1, "LineInvalid"),
        (2, "SectionNameInvalid"),
        (3, "LineInvalid"),
        (5, "PatternInvalid"),
        (7, "TabMissing"),
        (8, "TooManyTabs"),
        (9, "LineEmpty"),
        (11, "TooManyTabs"),
        (13, "TabMissing"),
    ]


def test_lines_over_the_limit_are_refused():
    assert problems("#profanity\na\nb\n#itn\nc\n", FormatLimits(profanity=1)) == [(3, "LineLimit")]


@pytest.mark.parametrize(
    ("spoken", "digits"),
    [
        ("two thousand nineteen or nineteen eighty four", "2019 or 1984"),
        ("one two three", "123"),
        ("oh no", "oh no"),
        ("three million five hundred thousand and one", "3500000 and 1"),
    ],
)
def test_number_words_are_written_as_digits(spoken: str, digits: str):
    assert write_numbers(spoken.split()) == digits.split()


def test_a_group_of_number_words_may_be_read_in_more_than_one_way():
    words = ["five", "hundred", "and", "two"]
    assert [reading.text for reading in digit_readings(words, 0)] == ["502", "500"]
    assert digit_readings(["triple", "oh"], 0)[0].text == "000"
