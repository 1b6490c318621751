"""The whole loop on real recordings: upload, test, train, test again, deploy, recognise.

Each step is one command of ``tympan``, printed as you would type it. Nothing here is
special: the same commands work on your own recordings (``--data my.zip``).
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.rule import Rule
from speech_set import PROMPTS, SpeechSet, asterisk_prompts, own_archive, synthetic_prompts, write_archive

HERE = Path(__file__).parent
TYMPAN = Path(sys.executable).with_name("tympan")
START_LIMIT_S = 60
VOICES = {"en-US": ("en-US", "en-GB"), "fr-CA": ("fr-FR",)}
console = Console(highlight=False)


class DemoError(Exception):
    """The demonstration cannot go on; the message says what to do."""


def main() -> int:
    """Run the demonstration; 0 when every step worked."""
    arguments = _arguments()
    data_dir = arguments.data_dir.resolve()
    try:
        speech = _speech_set(arguments.data, data_dir / "demo", arguments.locale)
        server = _start_server(data_dir, arguments.port)
        try:
            _loop(speech, data_dir, arguments.locale, is_prompts=arguments.data is None)
        finally:
            server.terminate()
            server.wait(timeout=30)
    except (DemoError, ValueError) as error:
        console.print(f"[bold red]The demonstration stopped:[/] {error}")
        return 1
    except KeyboardInterrupt:
        console.print("\nStopped. `make demo` starts over; finished work stays in the data folder.")
        return 130
    console.print("The server was stopped. [bold]make run[/] starts it again on the same data.")
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--data-dir", type=Path, default=Path("data"), help="folder for everything the server keeps"
    )
    parser.add_argument("--data", type=Path, help="your own zip: recordings and trans.txt (name, tab, text)")
    parser.add_argument("--locale", help=f"of the recordings: {', '.join(PROMPTS)}, or that of your own")
    parser.add_argument("--port", type=int, default=0, help="port of the server; 0 picks a free one")
    arguments = parser.parse_args()
    # The small base model hears the French prompts badly, so there is something to gain.
    arguments.locale = arguments.locale or ("fr-CA" if arguments.data is None else "en-US")
    return arguments


def _speech_set(own: Path | None, folder: Path, locale: str) -> SpeechSet:
    console.print(Rule("1  Recorded speech"))
    if own is not None:
        speech = own_archive(own, folder / "own")
    else:
        if locale not in PROMPTS:
            raise DemoError(
                f"there are no recordings to fetch for {locale}, only for {', '.join(PROMPTS)}. "
                "Bring your own with --data my.zip."
            )
        with console.status("Fetching real recordings from the Debian archive (18 MB) …"):
            found = asterisk_prompts(folder / f"asterisk-{locale}", locale)
        if found is None:
            console.print(
                "[yellow]No real recordings can be fetched here (this needs apt-get on Debian or Ubuntu). "
                "A synthetic set is made instead; give your own with --data my.zip.[/]"
            )
            sentences = (HERE / locale / "related-text.txt").read_text("utf-8").splitlines()
            found = synthetic_prompts(folder / "synthetic", sentences, VOICES[locale])
        speech = found
    mark = " [bold yellow](synthetic)[/]" if speech.is_synthetic else ""
    console.print(
        f"{speech.origin}{mark}: {len(speech.train)} recordings to train on, {len(speech.test)} held out.\n"
    )
    return speech


def _start_server(data_dir: Path, port: int) -> subprocess.Popen[bytes]:
    console.print(Rule("2  The server"))
    data_dir.mkdir(parents=True, exist_ok=True)
    log = data_dir / "demo-server.log"
    command = [TYMPAN, "serve", "--data-dir", data_dir, "--port", str(port)]
    console.print(f"[dim]$ tympan serve --data-dir {_short(data_dir)}[/]")
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
    address = data_dir / "server.json"
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        if server.poll() is not None:
            raise DemoError(log.read_text(errors="replace").strip() or f"the server ended; see {log}")
        if address.exists() and json.loads(address.read_text())["pid"] == server.pid:
            url = json.loads(address.read_text())["url"]
            console.print(f"Listening on [bold]{url}[/].\n")
            return server
        time.sleep(0.1)
    server.kill()
    raise DemoError(f"the server was not ready within {START_LIMIT_S} s; see {log}")


def _loop(speech: SpeechSet, data_dir: Path, locale: str, *, is_prompts: bool) -> None:
    def tympan(*words: str | Path) -> None:
        console.print("[dim]$ tympan " + " ".join(_quoted(_short(word)) for word in words) + "[/]")
        environment = {**os.environ, "TYMPAN_DATA_DIR": str(data_dir)}
        done = subprocess.run([TYMPAN, *words], env=environment, check=False)
        if done.returncode != 0:
            raise DemoError(
                f"`tympan {words[0]} {words[1]}` ended with status {done.returncode}; its message is above."
            )
        console.print()

    run = f"demo {time.strftime('%Y-%m-%d %H:%M:%S')}"
    archives = data_dir / "demo"
    write_archive(speech.train, archives / "train.zip")
    write_archive(speech.test, archives / "test.zip")
    place = ("--project", run)

    console.print(Rule("3  A project and its data"))
    with console.status("The server takes in its base models …"):
        _wait_for_base_models(data_dir, locale)
    tympan("base-model", "list", "--locale", locale)
    tympan("project", "create", run, "--locale", locale)
    tympan("dataset", "create", "train", archives / "train.zip", "--kind", "acoustic", *place)
    tympan("dataset", "create", "test", archives / "test.zip", "--kind", "acoustic", *place)
    materials = ["train"]
    if is_prompts:
        texts = HERE / locale
        tympan("dataset", "create", "sentences", texts / "related-text.txt", "--kind", "text", *place)
        tympan("dataset", "create", "names", texts / "pronunciations.txt", "--kind", "pronunciation", *place)
        materials += ["sentences", "names"]
    tympan("dataset", "report", "train", *place)

    console.print(Rule("4  Test the base model, train, test again"))
    tympan("evaluation", "create", "base model", "--dataset", "test", "--model", "base", *place)
    chosen = [word for name in materials for word in ("--dataset", name)]
    tympan("model", "train", "custom", *chosen, *place)
    both = ("--model", "base", "--model", "custom")
    tympan("evaluation", "create", "base and custom", "--dataset", "test", *both, *place)

    console.print(Rule("5  Deploy, and recognise a held-out recording"))
    _approve_if_needed(data_dir)
    tympan("endpoint", "create", "phone", "--model", "custom", *place)
    sample = archives / f"held-out{speech.test[0].path.suffix}"
    shutil.copy(max(speech.test[:40], key=lambda r: r.path.stat().st_size).path, sample)
    tympan("transcribe", sample, "--endpoint", "phone", *place)
    _closing(data_dir)


def _approve_if_needed(data_dir: Path) -> None:
    """Say so where the model was not found to be better; the demo goes on to show an endpoint."""
    command = [TYMPAN, "--data-dir", data_dir, "model", "show", "custom", "--json"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True)
    summary = json.loads(shown.stdout)["tympan"]["summary"]
    if summary.get("gate") == "failed":
        console.print(f"The gate holds this model back: {summary['gate_reasons']}")
        command[3:] = ["model", "approve", "custom", "--reason", "The demo shows an endpoint all the same."]
        subprocess.run(command, capture_output=True, check=True)


def _wait_for_base_models(data_dir: Path, locale: str) -> None:
    """A first start brings them in while it already answers."""
    command = [TYMPAN, "--data-dir", data_dir, "base-model", "list", "--locale", locale, "--json"]
    deadline = time.monotonic() + START_LIMIT_S
    while time.monotonic() < deadline:
        found = subprocess.run(command, capture_output=True, text=True, check=False)
        if found.returncode == 0 and json.loads(found.stdout):
            return
        time.sleep(0.5)
    raise DemoError(f"there is no base model for {locale} after {START_LIMIT_S} s; see `tympan job list`.")


def _closing(data_dir: Path) -> None:
    url = json.loads((data_dir / "server.json").read_text())["url"]
    console.print(Rule("Done"))
    console.print(f"Portal       [bold]{url}/[/]")
    console.print(f"Keys         {_short(data_dir / 'keys.json')} (readable by you only)")
    console.print("Try next     tympan doctor")
    console.print("             tympan evaluation list")
    console.print("             make demo ARGS='--data my-recordings.zip'")


def _short(word: str | Path) -> str:
    """A path below the current folder as people write it."""
    return os.path.relpath(word) if isinstance(word, Path) else word


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


if __name__ == "__main__":
    sys.exit(main())
