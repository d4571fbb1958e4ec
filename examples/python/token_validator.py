"""A bearer token validator for Keywright's access tokens (RFC 9068), for any of Authlib's resource protectors."""

import base64
import hashlib
import hmac

from authlib.jose.errors import JoseError
from authlib.oauth2.rfc6750 import BearerTokenValidator, InsufficientScopeError, InvalidTokenError

from issuer import JWT, IssuerKeys
from status_list import CLOCK_TOLERANCE, InvalidStatus, StatusLists

REQUIRED_CLAIMS = ["sub", "exp", "iat", "jti", "client_id"]

INVALID = "the access token is not valid for this API"

# By Authlib's errors; the first is of a claim such as the audience.
REASONS = {
    "invalid_claim": INVALID,
    "expired_token": "the access token has expired",
    "invalid_token": "the access token is not valid yet",
    "bad_signature": "the access token was not signed by the issuer",
}


class KeywrightTokenValidator(BearerTokenValidator):
    def __init__(self, issuer, audience, realm=None):
        super().__init__(realm)
        self.keys = IssuerKeys(issuer + "/oauth2/jwks")
        self.lists = StatusLists(issuer, self.keys)
        self.options = {name: {"essential": True} for name in REQUIRED_CLAIMS}
        self.options["iss"] = {"essential": True, "value": issuer}
        self.options["aud"] = {"essential": True, "value": audience}

    def authenticate_token(self, token_string):
        try:
            claims = JWT.decode(token_string, self.keys.find, claims_options=self.options)
            claims.validate(leeway=CLOCK_TOLERANCE)
        except JoseError as error:
            raise self._invalid(REASONS.get(error.error, INVALID)) from None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise self._invalid(INVALID) from None
        # ID tokens are signed with the same keys.
        if claims.header.get("typ") not in ("at+jwt", "JWT") or "client_id" not in claims:
            raise self._invalid("the token is not an access token")
        return claims

    def validate_token(self, token, scopes, request):
        self._check_confirmation(token.get("cnf"), request)
        try:
            is_revoked = self.lists.is_revoked(token)
        except InvalidStatus as error:
            raise self._invalid(str(error)) from None
        if is_revoked:
            raise self._invalid("the access token was revoked")
        if self.scope_insufficient(token.get("scope"), scopes):
            raise InsufficientScopeError()

    def _check_confirmation(self, cnf, request):
        """Verifies the confirmation of a token (RFC 7800). DPoP and other unsupported methods are rejected."""
        if cnf is None:
            return
        if not isinstance(cnf, dict) or list(cnf) != ["x-api-key#S256"]:
            raise self._invalid("the confirmation method of the access token is unsupported")
        digest = hashlib.sha256((request.headers.get("X-Api-Key") or "").encode()).digest()
        expected = base64.urlsafe_b64encode(digest).rstrip(b"=")
        if not hmac.compare_digest(expected, str(cnf["x-api-key#S256"]).encode()):
            raise self._invalid("the x-api-key does not belong to the access token")

    def _invalid(self, description):
        return InvalidTokenError(description, realm=self.realm)
