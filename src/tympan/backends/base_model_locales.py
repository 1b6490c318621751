"""The locales that Whisper models are offered for."""

from __future__ import annotations

from collections.abc import Collection

from tympan.speech.languages import whisper_language

# Those that Custom Speech lists and whose language Whisper was trained with.
# Source: Language and voice support for the Speech service, table "Custom speech".
_LOCALES = """
af-ZA am-ET ar-AE ar-BH ar-DZ ar-EG ar-IL ar-IQ ar-JO ar-KW ar-LB ar-LY ar-MA ar-OM ar-PS ar-QA ar-SA ar-
SY ar-TN ar-YE as-IN az-AZ bg-BG bn-IN bs-BA ca-ES cs-CZ cy-GB da-DK de-AT de-CH de-DE el-GR en-AU en-CA
en-GB en-GH en-HK en-IE en-IN en-KE en-NG en-NZ en-PH en-SG en-TZ en-US en-ZA es-AR es-BO es-CL es-CO es-
CR es-CU es-DO es-EC es-ES es-GQ es-GT es-HN es-MX es-NI es-PA es-PE es-PR es-PY es-SV es-US es-UY es-VE
et-EE eu-ES fa-IR fi-FI fil-PH fr-BE fr-CA fr-CH fr-FR gl-ES gu-IN he-IL hi-IN hr-HR hu-HU hy-AM id-ID
is-IS it-CH it-IT ja-JP jv-ID ka-GE kk-KZ km-KH kn-IN ko-KR lo-LA lt-LT lv-LV mk-MK ml-IN mn-MN mr-IN ms-
MY mt-MT my-MM nb-NO ne-NP nl-BE nl-NL pa-IN pl-PL ps-AF pt-BR pt-PT ro-RO ru-RU si-LK sk-SK sl-SI so-SO
sq-AL sr-ME sr-RS sr-XK sv-SE sw-KE sw-TZ ta-IN te-IN th-TH tr-TR uk-UA ur-IN uz-UZ vi-VN zh-CN zh-HK zh-
TW
"""


def locales_of(languages: Collection[str]) -> tuple[str, ...]:
    """The locales to offer a model for.

    Args:
        languages: Whisper codes it knows.

    >>> locales_of(["de"])
    ('de-AT', 'de-CH', 'de-DE')
    """
    return tuple(locale for locale in _LOCALES.split() if whisper_language(locale) in languages)
