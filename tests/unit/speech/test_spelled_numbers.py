"""Number words of several languages: every spelling meets the digits, and rules do not change unseen."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from num2words import num2words

from tympan.speech.text import normalizer_for

LANGUAGES = {
    "en-US": "en",
    "es-ES": "es",
    "fr-FR": "fr",
    "de-DE": "de",
    "it-IT": "it",
    "pt-PT": "pt",
    "pt-BR": "pt_BR",
    "nl-NL": "nl",
}
MEETING = [
    ("de-DE", "1999", "neunzehnhundertneunundneunzig", "tausendneunhundert neunundneunzig"),
    ("de-DE", "1999", "neunzehn hundert neun und neunzig"),
    ("de-DE", "105", "hundertfünf", "einhundert fünf", "hundert und fünf", "ein hundert fünf"),
    ("de-DE", "2023", "zweitausend dreiundzwanzig", "zwei tausend drei und zwanzig"),
    ("de-DE", "3,50 €", "drei Euro fünfzig", "drei Euro und fünfzig Cent", "3 Euro 50 Cent"),
    ("de-DE", "hundert ein Haus", "100 ein Haus"),
    ("fr-FR", "1999", "dix-neuf cent quatre-vingt-dix-neuf", "mille neuf cent quatre-vingt-dix-neuf"),
    ("fr-FR", "21", "vingt et un", "vingt-et-un"),
    ("fr-FR", "12h30", "douze heures trente", "12:30"),
    ("fr-FR", "3,50 €", "trois euros cinquante", "trois euros et cinquante centimes"),
    ("es-ES", "3,50 €", "tres euros cincuenta", "tres euros con cincuenta céntimos"),
    ("es-ES", "50 %", "cincuenta por ciento"),
    ("it-IT", "2023", "duemila ventitré", "due mila ventitre", "duemilaventitré"),
    ("it-IT", "3,50 €", "tre euro cinquanta", "tre euro e cinquanta centesimi"),
    ("nl-NL", "1999", "negentienhonderd negenennegentig", "duizend negenhonderd negenennegentig"),
    ("nl-NL", "2023", "tweeduizend drieëntwintig", "twee duizend drieentwintig"),
    ("nl-NL", "101", "honderdeen", "honderd één", "honderd en een", "een honderd een"),
    ("nl-NL", "3,50 €", "drie euro vijftig", "drie euro en vijftig cent"),
    ("pt-BR", "16", "dezesseis", "dezasseis"),
    ("pt-PT", "3,50 €", "três euros cinquenta", "três euros e cinquenta cêntimos"),
    ("en-US", "$3.50", "three dollars fifty cents", "three dollars and fifty cents"),
]

# What tells versions of a normaliser apart. A rule that changes changes the fingerprint: give the
# language a new version in the catalogue, then the new fingerprint here.
FINGERPRINTS = {
    "tympan-en/1": "1d8c5a475d18",
    "tympan-ca/1": "2b46ff108819",
    "tympan-cs/1": "2532910e9d97",
    "tympan-da/1": "425d9874dffa",
    "tympan-de/2": "2bf381f3f931",
    "tympan-es/2": "28c62020ed82",
    "tympan-fi/1": "8314deb1a2db",
    "tympan-fr/2": "7c0f9c4b038c",
    "tympan-hu/1": "0798335f3b17",
    "tympan-id/1": "33905bae112c",
    "tympan-it/2": "b31bf63d6033",
    "tympan-ja/1": "d0cea849d005",
    "tympan-ko/1": "cba483ee12ae",
    "tympan-lt/1": "9e31fe7e0cf5",
    "tympan-lv/1": "96cd11e4ab73",
    "tympan-nb/1": "70e0b30e09ef",
    "tympan-nl/2": "8b12bd40918f",
    "tympan-pl/1": "3f17fd348201",
    "tympan-pt/2": "bbc61619a291",
    "tympan-ro/1": "291dcd9ec9b4",
    "tympan-ru/1": "4ec0d548c694",
    "tympan-sk/1": "5c934a5517dc",
    "tympan-sl/1": "23dec387a94a",
    "tympan-sv/1": "ba622a8285fc",
    "tympan-th/1": "00a2d8d685c1",
    "tympan-tr/1": "af04eda79b66",
    "tympan-uk/1": "380e10f847d6",
    "tympan-vi/1": "4e37e545ae17",
    "tympan-zh/1": "88ac3f6e3e12",
    "tympan-yue/1": "63eb5659478b",
    "tympan-wuu/1": "25ef1f67fa7c",
    "tympan/1": "23f42df67746",
}

WORDS = """
ein|eins|zwei|und|hundert|tausend|zehn|neunhundert|tausendneunhundert|neunzehnhundert|een|twee|en|honderd|duizend|één
drieën|negen|cent|cents|dix|neuf|sept|vingt|quatre|onze|mille|mila|cento|tre|tré|ventitré|e|y|con|et|euro|euros
centesimi|cêntimos|céntimos|centimes|dezesseis|quatorze|dollars|fifty|1999|3,50€|105|€|12h30|zwanzig
""".replace("|", " ").split()


@pytest.mark.parametrize(("locale", "forms"), [(one[0], one[1:]) for one in MEETING])
def test_written_and_spoken_forms_meet(locale, forms):
    assert len({normalizer_for(locale).normalize(form) for form in forms}) == 1


@given(st.sampled_from(list(LANGUAGES)), st.one_of(st.integers(0, 9999), st.integers(0, 10**9 - 1)))
@settings(max_examples=400, deadline=None)
def test_every_number_meets_its_words(locale, value):
    normalizer = normalizer_for(locale)
    written = f"{value:,}" if locale == "en-US" else str(value)
    # Long numbers without groups are read as codes, digit by digit.
    if len(written) > 7 and locale != "en-US":
        written = f"{value:,}".replace(",", ".")
    assert normalizer.normalize(written) == normalizer.normalize(num2words(value, lang=LANGUAGES[locale]))


@given(st.sampled_from(list(LANGUAGES)), st.lists(st.sampled_from(WORDS), max_size=10).map(" ".join))
@settings(max_examples=500, deadline=None)
def test_normalising_twice_is_normalising_once(locale, text):
    normalizer = normalizer_for(locale)
    once = normalizer.normalize(text)
    assert normalizer.normalize(once) == once
    assert [word.word for word in normalizer.trace_words(text)] == once.split()


@pytest.mark.parametrize("name", FINGERPRINTS)
def test_rules_change_only_with_their_version(name):
    language = name.removeprefix("tympan-").rpartition("/")[0] if "-" in name else "eo"
    normalizer = normalizer_for(language)
    assert (normalizer.name, normalizer.fingerprint) == (name, FINGERPRINTS[name])


def test_a_trace_shows_each_rule_at_work():
    normalizer = normalizer_for("de-DE")
    steps = {
        one.step: (one.before, one.after) for one in normalizer.trace("Um 1999!") if one.before != one.after
    }
    assert list(steps) == ["numbers", "punctuation", "case", "spaces"]
    assert steps["case"][1].split() == ["um", "neunzehnhundertneunundneunzig"]
