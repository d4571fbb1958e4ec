"""What is fetched from the server: over which address, how much at most, and the keys that its signatures are checked with."""

import http.client
import threading
import time
import urllib.request

from authlib.common.encoding import json_loads
from authlib.jose import JsonWebKey, JsonWebToken
from authlib.oauth2 import OAuth2Error

TIMEOUT = 5
RETRY_AFTER = 5
LONGEST = 3 * 1024 * 1024

# With an algorithm whose key is secret, whoever verifies could issue.
JWT = JsonWebToken(["ES256", "RS256", "PS256", "EdDSA"])


class Unavailable(OAuth2Error):
    """Not the caller's fault: told `invalid_token`, it would throw a good token away."""

    error = "temporarily_unavailable"
    status_code = 503

    def get_headers(self):
        return super().get_headers() + [("Retry-After", str(RETRY_AFTER))]


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Where a redirect leads, nobody has allowed."""

    def redirect_request(self, *args):
        return None


_opener = urllib.request.build_opener(NoRedirect)


def fetch(url, accept):
    """The body of what is there. Raises OSError or ValueError."""
    request = urllib.request.Request(url, headers={"Accept": accept})
    try:
        with _opener.open(request, timeout=TIMEOUT) as response:
            body = response.read(LONGEST + 1)
    except http.client.HTTPException as error:
        raise ValueError(f"{url} broke off, or is not HTTP") from error
    if len(body) > LONGEST:
        raise ValueError(f"{url} is too long")
    return body


class IssuerKeys:
    """The server's key set, fetched every ten minutes, and when a token names a key that is not in it."""

    FRESH, COOLDOWN = 600, 30

    def __init__(self, url):
        self.url = url
        self.keys = None
        self.fetched_at = self.tried_at = float("-inf")
        self.lock = threading.Lock()

    def find(self, header, payload):
        """For `JWT.decode`. Raises ValueError where there is no such key, Unavailable where that cannot be told."""
        with self.lock:
            if time.monotonic() - self.fetched_at > self.FRESH:
                self._renew(pause=RETRY_AFTER if self.keys is None else self.COOLDOWN)
            try:
                return self._find(header)
            except ValueError:
                # Anybody can make up the name of a key.
                self._renew(pause=self.COOLDOWN)
            return self._find(header)

    def _find(self, header):
        if self.keys is None:
            raise Unavailable("the keys of the issuer cannot be had")
        return self.keys.find_by_kid(header.get("kid"))

    def _renew(self, pause):
        if time.monotonic() - self.tried_at < pause:
            return
        try:
            self.keys = JsonWebKey.import_key_set(json_loads(fetch(self.url, "application/json").decode()))
            self.fetched_at = time.monotonic()
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            pass  # The keys at hand serve on.
        finally:
            # From its end: a server that hangs would otherwise keep every request waiting, one after the other.
            self.tried_at = time.monotonic()
