"""House rules about figures, whichever library finds the numbers."""

import pytest

from tympan.speech.itn_house_rules import count_units, join_digits, number_windows, only_numbers


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Call five five five one two three four.", "Call 5551234."),
        ("en", "Room two oh five, please.", "Room 205, please."),
        ("en", "Dial double five triple two now", "Dial 55222 now"),
        ("en", "One two three, go! Nine one one.", "One two three, go! 911."),
        ("en", "One, two, three, four.", "One, two, three, four."),
        ("en", "twenty one two three four", "twenty one two three four"),
        ("en", "one two three four hundred", "one two three four hundred"),
        ("de", "Der Code ist vier null sieben zwei.", "Der Code ist 4072."),
        ("nl", "vier nul zeven een", "4071"),
    ],
)
def test_digits_said_one_by_one_are_one_number(language, text, expected):
    assert join_digits(text, language) == expected


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Two cats, two kilos.", "Two cats, 2 kilos."),
        ("en", "In two minutes one meter", "In two minutes one meter"),
        ("en", "two to three feet, three or 10 feet", "2 to 3 feet, 3 or 10 feet"),
        ("en", "one eighty two kilos, two to one", "one eighty two kilos, two to one"),
        ("de", "zwei bis drei Meter", "2 bis 3 Meter"),
        ("fr", "neuf mètres de fille neuve", "9 mètres de fille neuve"),
        ("pt", "duas vezes cinco reais", "duas vezes 5 reais"),
    ],
)
def test_small_numbers_are_figures_before_units_only(language, text, expected):
    assert count_units(text, language) == expected


@pytest.mark.parametrize(
    ("language", "before", "after", "expected"),
    [
        ("en", "write to ann at gmail dot com", "write to ann@gmail.com", "write to ann at gmail dot com"),
        (
            "en",
            "A thousand thanks, a hundred dollars",
            "1000 thanks, 100 dollars",
            "A thousand thanks, 100 dollars",
        ),
        ("es", "Mil gracias por mil euros", "1000 gracias por 1000 euros", "Mil gracias por 1000 euros"),
        ("de", "um zehn Uhr dreißig", "um 10.30 Uhr", "um 10:30 Uhr"),
        ("de", "um zehn Uhr dreißig vor dem Haus", "um 10.30 Uhr vor dem Haus", "um 10:30 Uhr vor dem Haus"),
        ("es", "tres punto cincuenta", "3.50", "3.50"),
        ("en", "three dollars and fifty cents", "$3.50", "$3.50"),
        ("en", "no change", "no change", "no change"),
        (
            "en",
            "twenty five iphones, a hundred times",
            "25 iPhones, 100 times",
            "25 iphones, a hundred times",
        ),
    ],
)
def test_only_what_was_a_number_may_change(language, before, after, expected):
    assert only_numbers(before, after, language) == expected


def test_only_what_is_near_a_number_is_looked_at():
    text = "a b c d e  twenty five f g h i j k l m n o p q r s two."
    windows = number_windows(text, "en")
    assert [text[start:end] for start, end in windows] == ["c d e  twenty five f g h i j", "q r s two."]
    assert number_windows("No numbers here.\nNone.", "en") == []
