"""Requests to the server, with limits, and its key set."""

import http.client
import threading
import time
import urllib.request

from authlib.common.encoding import json_loads
from authlib.jose import JsonWebKey, JsonWebToken
from authlib.oauth2 import OAuth2Error

# Seconds and bytes.
TIMEOUT = 5
RETRY_AFTER = 5
MAX_BODY = 3 * 1024 * 1024

# With a symmetric algorithm every resource server could sign tokens.
JWT = JsonWebToken(["ES256", "RS256", "PS256", "EdDSA"])


class Unavailable(OAuth2Error):
    """Not the client's fault: after `invalid_token` it would discard a valid token."""

    error = "temporarily_unavailable"
    status_code = 503

    def get_headers(self):
        return super().get_headers() + [("Retry-After", str(RETRY_AFTER))]


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Rejects redirects: their target is not trusted."""

    def redirect_request(self, *args):
        return None


_opener = urllib.request.build_opener(NoRedirect)


def fetch(url, accept):
    """Returns the body of a response. Raises OSError or ValueError."""
    request = urllib.request.Request(url, headers={"Accept": accept})
    try:
        with _opener.open(request, timeout=TIMEOUT) as response:
            body = response.read(MAX_BODY + 1)
    except http.client.HTTPException as error:
        raise ValueError(f"the response of {url} is truncated or not HTTP") from error
    if len(body) > MAX_BODY:
        raise ValueError(f"the response of {url} is too long")
    return body


class IssuerKeys:
    """The server's key set. It is fetched every ten minutes, and when a token has an unknown key ID."""

    FRESH, COOLDOWN = 600, 30

    def __init__(self, url):
        self.url = url
        self.keys = None
        self.fetched_at = self.tried_at = float("-inf")
        self.lock = threading.Lock()

    def find(self, header, payload):
        """Finds a key for `JWT.decode`. Raises ValueError if it does not exist, Unavailable without any keys."""
        with self.lock:
            if time.monotonic() - self.fetched_at > self.FRESH:
                self._refresh(pause=RETRY_AFTER if self.keys is None else self.COOLDOWN)
            try:
                return self._find(header)
            except ValueError:
                # Not for each one: anybody can invent a key ID.
                self._refresh(pause=self.COOLDOWN)
            return self._find(header)

    def _find(self, header):
        if self.keys is None:
            raise Unavailable("the issuer's keys are unavailable")
        return self.keys.find_by_kid(header.get("kid"))

    def _refresh(self, pause):
        if time.monotonic() - self.tried_at < pause:
            return
        try:
            self.keys = JsonWebKey.import_key_set(json_loads(fetch(self.url, "application/json").decode()))
            self.fetched_at = time.monotonic()
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass  # The keys in memory stay in use.
        finally:
            # The pause starts at the end of the attempt: otherwise every request would wait for a server that hangs.
            self.tried_at = time.monotonic()
