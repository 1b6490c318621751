"""What the numbers of each language need beyond a number-to-words library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberLanguage:
    """How one language speaks written numbers.

    Attributes:
        code: Of the num2words converter.
        comma, point: The word for each decimal separator; empty where the places are just
            said after the whole number.
        reads_places_whole: ``3,14`` is "three comma fourteen" and not "... one four".
        percent: Word for the sign; empty leaves it to the punctuation step, like all symbols.
        currencies: Sign to word.
        clock: Word between hours and minutes, such as ``Uhr``.
        has_space_groups: ``10 000`` is one number.
        ordinal_suffix: Pattern of what follows the digits of an ordinal; empty for none.
        has_paired_years: 1100 to 1999 are read as two pairs.
    """

    code: str
    comma: str = ""
    point: str = ""
    reads_places_whole: bool = False
    percent: str = ""
    currencies: Mapping[str, str] = field(default_factory=dict)
    clock: str = ""
    has_space_groups: bool = False
    ordinal_suffix: str = ""
    has_paired_years: bool = False


def _money(euro: str, dollar: str, pound: str) -> dict[str, str]:
    return {"€": euro, "$": dollar, "£": pound}


_NORDIC_MONEY = _money("euro", "dollar", "pund")

NUMBER_LANGUAGES: Mapping[str, NumberLanguage] = {
    "ca": NumberLanguage(code="ca", comma="coma", point="punt", percent="per cent"),
    "cs": NumberLanguage(
        code="cs",
        comma="celá",
        point="celá",
        reads_places_whole=True,
        percent="procent",
        has_space_groups=True,
    ),
    "da": NumberLanguage(
        code="da", comma="komma", point="punktum", percent="procent", currencies=_NORDIC_MONEY
    ),
    "de": NumberLanguage(
        code="de",
        comma="Komma",
        point="Punkt",
        percent="Prozent",
        currencies=_money("Euro", "Dollar", "Pfund"),
        clock="Uhr",
        has_paired_years=True,
    ),
    "es": NumberLanguage(
        code="es",
        comma="coma",
        point="punto",
        percent="por ciento",
        currencies=_money("euros", "dólares", "libras"),
        ordinal_suffix=r"\.?[ºª]",
    ),
    "fi": NumberLanguage(
        code="fi", comma="pilkku", point="piste", percent="prosenttia", has_space_groups=True
    ),
    "fr": NumberLanguage(
        code="fr",
        comma="virgule",
        point="point",
        percent="pour cent",
        currencies=_money("euros", "dollars", "livres"),
        clock="heures",
        has_space_groups=True,
        ordinal_suffix=r"(?:er|e|ème|eme)\b",
    ),
    "hu": NumberLanguage(code="hu", percent="százalék", has_space_groups=True),
    "id": NumberLanguage(code="id", percent="persen"),
    "it": NumberLanguage(
        code="it",
        comma="virgola",
        point="punto",
        percent="per cento",
        currencies=_money("euro", "dollari", "sterline"),
        ordinal_suffix=r"\.?[ºª°]",
    ),
    "ja": NumberLanguage(code="ja", comma="点", point="点", percent="パーセント"),
    "ko": NumberLanguage(code="ko", comma="점", point="점", percent="퍼센트"),
    "lt": NumberLanguage(code="lt", comma="kablelis", point="taškas", reads_places_whole=True),
    "lv": NumberLanguage(code="lv", comma="komats", point="punkts", reads_places_whole=True),
    "nb": NumberLanguage(
        code="no", comma="komma", point="punktum", percent="prosent", currencies=_NORDIC_MONEY
    ),
    "nl": NumberLanguage(
        code="nl",
        comma="komma",
        point="punt",
        percent="procent",
        currencies=_money("euro", "dollar", "pond"),
        clock="uur",
        ordinal_suffix=r"(?:ste|de|e)\b",
        has_paired_years=True,
    ),
    "pl": NumberLanguage(
        code="pl",
        comma="przecinek",
        point="kropka",
        reads_places_whole=True,
        percent="procent",
        has_space_groups=True,
    ),
    "pt": NumberLanguage(
        code="pt",
        comma="vírgula",
        point="ponto",
        percent="por cento",
        currencies=_money("euros", "dólares", "libras"),
        ordinal_suffix=r"\.?[ºª]",
    ),
    "ro": NumberLanguage(code="ro", comma="virgulă", point="punct", percent="la sută"),
    "ru": NumberLanguage(code="ru", percent="процентов", has_space_groups=True),
    "sk": NumberLanguage(
        code="sk", comma="celých", point="celých", reads_places_whole=True, percent="percent"
    ),
    "sl": NumberLanguage(code="sl", comma="celih", point="celih", percent="odstotkov"),
    "sv": NumberLanguage(
        code="sv",
        comma="komma",
        point="punkt",
        percent="procent",
        currencies=_NORDIC_MONEY,
        has_space_groups=True,
    ),
    "th": NumberLanguage(code="th", comma="จุด", point="จุด", percent="เปอร์เซ็นต์"),
    "tr": NumberLanguage(code="tr"),
    "uk": NumberLanguage(
        code="uk", comma="кома", point="крапка", reads_places_whole=True, percent="відсотків"
    ),
    "vi": NumberLanguage(code="vi", percent="phần trăm"),
}
"""By ISO 639 code. Languages not here keep their digits."""
