"""The revocation status of tokens by the server's signed lists (draft-ietf-oauth-status-list)."""

import base64
import threading
import time
import zlib

from authlib.jose.errors import JoseError

from issuer import JWT, RETRY_AFTER, Unavailable, fetch

# Bytes and seconds.
MAX_LIST = 1024 * 1024
CLOCK_TOLERANCE = 30


class InvalidStatus(Exception):
    """The token has no valid status index in a list of its issuer."""


class StatusList:
    """One list and all revocations that were ever seen in it."""

    def __init__(self, uri):
        self.uri = uri
        self.lock = threading.Lock()
        self.revoked = 0  # One bit for each token, the first one is the lowest, as in the list.
        self.size = None
        self.issued_at = self.valid_until = 0
        self.refresh_at = 0


class StatusLists:
    """All lists that verified tokens refer to."""

    def __init__(self, issuer, keys):
        self.issuer = issuer
        self.keys = keys
        self.lists = {}

    def is_revoked(self, claims):
        """Raises InvalidStatus, and Unavailable if the status is unknown."""
        uri, index = self._reference(claims)
        cached = self.lists.setdefault(uri, StatusList(uri))
        # Requests that arrive during a fetch wait for it.
        with cached.lock:
            if time.monotonic() >= cached.refresh_at:
                self._refresh(cached)
            if cached.revoked >> index & 1:
                return True
            if cached.size is None or time.time() > cached.valid_until:
                raise Unavailable("the revocation status of the access token is unavailable")
            if index >= cached.size:
                raise InvalidStatus("the status index of the access token is outside the status list")
            return False

    def _reference(self, claims):
        status = claims.get("status")
        reference = status.get("status_list") if isinstance(status, dict) else None
        uri, index = (reference.get("uri"), reference.get("idx")) if isinstance(reference, dict) else (None, None)
        if not isinstance(uri, str) or type(index) is not int or not 0 <= index < 8 * MAX_LIST:
            raise InvalidStatus("the access token has no valid status list reference")
        if not uri.startswith(self.issuer + "/"):
            raise InvalidStatus("the status list is not at the issuer's origin")
        return uri, index

    def _refresh(self, cached):
        try:
            claims = self._verified(cached.uri, fetch(cached.uri, "application/statuslist+jwt"))
            bits = inflate(claims["status_list"])
        except (JoseError, Unavailable, OSError, ValueError, KeyError, TypeError, zlib.error):
            cached.refresh_at = time.monotonic() + RETRY_AFTER
            return  # The copy in memory stays in use until it is too old.
        ttl = min(max(int(claims.get("ttl", 60)), 1), 3600)
        cached.refresh_at = time.monotonic() + ttl
        # An older copy from an HTTP cache must not make a revoked token valid again.
        cached.revoked |= int.from_bytes(bits, "little")
        if claims["iat"] >= cached.issued_at:
            cached.size, cached.issued_at = 8 * len(bits), claims["iat"]
            cached.valid_until = min(claims["iat"] + 2 * ttl + 30, claims.get("exp", float("inf")) + CLOCK_TOLERANCE)

    def _verified(self, uri, token):
        options = {
            "iss": {"essential": True, "value": self.issuer},
            "sub": {"essential": True, "value": uri},
            "iat": {"essential": True},
        }
        claims = JWT.decode(token.strip(), self.keys.find, claims_options=options)
        claims.validate(leeway=CLOCK_TOLERANCE)
        if claims.header.get("typ") != "statuslist+jwt":
            raise ValueError("not a status list")
        # A clock that is behind would make an old list look new.
        if claims["iat"] > time.time() + CLOCK_TOLERANCE:
            raise ValueError("issued in the future")
        return claims


def inflate(status_list):
    """Returns the bits of a list with one bit for each token, as all of Keywright's. Raises ValueError, zlib.error."""
    if status_list["bits"] != 1:
        raise ValueError("more than one bit for each token")
    text = status_list["lst"]
    inflater = zlib.decompressobj()
    bits = inflater.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), MAX_LIST)
    if not inflater.eof:
        raise ValueError("truncated or too large")
    return bits
