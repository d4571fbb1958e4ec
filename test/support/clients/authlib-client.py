"""Authlib's client for OAuth 2.0 against a Keywright: code with PKCE and OpenID Connect, refresh, userinfo.

Says on standard output, one line of JSON each, where its person is to go, and what came of it. Reads from standard input
where the person came back to.
"""

import json
import sys

from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.jose import JsonWebKey, jwt
from authlib.oidc.core import CodeIDToken

issuer, client_id, client_secret, redirect_uri, scope = sys.argv[1:]


def say(**what):
    print(json.dumps(what), flush=True)


session = OAuth2Session(
    client_id,
    client_secret,
    scope=scope,
    redirect_uri=redirect_uri,
    code_challenge_method="S256",
    token_endpoint_auth_method="client_secret_basic",
)
server = session.get(issuer + "/.well-known/openid-configuration", withhold_token=True).json()
verifier = generate_token(64)
nonce = generate_token()
url, state = session.create_authorization_url(server["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
say(url=url)

came_back_to = sys.stdin.readline().strip()
token = session.fetch_token(
    server["token_endpoint"], authorization_response=came_back_to, state=state, code_verifier=verifier
)
keys = JsonWebKey.import_key_set(session.get(server["jwks_uri"], withhold_token=True).json())
options = {"iss": {"essential": True, "value": server["issuer"]}, "aud": {"essential": True, "value": client_id}}
claims = jwt.decode(
    token["id_token"], keys, claims_cls=CodeIDToken, claims_options=options, claims_params={"nonce": nonce}
)
claims.validate()
about = session.get(server["userinfo_endpoint"]).json()
refreshed = session.refresh_token(server["token_endpoint"], refresh_token=token["refresh_token"])
say(sub=claims["sub"], email=about["email"], first=token["access_token"], second=refreshed["access_token"])
