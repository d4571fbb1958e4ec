"""Whether a token was revoked, told by the server's signed lists (draft-ietf-oauth-status-list) without a call for each."""

import base64
import threading
import time
import zlib

from authlib.jose.errors import JoseError

from issuer import JWT, RETRY_AFTER, Unavailable, fetch

LARGEST = 1024 * 1024
CLOCK_TOLERANCE = 30


class InvalidStatus(Exception):
    """The token names no place in a list of its issuer."""


class StatusList:
    """One list, as it was fetched last."""

    def __init__(self, uri):
        self.uri = uri
        self.lock = threading.Lock()
        self.dead = 0  # A bit for each token, the first one lowest, as in the list.
        self.size = None
        self.issued_at = self.good_until = 0
        self.due_at = 0


class StatusLists:
    """All lists that tokens have named."""

    def __init__(self, issuer, keys):
        self.issuer = issuer
        self.keys = keys
        self.lists = {}

    def is_revoked(self, claims):
        """Raises InvalidStatus, and Unavailable where it cannot be told: never guess that a token is good."""
        uri, index = self._place_of(claims)
        held = self.lists.setdefault(uri, StatusList(uri))
        # Whoever comes while it is fetched waits for that fetch.
        with held.lock:
            if time.monotonic() >= held.due_at:
                self._renew(held)
            if held.dead >> index & 1:
                return True
            if held.size is None or time.time() > held.good_until:
                raise Unavailable("whether the access token was revoked cannot be told now")
            if index >= held.size:
                raise InvalidStatus("the status list does not reach to the access token")
            return False

    def _place_of(self, claims):
        status = claims.get("status")
        place = status.get("status_list") if isinstance(status, dict) else None
        uri, index = (place.get("uri"), place.get("idx")) if isinstance(place, dict) else (None, None)
        if not isinstance(uri, str) or type(index) is not int or not 0 <= index < 8 * LARGEST:
            raise InvalidStatus("the access token names no status list")
        if not uri.startswith(self.issuer + "/"):
            raise InvalidStatus("the status list is not one of the token's issuer")
        return uri, index

    def _renew(self, held):
        try:
            claims = self._verified(held.uri, fetch(held.uri, "application/statuslist+jwt"))
            bits = inflate(claims["status_list"])
        except (JoseError, Unavailable, OSError, ValueError, KeyError, TypeError, zlib.error):
            held.due_at = time.monotonic() + RETRY_AFTER
            return  # What is at hand counts until it is too old.
        ttl = min(max(int(claims.get("ttl", 60)), 1), 3600)
        held.due_at = time.monotonic() + ttl
        # An older copy, out of some cache, must not bring back to life what is known to be dead.
        held.dead |= int.from_bytes(bits, "little")
        if claims["iat"] >= held.issued_at:
            held.size, held.issued_at = 8 * len(bits), claims["iat"]
            held.good_until = min(claims["iat"] + 2 * ttl + 30, claims.get("exp", float("inf")) + CLOCK_TOLERANCE)

    def _verified(self, uri, token):
        options = {
            "iss": {"essential": True, "value": self.issuer},
            "sub": {"essential": True, "value": uri},
            "iat": {"essential": True},
        }
        claims = JWT.decode(token.strip(), self.keys.find, claims_options=options)
        claims.validate(leeway=CLOCK_TOLERANCE)
        if claims.header.get("typ") != "statuslist+jwt":
            raise ValueError("is no status list")
        # Judged by a clock that is behind, an old list would pass for a new one.
        if claims["iat"] > time.time() + CLOCK_TOLERANCE:
            raise ValueError("is of the future")
        return claims


def inflate(status_list):
    """The bits of a list with one for each token; others are not Keywright's. Raises ValueError, zlib.error."""
    if status_list["bits"] != 1:
        raise ValueError("has more than one bit for each token")
    text = status_list["lst"]
    inflater = zlib.decompressobj()
    bits = inflater.decompress(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), LARGEST)
    if not inflater.eof:
        raise ValueError("is cut off, or too large")
    return bits
