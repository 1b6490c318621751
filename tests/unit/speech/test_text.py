"""The normalisers: published vectors, forms that must meet, and what holds for every text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from num2words import num2words

from tympan.speech.text import normalizer_for

PUBLISHED = [
    ("104 Elm Street", "one oh four elm street"),
    ("Tune to 102.7", "tune to one oh two point seven"),
    ("Pi is about 3.14", "pi is about three point one four"),
    ('"Holy cow!" said Batman.', "holy cow said batman"),
    ('"What?" said Batman\'s sidekick, Robin.', "what said batman's sidekick robin"),
    ("I'm double-jointed", "i'm double jointed"),
    ("-em", "em"),
]

MEETING = [
    ("21st", "twenty first", "Twenty-First"),
    ("36", "thirty six", "thirty-six"),
    ("$5", "five dollars", "$5.00"),
    ("$1.50", "one dollar and fifty cents"),
    ("$1.5 million", "one point five million dollars"),
    ("10:00", "ten o'clock", "ten o clock"),
    ("10:00 a.m.", "10am", "ten a m"),
    ("1:36", "one thirty six"),
    ("104", "one hundred and four", "one hundred four", "one oh four", "one zero four"),
    ("136", "one hundred and thirty six", "one thirty six"),
    ("100", "a hundred", "one hundred"),
    ("1905", "nineteen hundred and five", "nineteen oh five"),
    ("2024", "two thousand and twenty four", "twenty twenty four"),
    ("2,300", "two thousand three hundred", "twenty three hundred"),
    ("12,345", "twelve thousand three hundred and forty-five"),
    ("1,234,567", "one million two hundred thirty four thousand five hundred sixty seven"),
    ("90210", "nine oh two one oh", "nine zero two one zero"),
    ("555-1234", "five five five one two three four"),
    ("50%", "fifty percent", "fifty per cent"),
    ("the 1990s", "the nineteen nineties"),
    ("2½ cups", "two and a half cups"),
    ("the U.S.A.", "the USA"),
    ("don’t—stop…", "don't stop"),
    ("101st", "one hundred and first"),
]

OTHERS = [
    ("de-DE", "12:23 Uhr", "zwölf uhr dreiundzwanzig"),
    ("de-DE", "zwölf Uhr drei und zwanzig", "zwölf uhr dreiundzwanzig"),
    (
        "de-DE",
        "„Am 21. Mai 1999“, 3,50 €!",
        "am einundzwanzigsten mai neunzehnhundertneunundneunzig drei euro fünfzig",
    ),
    ("de-DE", "105 + 3,14", "hundertfünf drei komma eins vier"),
    ("fr-FR", "L'homme a 21 ans, 3,5 %", "l'homme a vingt et un ans trois virgule cinq pour cent"),
    ("es-ES", "¿El 3º? 5 €", "el tercero cinco euros"),
    ("nl-NL", "21 één", "eenentwintig een"),
    ("pl-PL", "10 000", "dziesięć tysięcy"),
    ("ru-RU", "Ёлка 21", "елка двадцать один"),
    ("zh-CN", "￥3.5，我用ａbc在2024年。", "三 元 五 角 我 用 ABC 在 二 零 二 四 年"),
    ("zh-CN", "104个，10:05", "一 百 零 四 个 十 点 零 五 分"),
    ("ja-JP", "ｶﾞｲﾄﾞは２人！", "ガ イ ド は 二 人"),
    ("ko-KR", "안녕하세요, 21명", "안녕하세요 이십일 명"),
    ("tr-TR", "ISPARTA'da", "ısparta'da"),
    ("el-GR", "ΟΔΟΣ 7", "οδος 7"),
]

LOCALES = (
    "en-US",
    "de-DE",
    "fr-FR",
    "es-ES",
    "nl-NL",
    "ru-RU",
    "tr-TR",
    "zh-CN",
    "ja-JP",
    "th-TH",
    "ko-KR",
    "ar-EG",
)
TRICKY = (
    "one two five twenty ninety hundred thousand million and a point zero oh o dollars cents p m o'clock per "
    "cent first 10 105 2024 1,000 $5.10 10:00 007 21st 3.14 - % ein und zwanzig é ½ 90s U.S. ' . 12h30 3º 1/2"
)
TEXTS = st.one_of(
    st.text(max_size=40),
    st.text("0123456789.,:-$%€/ '’abcXYZİΣß½ªº年月日¥h", max_size=25),
    st.lists(st.sampled_from(TRICKY.split()), max_size=12).map(" ".join),
)


@pytest.mark.parametrize(("text", "expected"), PUBLISHED)
def test_published_examples_come_out_as_published(text, expected):
    assert normalizer_for("en-US").normalize(text) == expected


@pytest.mark.parametrize("forms", MEETING, ids=lambda forms: forms[0])
def test_written_and_spoken_forms_meet(forms):
    assert len({normalizer_for("en-US").normalize(form) for form in forms}) == 1


@pytest.mark.parametrize(("locale", "text", "expected"), OTHERS)
def test_other_languages_have_rules_of_their_own(locale, text, expected):
    assert normalizer_for(locale).normalize(text) == expected


@given(st.sampled_from(LOCALES), TEXTS)
@settings(max_examples=300, deadline=None)
def test_normalising_twice_is_normalising_once(locale, text):
    normalizer = normalizer_for(locale)
    once = normalizer.normalize(text)
    assert normalizer.normalize(once) == once


@given(st.integers(0, 10**12))
@settings(max_examples=300, deadline=None)
def test_every_number_meets_its_words(value):
    normalizer = normalizer_for("en-US")
    assert normalizer.normalize(f"{value:,}") == normalizer.normalize(num2words(value))


@given(st.sampled_from(LOCALES), TEXTS)
@settings(max_examples=200, deadline=None)
def test_traces_tell_the_same_story_as_the_result(locale, text):
    normalizer = normalizer_for(locale)
    steps, words = normalizer.trace(text), normalizer.trace_words(text)
    assert [step.before for step in steps] == [text, *(step.after for step in steps[:-1])]
    assert steps[-1].after == normalizer.normalize(text)
    assert [word.word for word in words] == normalizer.words(text)
    assert all(word.source == text[word.start : word.end] for word in words)


def test_each_word_is_traced_to_its_source():
    traced = normalizer_for("en-US").trace_words("He paid $5.10, on the 21st.")
    assert [(word.word, word.source) for word in traced] == [
        ("he", "He"),
        ("paid", "paid"),
        *((word, "$5.10") for word in ("five", "dollars", "ten", "cents")),
        ("on", "on"),
        ("the", "the"),
        *((word, "21st") for word in ("twenty", "first")),
    ]


@pytest.mark.parametrize(
    ("locale", "name"),
    [("en-GB", "tympan-en/1"), ("de-AT", "tympan-de/2"), ("zh-Hans-CN", "tympan-zh/1"), ("eo", "tympan/1")],
)
def test_a_normaliser_is_named_by_language_and_version(locale, name):
    assert normalizer_for(locale).name == name


def test_nothing_is_left_of_punctuation_alone():
    assert normalizer_for("en-US").words("... -- !?") == []
