"""Programs that use an endpoint, complete as they are pasted but for the key and a recording."""

from __future__ import annotations

from dataclasses import dataclass

from tympan.domain.endpoint import Endpoint
from tympan.wire.addresses import Addresses


@dataclass(frozen=True, slots=True)
class CodeSample:
    """One program.

    Attributes:
        id: For addresses within the page.
        title: Language or client.
        setup: The command that installs what it needs; empty when nothing is needed.
        code: The program. It reads the key from the environment, so that no key is pasted into a file.
    """

    id: str
    title: str
    setup: str
    code: str


def samples(base_url: str, endpoint: Endpoint) -> list[CodeSample]:
    """The programs for an endpoint, each reading ``recording.wav`` and ``SPEECH_KEY``."""
    # A base URL may come from a Host header, so nothing that ends a string may get into a program.
    safe_url = "".join(letter for letter in base_url if letter.isalnum() or letter in ":/.-_[]")
    values = {
        "base": safe_url,
        "socket": f"ws{safe_url.removeprefix('http')}",
        "short": Addresses(base_url=safe_url).recognition("conversation", endpoint.id),
        "id": endpoint.id,
        "locale": endpoint.locale,
    }
    return [CodeSample(one, title, setup, _filled(code, values)) for one, title, setup, code in _TEMPLATES]


def _filled(code: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        code = code.replace(f"<<{name}>>", value)
    return code


_CURL = """\
curl --fail-with-body -H "Ocp-Apim-Subscription-Key: $SPEECH_KEY" -H "Content-Type: audio/wav" \\
  --data-binary @recording.wav \\
  "<<short>>&language=<<locale>>&format=detailed"
"""

_PYTHON = """\
import os

import azure.cognitiveservices.speech as speechsdk

config = speechsdk.SpeechConfig(host="<<socket>>", subscription=os.environ["SPEECH_KEY"])
config.endpoint_id = "<<id>>"
config.speech_recognition_language = "<<locale>>"
audio = speechsdk.audio.AudioConfig(filename="recording.wav")
result = speechsdk.SpeechRecognizer(speech_config=config, audio_config=audio).recognize_once()
print(result.text if result.reason == speechsdk.ResultReason.RecognizedSpeech else result)
"""

_JAVASCRIPT = """\
const fs = require("fs");
const sdk = require("microsoft-cognitiveservices-speech-sdk");

const config = sdk.SpeechConfig.fromHost(new URL("<<socket>>"), process.env.SPEECH_KEY);
config.endpointId = "<<id>>";
config.speechRecognitionLanguage = "<<locale>>";
const audio = sdk.AudioConfig.fromWavFileInput(fs.readFileSync("recording.wav"));
const recognizer = new sdk.SpeechRecognizer(config, audio);
recognizer.recognizeOnceAsync(
  (result) => { console.log(result.text || result.errorDetails); recognizer.close(); },
  (error) => { console.error(error); recognizer.close(); },
);
"""

_CSHARP = """\
using Microsoft.CognitiveServices.Speech;
using Microsoft.CognitiveServices.Speech.Audio;

var key = Environment.GetEnvironmentVariable("SPEECH_KEY");
var config = SpeechConfig.FromHost(new Uri("<<socket>>"), key);
config.EndpointId = "<<id>>";
config.SpeechRecognitionLanguage = "<<locale>>";
using var audio = AudioConfig.FromWavFileInput("recording.wav");
using var recognizer = new SpeechRecognizer(config, audio);
var result = await recognizer.RecognizeOnceAsync();
Console.WriteLine(result.Text);
"""

_OPENAI = """\
import os

from openai import OpenAI

client = OpenAI(base_url="<<base>>/v1", api_key=os.environ["SPEECH_KEY"])
with open("recording.wav", "rb") as recording:
    print(client.audio.transcriptions.create(model="<<id>>", file=recording).text)
"""

_TEMPLATES = (
    ("curl", "curl", "", _CURL),
    ("python", "Python Speech SDK", "pip install azure-cognitiveservices-speech", _PYTHON),
    (
        "javascript",
        "JavaScript Speech SDK",
        "npm install microsoft-cognitiveservices-speech-sdk",
        _JAVASCRIPT,
    ),
    ("csharp", "C#", "dotnet add package Microsoft.CognitiveServices.Speech", _CSHARP),
    ("openai", "OpenAI client", "pip install openai", _OPENAI),
)
