"""How the answers of receivers are judged."""

from email.utils import format_datetime

import pytest

from tympan.domain.web_hook import HookEvent
from tympan.ports.fetcher import Reply
from tympan.testing.clock import START, FakeClock
from tympan.testing.entities import make_delivery, make_web_hook
from tympan.testing.fetcher import FakeFetcher, Page
from tympan.worker.hook_sender import HookSender

URL = "https://receiver.test/call"
TOKEN = "the-token"
CHALLENGE = make_delivery(event=HookEvent.CHALLENGE, collection=None, entity_id=None, token=TOKEN)


class Receiver(FakeFetcher):
    """Answers every message with one reply."""

    def __init__(self, reply):
        super().__init__()
        self.reply = reply

    def send(self, url, body, headers):
        return self.reply


def outcome(reply, delivery=None):
    sender = HookSender(fetcher=Receiver(reply), clock=FakeClock())
    return sender.send(make_web_hook(), delivery or make_delivery())


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_every_success_is_a_delivery(status):
    assert outcome(Reply(status=status, body=b"")).error is None


@pytest.mark.parametrize(
    ("status", "may_heal"), [(301, True), (400, True), (404, True), (410, False), (429, True), (500, True)]
)
def test_what_is_no_success_is_tried_again_unless_it_is_gone(status, may_heal):
    judged = outcome(Reply(status=status, body=b""))
    assert (judged.status, judged.may_heal) == (status, may_heal)
    assert str(status) in judged.error


@pytest.mark.parametrize(
    ("header", "asked_s"),
    [
        ("120", 120.0),
        (format_datetime(START.replace(minute=10), usegmt=True), 600.0),
        (format_datetime(START.replace(hour=8), usegmt=True), 0.0),
        ("soon", 0.0),
        ("", 0.0),
    ],
)
def test_retry_after_is_read_as_seconds_or_a_time(header, asked_s):
    assert outcome(Reply(status=503, body=b"", headers={"retry-after": header})).asked_s == asked_s


@pytest.mark.parametrize("body", [TOKEN.encode(), f"{TOKEN}\r\n".encode()])
def test_a_challenge_is_answered_by_its_token(body):
    assert outcome(Reply(status=200, body=body), CHALLENGE).error is None


@pytest.mark.parametrize(
    ("reply", "may_heal"),
    [
        (Reply(status=200, body=b"another"), False),
        (Reply(status=200, body=b""), False),
        (Reply(status=204, body=TOKEN.encode()), False),
        (Reply(status=404, body=b""), False),
        (Reply(status=503, body=TOKEN.encode()), True),
    ],
)
def test_nothing_else_answers_a_challenge(reply, may_heal):
    judged = outcome(reply, CHALLENGE)
    assert judged.error is not None
    assert judged.may_heal is may_heal


def test_a_receiver_that_is_away_or_may_not_be_called_is_told_so_in_words_of_receivers():
    fetcher = FakeFetcher(pages={URL: Page(is_silent=True)})
    sender = HookSender(fetcher=fetcher, clock=FakeClock())
    silent = sender.send(make_web_hook(web_url=URL), make_delivery())
    assert silent.error.startswith("The receiver does not answer")
    assert silent.may_heal
    private = make_web_hook(web_url="http://10.0.0.1/call")
    assert sender.send(private, make_delivery()).may_heal
    assert not sender.send(private, CHALLENGE).may_heal


def test_the_public_url_counts_where_it_is_set():
    fetcher = FakeFetcher(pages={URL: Page()})
    hook = make_web_hook(web_url=URL, base_url="http://127.0.0.1:8080")
    HookSender(fetcher=fetcher, clock=FakeClock()).send(hook, make_delivery())
    HookSender(fetcher=fetcher, clock=FakeClock(), public_url="https://me.test/").send(hook, make_delivery())
    assert [sent.body.split(b"/speech")[0] for sent in fetcher.sent] == [
        b'{"self": "http://127.0.0.1:8080',
        b'{"self": "https://me.test',
    ]
