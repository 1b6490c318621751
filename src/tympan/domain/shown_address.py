"""What of an address may be shown again."""

from urllib.parse import parse_qsl, urlsplit, urlunsplit

_SECRETS = frozenset(
    ("sig", "signature", "token", "access_token", "key", "apikey", "api_key", "code", "password", "secret")
)
_SECRET_ENDINGS = ("-signature", "-credential", "-security-token")


def shown_address(url: str) -> str:
    """A URL as results may show it: without user, password and fragment, and without signed queries.

    >>> shown_address("https://me:pw@host/a.wav?sv=2024&sig=abc")
    'https://host/a.wav'
    >>> shown_address("https://host/get?id=7")
    'https://host/get?id=7'
    """
    parts = urlsplit(url)
    names = {name.lower() for name, _ in parse_qsl(parts.query, keep_blank_values=True)}
    is_secret = any(name in _SECRETS or name.endswith(_SECRET_ENDINGS) for name in names)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit((parts.scheme, host, parts.path, "" if is_secret else parts.query, ""))
