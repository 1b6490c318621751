"""Words behind a number that make even a small one worth figures."""

from __future__ import annotations

from functools import cache

_SYMBOLS = "kg km cm mm mg ml kb mb gb tb kw kwh hz khz mhz ghz"
_UNITS = {
    "da": (
        "kilo kilogram gram milligram ton meter kilometer centimeter millimeter liter milliliter grader "
        "procent kroner øre euro dollar pund megabyte gigabyte terabyte watt volt"
    ),
    "de": (
        "Kilogramm Kilo Gramm Milligramm Tonnen Meter Kilometer Zentimeter Millimeter Liter Milliliter Grad "
        "Prozent Euro Cent Dollar Pfund Franken Megabyte Gigabyte Terabyte Watt Kilowatt Volt Hertz "
        "Quadratmeter Kilometern Metern Litern"
    ),
    "en": (
        "kilograms kilogram kilos kilo grams gram milligrams micrograms tons tonnes pounds ounces meters "
        "metres kilometers kilometres centimeters centimetres millimeters millimetres miles yards feet "
        "inches liters litres milliliters millilitres gallons degrees percent dollars cents euros pence "
        "megabytes gigabytes terabytes watts kilowatts volts hertz"
    ),
    "es": (
        "kilos kilogramos gramos miligramos toneladas metros kilómetros centímetros milímetros millas "
        "litros mililitros grados euros céntimos dólares centavos pesos libras megabytes gigabytes "
        "terabytes vatios voltios"
    ),
    "fr": (
        "kilos kilogrammes grammes milligrammes tonnes mètres kilomètres centimètres millimètres litres "
        "millilitres degrés euros centimes dollars cents francs mégaoctets gigaoctets téraoctets watts "
        "volts"
    ),
    "it": (
        "chili chilogrammi grammi milligrammi etti tonnellate metri chilometri centimetri millimetri miglia "
        "litri millilitri gradi euro centesimi dollari sterline megabyte gigabyte terabyte watt volt"
    ),
    "nl": (
        "kilo kilogram gram milligram ton meter kilometer centimeter millimeter mijl liter milliliter "
        "graden procent euro cent dollar pond megabyte gigabyte terabyte watt volt"
    ),
    "pt": (
        "quilos quilogramas gramas miligramas toneladas metros quilômetros quilómetros centímetros "
        "milímetros milhas litros mililitros graus reais euros centavos cêntimos dólares libras megabytes "
        "gigabytes terabytes watts volts"
    ),
}
_MONTHS = {
    "da": ("januar februar marts april maj juni juli august september oktober november december"),
    "nl": ("januari februari maart april mei juni juli augustus september oktober november december"),
    "pt": ("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"),
}


@cache
def unit_words(language: str) -> frozenset[str]:
    """Lower-case names of units of measure and money, in the plural.

    Spans of time are none of them: "in two minutes" stays as it is.
    """
    return frozenset(f"{_UNITS[language]} {_SYMBOLS}".casefold().split())


@cache
def month_words(language: str) -> frozenset[str]:
    """Lower-case names of the months, where nothing else finds dates."""
    return frozenset(_MONTHS.get(language, "").split())
