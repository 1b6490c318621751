"""Keys: making them, telling who calls, and closing the door again."""

from __future__ import annotations

import hmac
import secrets
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import jwt
import jwt.types

from tympan.domain.access import AccessKey, hash_secret, new_secret
from tympan.domain.errors import ForbiddenError, InvalidInputError, NotAuthenticatedError, NotFoundError
from tympan.ports.clock import Clock
from tympan.ports.store import Store

_SHORTEST_CHOSEN_KEY = 8
_FIRST, _SECOND = "key1", "key2"
_ISSUER, _ALGORITHM, _DOTS_OF_A_TOKEN = "tympan", "HS256", 2

TOKEN_LIFE_S = 600
"""Source: Speech service, "access token ... valid for 10 minutes"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls.

    Attributes:
        key_id: The key that was shown.
        name: The key's name, for logs and pages.
        endpoint_id: The only endpoint this caller may use; None is the owner of the server.
        is_by_token: An access token was shown instead of the key itself.
    """

    key_id: str
    name: str
    endpoint_id: str | None
    is_by_token: bool = False

    @property
    def is_owner(self) -> bool:
        """True for keys that open the whole server."""
        return self.endpoint_id is None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A new key with its plain text, which is never seen again."""

    key: AccessKey
    secret: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Who may call.

    Attributes:
        token_secret: Signs access tokens. 32 random bytes that stay the same over restarts;
            empty where no tokens are issued or taken.
    """

    store: Store
    clock: Clock
    token_secret: bytes = field(default=b"", repr=False)

    def bootstrap(self, chosen: str | None = None) -> Mapping[str, str]:
        """Make the two keys of a new server, or take over the key the operator chose.

        The first start writes both keys in one transaction. Later starts change nothing,
        unless ``chosen`` is a key nobody knows: then it takes the place of ``key1``.

        Args:
            chosen: The setting ``bootstrap_key``; None makes a random first key.

        Returns:
            Plain texts by name, of the keys written now; empty when nothing was written.

        Raises:
            InvalidInputError: ``chosen`` is too short to be a secret.
        """
        if chosen is not None and len(chosen) < _SHORTEST_CHOSEN_KEY:
            raise InvalidInputError(
                f"The bootstrap key has {len(chosen)} characters; give at least {_SHORTEST_CHOSEN_KEY}, "
                "better 32 random ones.",
                target="bootstrap_key",
            )
        with self.store.write() as tx:
            owned = [key for key in tx.keys.list() if key.endpoint_id is None]
            if owned and (chosen is None or _matching(owned, chosen) is not None):
                return {}
            made = {_FIRST: chosen or new_secret()}
            if not owned:
                made[_SECOND] = new_secret()
            for key in owned:
                if key.name == _FIRST:
                    tx.keys.delete(key.id)
            for name, secret in made.items():
                tx.keys.add(self._key(name, secret, None))
        return made

    def authenticate(self, secret: str | None) -> Principal:
        """Tell who shows a key or an access token.

        Every stored hash is compared in constant time. A token counts for as long as its
        key does, and opens what its key opens.

        Raises:
            NotAuthenticatedError: Nothing was given, nobody knows it, or it has expired.
        """
        if not secret:
            raise NotAuthenticatedError(
                "No key was given. Send it in the header Ocp-Apim-Subscription-Key; "
                "the owner's keys are in keys.json in the data folder."
            )
        if secret.count(".") == _DOTS_OF_A_TOKEN:
            return self._of_token(secret)
        with self.store.read() as tx:
            key = _matching(tx.keys.list(), secret)
        if key is None:
            raise NotAuthenticatedError(
                "The key is not known to this server. The owner's keys are in keys.json in the data folder."
            )
        return _principal(key)

    def issue_token(self, principal: Principal) -> str:
        """A token that opens for ten minutes what the caller's key opens.

        Raises:
            ForbiddenError: The caller shows a token; with one alone nobody stays for ever.

        Source:
            ``POST /sts/v1.0/issueToken``; a JSON Web Token (RFC 7519) signed with HMAC-SHA256.
        """
        if principal.is_by_token:
            raise ForbiddenError("An access token gets no further token. Show the key itself.")
        now_s = int(self.clock.now().timestamp())
        claims = {
            "iss": _ISSUER,
            "sub": principal.key_id,
            "iat": now_s,
            "exp": now_s + TOKEN_LIFE_S,
            "jti": str(uuid.uuid4()),
        }
        return jwt.encode(claims, self.token_secret, algorithm=_ALGORITHM)

    def _of_token(self, token: str) -> Principal:
        # The clock of this server decides, so the library must not ask its own.
        checks: jwt.types.Options = {
            "verify_exp": False,
            "verify_iat": False,
            "verify_nbf": False,
            "require": ["sub", "exp"],
        }
        # Without a secret of its own a server takes no token: none can match a random one.
        secret = self.token_secret or secrets.token_bytes()
        try:
            claims = jwt.decode(token, secret, algorithms=[_ALGORITHM], issuer=_ISSUER, options=checks)
            expires_at_s = float(claims["exp"])
        except (jwt.InvalidTokenError, ValueError, TypeError) as error:
            raise NotAuthenticatedError(
                "The access token was not issued by this server. Get one with POST /sts/v1.0/issueToken."
            ) from error
        if self.clock.now().timestamp() >= expires_at_s:
            raise NotAuthenticatedError(
                "The access token has expired; it lives for ten minutes. Get a new one with "
                "POST /sts/v1.0/issueToken."
            )
        principal = self.find(str(claims["sub"]))
        if principal is None:
            raise NotAuthenticatedError("The key of the access token was taken away.")
        return replace(principal, is_by_token=True)

    def find(self, key_id: str) -> Principal | None:
        """The caller behind a signed-in session; None once its key is gone."""
        with self.store.read() as tx:
            key = tx.keys.find(key_id)
        return None if key is None else _principal(key)

    def create_endpoint_key(self, endpoint_id: str, name: str) -> IssuedKey:
        """Make a key that opens one endpoint and nothing else.

        Raises:
            NotFoundError: There is no such endpoint.
            InvalidInputError: The name is empty.
        """
        if not name.strip():
            raise InvalidInputError("A key needs a name, such as the client that uses it.", target="name")
        secret = new_secret()
        key = self._key(name.strip(), secret, endpoint_id)
        with self.store.write() as tx:
            tx.endpoints.get(endpoint_id)
            tx.keys.add(key)
        return IssuedKey(key=key, secret=secret)

    def list_endpoint_keys(self, endpoint_id: str) -> Sequence[AccessKey]:
        """The keys of an endpoint, oldest first.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        with self.store.read() as tx:
            tx.endpoints.get(endpoint_id)
            return [key for key in tx.keys.list() if key.endpoint_id == endpoint_id]

    def delete_endpoint_key(self, endpoint_id: str, key_id: str) -> None:
        """Take a key away; the next call with it is refused. Absent is fine.

        Raises:
            NotFoundError: The key exists but is not one of this endpoint.
        """
        with self.store.write() as tx:
            key = tx.keys.find(key_id)
            if key is not None and key.endpoint_id != endpoint_id:
                raise NotFoundError(f"Endpoint {endpoint_id} has no key {key_id}.")
            tx.keys.delete(key_id)

    def _key(self, name: str, secret: str, endpoint_id: str | None) -> AccessKey:
        return AccessKey(
            id=str(uuid.uuid4()),
            name=name,
            sha256=hash_secret(secret),
            endpoint_id=endpoint_id,
            created_at=self.clock.now(),
        )


def _matching(keys: Sequence[AccessKey], secret: str) -> AccessKey | None:
    digest = hash_secret(secret)
    found: AccessKey | None = None
    for key in keys:  # no early exit: the time taken tells nothing
        if hmac.compare_digest(key.sha256, digest):
            found = key
    return found


def _principal(key: AccessKey) -> Principal:
    return Principal(key_id=key.id, name=key.name, endpoint_id=key.endpoint_id)
